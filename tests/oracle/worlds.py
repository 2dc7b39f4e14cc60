"""Small made-up worlds of tenants with everything the rules mention, deterministic by seed.

Instants cluster around month edges and price starts, numbers around boundaries; records repeat,
disagree and move. The worlds need not make sense: the oracle and the models only have to agree.
"""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from tests.oracle.months import following, midnight, plus_months

Row = dict[str, Any]
Tables = dict[str, list[Row]]

PLANS = ("business", "professional", "enterprise", "professional_ai", "enterprise_ai", "ultimate_ai")
COUNTRIES = ("14155550123", "5511987654321", "4915112345678", "919876543210", "18765550123", "77015550123", "99912345")
PARTIES = ("+14155550100", "+12465550100", "+442071234567", "+18005550199", "client:ann", "sip:x@y", "anonymous", "")
# Prefixes of a world's own numbers; its serial follows, so that no two worlds use the same number.
OWN_NUMBERS = ("+141551", "+188852", "+4420700", "+178753", "+187654")
STATUSES = {
    "call": ("completed",) * 6 + ("busy", "no-answer", "canceled", "failed", "in-progress", "queued"),
    "message": ("delivered",) * 5 + ("sent", "received", "read", "undelivered", "failed", "queued", "receiving", "odd"),
}


