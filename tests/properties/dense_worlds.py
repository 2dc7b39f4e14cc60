"""Worlds of a few records that all have to do with each other, as landings of CSV; made up, deterministic by seed.

Few conversations, customers and windows, so that messages, merges, states and statuses of later landings concern
what earlier ones brought; many instants at the ends of months. Rows need not make sense: a bill is not what is
asked of them.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Landing = dict[str, str]
HEADERS = {
    "kustomer_messages": "id,org_id,conversation_id,direction,channel,sent_at,assistant_type,updated_at",
    "kustomer_conversations": "id,org_id,customer_id,created_at,ended_at,spam,merged_target_id,updated_at",
    "whatsapp_webhooks": "waba_id,wamid,status,timestamp,recipient_id,conversation_id,origin_type,"
    "expiration_timestamp,pricing_model,pricing_category,billable,direction,from",
    "account_map": "tenant_id,system,account_id,kind,valid_from",
}
CONTRACT: Landing = {
    "tenants": "tenant_id,name,billing_currency\nt,T,USD\n",
    "account_map": f"{HEADERS['account_map']}\nt,kustomer,org,platform,2024-01-01T00:00:00Z\n"
    "t,whatsapp,waba,platform,2024-01-01T00:00:00Z\n",
    "subscriptions": "tenant_id,plan_id,full_time_licences,term_start,term_months,valid_from\n"
    "t,enterprise,2,2024-01-01,24,2024-01-01T00:00:00Z\n",
}
ORDERS = (
    "order_id,tenant_id,meter,field,value,price_key,valid_from\n"
    "a,t,kiq_conversation,kiq_basis,kiq_03,,2024-01-01T00:00:00Z\n"
    "b,t,whatsapp_conversation,included_quantity,2,,2024-01-01T00:00:00Z\n"
    "b,t,whatsapp_conversation,unit_price,0.25,,2024-01-01T00:00:00Z\n"
    "b,t,whatsapp_message,unit_price,0.5,,2024-01-01T00:00:00Z\n"
)
MONTH_ENDS = [datetime(2025, month, 1, tzinfo=UTC) - timedelta(hours=4) for month in (8, 9, 10)]


class DenseWorld:
    """What lands in `landings`: the contract with the first, then everything in any order, some of it again."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(f"dense {seed}")
        self._version = 0
        self._messages: list[str] = []
        self._conversations = [f"c{number}" for number in range(self._chance.randint(3, 6))]
        makers: list[tuple[float, Callable[[], list[tuple[str, str]]]]] = [
            (5, self._message),
            (3, self._conversation),
            (3, self._status),
            (2, self._window),
            (0.1, self._account),
        ]
        self.landings: list[Landing] = []
        for number in range(self._chance.randint(3, 5)):
            rows: dict[str, list[str]] = defaultdict(list)
            for _ in range(self._chance.randint(2, 12)):
                (make,) = self._chance.choices([make for _, make in makers], [weight for weight, _ in makers])
                for source, row in make():
                    rows[source].append(row)
            landing = {source: "\n".join([HEADERS[source], *listed]) + "\n" for source, listed in rows.items()}
            if number == 0:
                orders = {"order_overrides": ORDERS} if self._chance.random() < 0.8 else {}
                landing = {**CONTRACT, **orders, **{k: v for k, v in landing.items() if k != "account_map"}}
            self.landings.append(landing)

    def _any(self, *choices: str) -> str:
        return self._chance.choice(choices)

    def _instant(self) -> datetime:
        if self._chance.random() < 0.4:
            return self._chance.choice(MONTH_ENDS) + timedelta(minutes=self._chance.choice([0, 60, 200, 239, 240, 300]))
        return datetime(2025, 7, 1, tzinfo=UTC) + timedelta(minutes=self._chance.randrange(110 * 1440))

    def _updated(self) -> str:
        self._version += 1
        return _text(datetime(2025, 12, self._chance.randint(1, 28), tzinfo=UTC) + timedelta(seconds=self._version))

    def _message(self) -> list[tuple[str, str]]:
        """A message; one in three came before and comes again, half of those changed."""
        known = bool(self._messages) and self._chance.random() < 0.35
        if known and self._chance.random() < 0.5:
            return [("kustomer_messages", self._chance.choice(self._messages))]
        name = self._chance.choice(self._messages).split(",")[0] if known else f"k{len(self._messages)}"
        org = "org" if self._chance.random() < 0.93 else "org2"
        row = ",".join(
            [
                *(name, org, self._chance.choice(self._conversations), self._any("in", "out", "out")),
                *(self._any("chat", "chat", "chat", "email"), _text(self._instant())),
                *(self._any("premium", "premium", "lite", "Premium", ""), self._updated()),
            ]
        )
        self._messages.append(row)
        return [("kustomer_messages", row)]

    def _conversation(self) -> list[tuple[str, str]]:
        """A state of a conversation; where it ended, another may be opened by its customer about a day later."""
        created = self._instant()
        ended = created + timedelta(hours=self._chance.choice([1, 24, 960])) if self._chance.random() < 0.6 else None
        made = [(self._chance.choice(self._conversations), created, ended)]
        if ended is not None and self._chance.random() < 0.5:
            opened = ended + timedelta(seconds=self._chance.choice([0, 3600, 86399, 86400]))
            made.append((self._chance.choice(self._conversations), opened, None))
        customer = self._any("u1", "u2")
        found = []
        for name, begins, ends in made:
            merged = self._any(*self._conversations, "elsewhere") if self._chance.random() < 0.4 else ""
            parts = [name, "org", customer, _text(begins), _text(ends) if ends else ""]
            found.append(",".join([*parts, self._any("true", "", ""), merged, self._updated()]))
        return [("kustomer_conversations", row) for row in found]

    def _status(self) -> list[tuple[str, str]]:
        """A status of an outbound message, of either era or saying too little."""
        at = int(self._instant().timestamp())
        conversation = self._any("w1", "w2", "w3", "")
        until = str(at + 86400) if conversation and self._chance.random() < 0.6 else ""
        category = self._any("user_initiated", "user_initiated", "business_initiated", "service", "")
        parts = [
            *("waba", f"m{self._chance.randrange(6)}", self._any("sent", "delivered", "read", "failed"), str(at)),
            *(self._customer(), conversation, category, until, self._any("CBP", "CBP", "PMP", ""), category),
            *(self._any("true", "true", "false", ""), self._any("", "", "", "in"), ""),
        ]
        return [("whatsapp_webhooks", ",".join(parts))]

    def _window(self) -> list[tuple[str, str]]:
        """What a customer wrote at the end of a month, and replies within about a day of it."""
        begins, customer = self._chance.choice(MONTH_ENDS), self._customer()
        at = int(begins.timestamp()) + self._chance.choice([0, 1800, 7200, 14400, 20000])
        rows = [f"waba,i{self._chance.randrange(6)},,{at},,,,,,,,in,{customer}"]
        for _ in range(self._chance.randint(1, 3)):
            sent = at + self._chance.choice([60, 3600, 20000, 86000, 86400])
            name, status = f"p{self._chance.randrange(9)}", self._any("delivered", "read", "sent")
            rows.append(f"waba,{name},{status},{sent},{customer},,service,,PMP,service,true,,")
        return [("whatsapp_webhooks", row) for row in rows]

    def _account(self) -> list[tuple[str, str]]:
        """Contract data that comes late: every month moves."""
        return [("account_map", "t,kustomer,org2,platform,2024-01-01T00:00:00Z")]

    def _customer(self) -> str:
        return f"1415555010{self._chance.randrange(2)}"


def _text(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