class World:
    """Rows of `tenants` tenants over three months from `first`, all ids marked with the seed."""

    def __init__(self, seed: int, first: date) -> None:
        self.random = random.Random(f"world {seed}")
        self.id = f"w{seed}"
        self.own_numbers = [f"{prefix}{seed % 100_000:05}" for prefix in OWN_NUMBERS]
        self.months = [first, following(first), following(following(first))]
        self.tables: Tables = defaultdict(list)
        self.tenant_count = self.random.randint(2, 4)
        self._count = 0
        self._numbers: list[str] = []
        for index in range(self.tenant_count):
            self._tenant(f"{self.id}_t{index}")
        self._strangers()
        self._repeat()

    def _id(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}{self.id}x{self._count}"

    def _chance(self, share: float) -> bool:
        return self.random.random() < share

    def instant(self, month: date | None = None, *, whole: bool = False) -> datetime:
        """Anywhere in a month, often very close to its edges; `whole` seconds if the form has no finer."""
        start = midnight(month or self.random.choice(self.months))
        end = midnight(following(start.date()))
        tick = timedelta(seconds=1) if whole else timedelta(microseconds=1)
        kind = self.random.random()
        if kind < 0.08:
            return start
        if kind < 0.16:
            return end - tick
        if kind < 0.20:
            return start + tick
        day = self.random.randint(1, (end - start).days) - 1
        return start + timedelta(
            days=day, seconds=self.random.choice((0, 1, 43_200, 86_399, self.random.randint(0, 86_399)))
        )

    def text(self, instant: datetime | None) -> str:
        """ISO 8601 in some offset."""
        if instant is None:
            return ""
        zone = timezone(timedelta(minutes=self.random.choice((0, 0, 60, -480, 330))))
        return instant.replace(tzinfo=UTC).astimezone(zone).isoformat()

    def _add(self, source: str, /, **values: Any) -> None:
        self.tables[source].append({k: self.text(v) if isinstance(v, datetime) else v for k, v in values.items()})

    def _tenant(self, tenant: str) -> None:
        r, begin = self.random, midnight(self.months[0]) - timedelta(days=200)
        if not self._chance(0.05):
            self._add(
                *("tenants",),
                **{"tenant_id": tenant, "name": tenant, "payment_method_id": "card", "updated_at": begin},
                billing_currency=r.choice(("USD",) * 12 + ("EUR", "", "JPY", "KWD")),
                whatsapp_payment_method_id=r.choice(("", "card", "wa")),
            )
        accounts = {system: f"{tenant}_{system}" for system in ("twilio", "whatsapp", "kustomer")}
        for system, account in accounts.items():
            since = self.instant() if self._chance(0.08) else begin
            moves = self.instant() if self._chance(0.08) else None
            kind = self.random.choice(("third_party", "Third_Party", "trial")) if self._chance(0.08) else "platform"
            row = {"system": system, "account_id": account, "updated_at": begin}
            self._add("account_map", tenant_id=tenant, kind=kind, valid_from=since, valid_to=moves, **row)
            if moves is not None and self._chance(0.5):
                other = f"{self.id}_t{r.randrange(self.tenant_count)}"
                self._add("account_map", tenant_id=other, kind="platform", valid_from=moves, valid_to="", **row)
            if self._count % 7 == 2:
                # Lent to another for three days, or mapped to it by mistake: that row ends where it begins.
                lent = midnight(self.months[1]) + timedelta(days=self._count % 20)
                back = lent + timedelta(days=self._count % 2 * 3)
                other = f"{self.id}_t{self._count % self.tenant_count}"
                self._add("account_map", tenant_id=other, kind="platform", valid_from=lent, valid_to=back, **row)
            if self._count % 9 == 4:
                # Given to the wrong tenant at first, and put right with a later update.
                other = f"{self.id}_t{self._count % self.tenant_count}"
                first = row | {"updated_at": begin - timedelta(days=30)}
                self._add("account_map", tenant_id=other, kind="platform", valid_from=since, valid_to="", **first)
        self._contract(tenant, begin)
        self._orders(tenant)
        for month in self.months:
            self._voice(accounts["twilio"], month)
            self._texts(accounts["twilio"], month)
            self._assist(accounts["kustomer"], month)
            self._whatsapp(accounts["whatsapp"], month)
            self._storage(accounts["kustomer"], month)
        self._phone_numbers(tenant, accounts["twilio"])

    def _contract(self, tenant: str, begin: datetime) -> None:
        r = self.random
        if self._chance(0.07):
            return
        term_start = r.choice((date(begin.year - 1, 1, 31), date(2024, 2, 29), plus_months(self.months[1], -12)))
        term_start += timedelta(days=r.choice((0, 0, 9, 14)))
        length, since = r.choice((1, 1, 3, 12)), begin
        if self._count % 9 == 4:
            term_start, length = date(2021, 11, 30), 36  # begun before words had a price
        earlier = term_start
        if self._count % 5 == 2:
            # On another plan and term for three days as well, or by mistake: then the row ends where it begins.
            beside = midnight(self.months[1]) + timedelta(days=self._count % 20, hours=1)
            its_start = term_start if self._count % 4 == 1 else beside.date()
            self._add(
                *("subscriptions",),
                **{"tenant_id": tenant, "plan_id": "enterprise", "full_time_licences": 2, "updated_at": begin},
                **{"term_start": its_start.isoformat(), "term_months": 1},
                **{"valid_from": beside, "valid_to": beside + timedelta(days=self._count % 2 * 3)},
            )
        for change in range(r.choice((1, 1, 2, 3))):
            until = self.instant() if change < 2 and self._chance(0.5) else None
            if until is not None and until <= since:
                until = None
            self._add(
                *("subscriptions",),
                **{"tenant_id": tenant, "plan_id": "Enterprise" if self._chance(0.03) else r.choice(PLANS)},
                **{"full_time_licences": r.choice((0, 1, 1, 2))},
                **{"term_start": term_start.isoformat(), "term_months": length},
                **{"valid_from": since, "valid_to": until, "updated_at": begin},
            )
            if self._count % 5 == 2:
                # A change of plan that was called off: it ends where it starts.
                never = self.instant()
                if never != since:
                    self._add(
                        *("subscriptions",),
                        **{"tenant_id": tenant, "plan_id": r.choice(PLANS), "full_time_licences": 3},
                        **{"term_start": term_start.isoformat(), "term_months": length},
                        **{"valid_from": never, "valid_to": never, "updated_at": begin},
                    )
            if until is None:
                return
            since = until
            if self._count % 8 == 5:
                since += timedelta(days=3, hours=7)  # nothing is in force for some days
            if self._chance(0.2):
                earlier, term_start, length = term_start, until.date(), r.choice((1, 12))
                if self._count % 7 == 3:
                    term_start += timedelta(days=9)  # agreed on before it starts
            elif self._count % 3 == 1:
                length = 1 if length > 1 else 12  # the same contract, renewed at another pace from here on
            elif self._count % 3 == 2:
                term_start = earlier  # the contract before, if there was one, comes back

    def _orders(self, tenant: str) -> None:
        r = self.random
        meters = (
            *("kiq_conversation", "translated_word", "voice_minute", "sms_segment", "mms_message", "phone_number"),
            *("recording_minute", "transcription_minute", "whatsapp_conversation", "whatsapp_message", "whatsapp_fee"),
            *("data_storage", "attachment_storage"),
        )
        for _ in range(r.choice((0, 1, 3, 6))):
            since = self.instant()
            until = r.choice((None, None, self.instant(), since + timedelta(days=3)))
            meter, price_key = r.choice(meters), ""
            kind = r.choice(("unit_price", "unit_price", "unit_price", "included_quantity"))
            value = r.choice(("0", "0.01", "0.0075", "1.005", "0.00000001", "nonsense", "-0.5", "0.000000004", "1e-2"))
            if kind == "included_quantity":
                value = r.choice(("0", "1", "2", "3", "10", "100000000000", "-5", "2.6"))
                price_key = "other" if self._chance(0.2) else ""
            elif meter == "voice_minute":
                price_key = r.choice(("", "inbound_local", "international", "inbound-local"))
            elif meter == "sms_segment":
                price_key = r.choice(("", "inbound", "outbound"))
            if meter == "kiq_conversation" and self._chance(0.5):
                kind, value = "kiq_basis", r.choice(("kiq_01", "kiq_03"))
            if meter == "translated_word" and self._chance(0.3):
                kind, value = "renewal_date", self.instant().date().isoformat()
            until = until if until is None or until > since else None
            if self._count % 17 == 6:
                until = since  # taken back
            self._add(
                *("order_overrides",),
                **{"order_id": self._id("O"), "tenant_id": tenant, "meter": meter, "field": kind, "value": value},
                **{"price_key": price_key, "valid_from": since, "valid_to": until, "updated_at": since},
            )
        if self._count % 4 == 1:
            # A quantity is included, and in the middle of a month another price holds for a week.
            middle = midnight(self.months[1]) + timedelta(days=self._count % 17)
            meter = ("voice_minute", "translated_word")[self._count % 8 // 4]
            for kind, value, since, until in (
                ("included_quantity", "9", midnight(self.months[0]), None),
                ("unit_price", "0.01", middle, middle + timedelta(days=7)),
            ):
                self._add(
                    *("order_overrides",),
                    **{"order_id": f"{tenant}_{kind}", "tenant_id": tenant, "meter": meter, "field": kind},
                    **{"value": value, "valid_from": f"{since.isoformat()}Z", "updated_at": f"{since.isoformat()}Z"},
                    valid_to="" if until is None else f"{until.isoformat()}Z",
                )

    def _voice(self, account: str, month: date) -> None:
        r, legs = self.random, []
        for _ in range(r.choice((0, 1, 3, 5))):
            sid, status = self._id("CA"), r.choice(STATUSES["call"])
            inbound = self._chance(0.5)
            outside, own = r.choice(PARTIES), r.choice(self.own_numbers)
            # Now and then the tenant's number is unreadable.
            own = ("", "+44 20 7183 8750", "sip:desk@x")[self._count % 3] if self._count % 29 == 11 else own
            at = self.instant(month, whole=True)
            legs.append(sid)
            self._add(
                *("twilio_calls",),
                **{"sid": sid, "account_sid": account, "status": status, "date_created": at, "date_updated": at},
                **{"from": outside if inbound else own, "to": own if inbound else outside},
                parent_call_sid=r.choice(("", *legs[:-1])) if len(legs) > 1 else "",
                direction=self._direction(
                    "inbound" if inbound else r.choice(("outbound-api", "outbound-dial", "trunking-terminating"))
                ),
                start_time="" if self._chance(0.08) else at + timedelta(seconds=r.choice((0, 1, 5))),
                duration=r.choice(("0", "", "1", "59", "60", "61", "120", "3601")),
            )
        for source, prefix in (("twilio_recordings", "RE"), ("twilio_transcriptions", "TR")):
            for _ in range(r.choice((0, 1, 2))):
                at = self.instant(month, whole=True)
                self._add(
                    *(source,),
                    **{"sid": self._id(prefix), "account_sid": account, "date_created": at, "date_updated": at},
                    **(
                        {"call_sid": r.choice((*legs, "CAnone")), "start_time": r.choice((at, ""))}
                        if prefix == "RE"
                        else {}
                    ),
                    status="archived" if self._count % 17 == 4 else r.choice(("completed",) * 3 + ("failed",)),
                    duration="" if self._count % 19 == 3 else r.choice(("0", "60", "61", "7")),
                )

    def _texts(self, account: str, month: date) -> None:
        r = self.random
        for _ in range(r.choice((0, 2, 4))):
            at = self.instant(month, whole=True)
            inbound = self._chance(0.4)
            to = f"whatsapp:{COUNTRIES[0]}" if self._chance(0.06) else "+14155550123"
            if self._count % 29 == 5:
                to = "rcs:+14155550123"
            self._add(
                *("twilio_messages",),
                **{"sid": self._id("SM"), "account_sid": account, "from": "+14155550001", "to": to},
                **{"direction": self._direction("inbound" if inbound else "outbound-api")},
                **{"status": r.choice(STATUSES["message"])},
                **{"num_segments": r.choice(("0", "1", "2", "7")), "num_media": r.choice(("0", "0", "", "2"))},
                **{"date_created": at - timedelta(seconds=r.choice((0, 1, 90))), "date_sent": r.choice((at, at, ""))},
                date_updated=at,
            )

    def _direction(self, usual: str) -> str:
        """Now and then a word that means neither in nor out."""
        return ("Inbound", "trunking-originating", "sideways")[self._count % 3] if self._count % 23 == 7 else usual

    def _assist(self, org: str, month: date) -> None:
        r = self.random
        opened: list[str] = []
        first_merged_back = self._count % 7 == 3
        for _ in range(r.choice((0, 1, 3, 4))):
            conversation, at = self._id("C"), self.instant(month)
            target = r.choice(opened) if opened and self._chance(0.2) else ""
            opened.append(conversation)
            ended = at + timedelta(hours=r.choice((1, 20)))
            if not self._chance(0.05):
                self._add(
                    *("kustomer_conversations",),
                    **{"id": conversation, "org_id": org, "created_at": at},
                    customer_id=(customer := f"{org}_c{r.randint(1, 2)}"),
                    **{
                        "ended_at": (ends := r.choice((ended, ended, None))),
                        "imported_at": at if self._chance(0.08) else None,
                    },
                    **{"spam": r.choice(("", "false", "false", "true")), "merged_target_id": target, "updated_at": at},
                    transferred_to_agent_at=at if self._chance(0.2) else None,
                )
                if ends is not None and self._count % 3 == 1:
                    self._followed(org, customer, conversation, ends)
                if target and first_merged_back:
                    # Its target was merged into it, or into one merged into it: a loop of merges.
                    for row in self.tables["kustomer_conversations"]:
                        if row["id"] == opened[0]:
                            row["merged_target_id"] = conversation
            for _ in range(r.choice((1, 2, 3, 4))):
                channel = r.choice(("chat", "chat", "sms", "whatsapp", "email"))
                said = {"conversation_id": conversation, "org_id": org, "channel": channel, "updated_at": at}
                self._add("kustomer_messages", id=self._id("M"), direction="in", sent_at=at, **said)
                at += timedelta(seconds=r.choice((0, 1, 3600)), microseconds=r.choice((0, 1)))
                kind = r.choice(("premium", "premium", "premium", "lite", ""))
                # Now and then an unknown word for the sender: the reply may be one that counts.
                odd = self._count % 19
                self._add(
                    *("kustomer_messages",),
                    **{"id": self._id("M"), "direction": "Outbound" if odd == 3 else "out", "sent_at": at, **said},
                    assistant_type="Premium" if odd == 8 else kind,
                )
        for _ in range(r.choice((0, 1, 3))):
            at, translation = self.instant(month), self._id("TL")
            source_lang = ("en", "EN", "de ", "DE")[self._count % 4]
            self._add(
                *("translations",),
                **{"translation_id": translation, "org_id": org, "source_lang": source_lang, "updated_at": at},
                **{"target_lang": r.choice(("de", "fr", "en"))},
                **{"status": r.choice(("completed",) * 5 + ("failed", "done"))},
                **{"character_count": r.choice((0, 1, 4, 5, 6, 23, 1_000_003)), "requested_at": at},
                completed_at="" if self._chance(0.05) else at,
            )

    def _followed(self, org: str, customer: str, conversation: str, ended: datetime) -> None:
        """Three hours after the end there is another: of the customer, of a person, imported, or merged back."""
        at, kind = f"{(ended + timedelta(hours=3)).isoformat()}Z", self._count % 12 // 3
        self._add(
            *("kustomer_conversations",),
            **{"id": f"{conversation}f", "org_id": org, "customer_id": customer, "created_at": at, "updated_at": at},
            **{"imported_at": at if kind == 2 else "", "merged_target_id": conversation if kind == 3 else ""},
        )
        self._add(
            *("kustomer_messages",),
            **{"id": f"{conversation}f1", "org_id": org, "conversation_id": f"{conversation}f", "channel": "email"},
            **{"direction": "out" if kind == 1 else "in", "sent_at": at, "updated_at": at},
        )

    def _whatsapp(self, waba: str, month: date) -> None:
        r = self.random
        for _ in range(r.choice((0, 1, 3, 5))):
            at, customer = self.instant(month, whole=True), r.choice(COUNTRIES)
            by_message = self._chance(0.45)
            category = r.choice(
                (
                    "service",
                    "service",
                    "referral_conversion",
                    "service",
                    "user_initiated",
                    "marketing",
                    "utility",
                    "authentication",
                )
                if by_message
                else ("user_initiated",) * 4
                + ("business_initiated", "marketing", "service", "referral_conversion", "odd")
            )
            if (
                month >= date(2024, 11, 1)
                and category in ("user_initiated", "business_initiated")
                and self._chance(0.9)
            ):
                category = "service"  # the cards from then on have no such column
            if by_message:
                self._inbound(waba, customer, at)
            conversation = self._id("conv")
            for _ in range(r.choice((1, 1, 2))):
                self._statuses(waba, customer, category, "" if by_message else conversation, at)
                at += timedelta(hours=r.choice((0, 1, 23, 24, 25)))

    def _inbound(self, waba: str, customer: str, answered: datetime) -> None:
        wrote = answered - timedelta(hours=self.random.choice((1, 24, 25)))
        self._add(
            *("whatsapp_webhooks",),
            **{
                "waba_id": waba,
                "wamid": self._id("in"),
                "timestamp": _seconds(wrote),
                "direction": "in",
                "from": customer,
            },
        )

    def _statuses(self, waba: str, customer: str, category: str, conversation: str, at: datetime) -> None:
        r, wamid = self.random, self._id("wamid")
        expires = _seconds(at + timedelta(hours=24)) if conversation and self._chance(0.7) else ""
        pricing = {
            "pricing_model": "CBP" if conversation else "PMP",
            "pricing_category": category if self._chance(0.95) else "",
            "pricing_type": "" if conversation else r.choice(("regular", "regular", "free_customer_service")),
            "billable": "false" if self._chance(0.1) else "true",
        }
        for status in r.choice(
            (("sent", "delivered"), ("sent", "read"), ("delivered",), ("sent",), ("sent", "failed"))
        ):
            self._add(
                *("whatsapp_webhooks",),
                **{"waba_id": waba, "wamid": wamid, "status": status, "timestamp": _seconds(at), "direction": "out"},
                **{"recipient_id": customer, "conversation_id": conversation, "expiration_timestamp": expires},
                **(pricing if self._chance(0.85) else {}),
                origin_type="referral_conversion" if self._count % 19 == 5 else "",
            )
            at += timedelta(seconds=r.choice((0, 1, 60)))

    def _storage(self, org: str, month: date) -> None:
        r, end = self.random, midnight(following(month))
        for environment in ("prod", "sandbox")[: r.choice((1, 2))]:
            for meter in ("data", "attachment"):
                for back in (
                    timedelta(days=12),
                    timedelta(hours=r.choice((1, 48, 49)) if self._chance(0.06) else 2),
                ):
                    size = r.choice((0, 10**9, 50 * 10**9, 101 * 10**9, 101 * 10**9 + 1, 900 * 10**9))
                    self._add(
                        *("storage_snapshots",),
                        **{"org_id": org, "environment_id": environment, "environment": "production", "meter": meter},
                        **{"bytes": size, "taken_at": end - back, "updated_at": end},
                    )
        if not self._chance(0.06):
            late = timedelta(hours=r.choice((1, 2, 48, 49)) if self._chance(0.1) else 3)
            self._add(
                "seat_snapshots", org_id=org, full_time_users=r.choice((0, 1, 5)), taken_at=end - late, updated_at=end
            )

    def _phone_numbers(self, tenant: str, account: str) -> None:
        r, first_of_mine = self.random, len(self._numbers)
        for _ in range(r.choice((0, 1, 3))):
            number = r.choice((*self.own_numbers, f"{r.choice(self.own_numbers)}{r.randint(1, 9)}"))
            self._numbers.append(number)
            at = self.instant() - timedelta(days=r.choice((0, 0, 60)))
            turn = len(self._numbers)
            for step, event in enumerate(("added", "removed", "added")[: r.choice((1, 2, 3))]):
                self._add(
                    *("number_events",),
                    **{"tenant_id": tenant, "phone_number": _spelled(number, turn + step), "event": event},
                    **{"number_type": "local", "occurred_at": at, "updated_at": at},
                )
                following_month = midnight(following(at.date()))
                later = r.choice(
                    (at + timedelta(days=r.randint(1, 40)), following_month, following_month + timedelta(seconds=1))
                )
                # Now and then the next entry has the same instant.
                at = at if (turn + step) % 4 == 0 else later
            if self._chance(0.3):
                self._fine(number)
            if self._chance(0.3):
                self._add(
                    *("twilio_phone_numbers",),
                    **{"sid": self._id("PN"), "account_sid": account, "phone_number": _spelled(number, turn)},
                    **{"date_created": at, "snapshot_date": self.instant().date().isoformat()},
                )
        # Snapshots of some days; now and then a number is missing, or another tenant's number is there.
        for day in (2, 3, 20):
            for turn, number in enumerate(self._numbers[max(0, first_of_mine - 1) :]):
                if (turn + self._count) % 4:
                    self._add(
                        *("twilio_phone_numbers",),
                        **{"sid": self._id("PN"), "account_sid": account, "phone_number": _spelled(number, turn)},
                        **{"date_created": midnight(self.months[0])},
                        snapshot_date=self.months[1].replace(day=day).isoformat(),
                    )
        if self._chance(0.2):
            self._add(
                *("storage_purchases",),
                **{"tenant_id": tenant, "meter": r.choice(("data", "attachment_storage")), "bytes": 10**9},
                **{"valid_from": self.instant(), "valid_to": "", "updated_at": self.instant()},
            )

    def _fine(self, number: str) -> None:
        r, notice = self.random, self._id("N")
        posted = self.instant()
        story = r.choice(
            (
                *((), ("open",), ("contested",), ("overturned",), ("upheld",), ("odd",)),
                *(("contested", last) for last in ("upheld", "overturned", "open")),
                *(("contested", "upheld", last) for last in ("upheld", "contested", "overturned", "odd")),
                ("contested", "upheld", "contested", "upheld"),
                *(("contested", "upheld", "overturned", last) for last in ("overturned", "upheld", "contested")),
                *(("overturned", last) for last in ("upheld", "contested", "open")),
            )
        )
        at, money = (
            posted,
            {"amount": r.choice(("500.00", "1000", "0.01")), "currency_code": r.choice(("USD", "usd", "EUR"))},
        )
        for status in ("open", *story):
            if status == "overturned" and self._count % 3:
                # The state that overturns a fine may carry another amount, or 0.
                money["amount"] = ("0", "300.00")[self._count % 2]
            self._add(
                *("carrier_penalties",),
                **{
                    "notice_id": notice,
                    "phone_number": _spelled(number, self._count),
                    "violated_at": posted - timedelta(days=3),
                },
                **{"posted_at": posted, "status": status, "status_at": at, "updated_at": at, **money},
            )
            at += timedelta(days=r.choice((1, 10, 40)), seconds=r.choice((0, 1)))

    def _strangers(self) -> None:
        """Accounts nobody has mapped."""
        self._voice(f"{self.id}_stranger", self.months[0])
        self._assist(f"{self.id}_stranger", self.months[1])
        self._whatsapp(f"{self.id}_stranger", self.months[2])
        self._storage(f"{self.id}_stranger", self.months[2])

    def _repeat(self) -> None:
        """Exact copies, newer and older states, and states without a deciding update time."""
        changes: dict[str, dict[str, tuple[Any, ...]]] = {
            "twilio_calls": {"status": STATUSES["call"], "duration": ("30", "90")},
            "twilio_messages": {"status": STATUSES["message"], "num_segments": ("3",)},
            "translations": {"character_count": (7, 12), "status": ("completed", "failed")},
            "kustomer_messages": {"channel": ("chat", "email")},
            "kustomer_conversations": {"spam": ("true", "false")},
            "storage_snapshots": {"bytes": (1, 2 * 10**9)},
            "seat_snapshots": {"full_time_users": (2, 3)},
            "whatsapp_webhooks": {"billable": ("true", "false")},
        }
        clocks = {"twilio_calls": "date_updated", "twilio_messages": "date_updated"}
        for source, rows in self.tables.items():
            for row in list(rows):
                if self._chance(0.06):
                    rows.append(dict(row))
                if source in changes and self._chance(0.08):
                    column = self.random.choice(list(changes[source]))
                    state = {**row, column: self.random.choice(changes[source][column])}
                    if source != "whatsapp_webhooks" and self._chance(0.6):
                        state[clocks.get(source, "updated_at")] = self.text(self.instant(whole=True))
                    rows.append(state)


def _spelled(number: str, turn: int) -> str:
    """The number as upstream may write it; now and then something that is not a number."""
    spellings = (number, number[1:], f"{number[:2]} ({number[2:5]}) {number[5:8]}-{number[8:]}")
    return "withheld" if turn % 13 == 5 else spellings[turn % 3]


def _seconds(instant: datetime) -> str:
    return str(int(instant.replace(tzinfo=UTC).timestamp()))
