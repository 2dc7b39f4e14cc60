"""KIQ-01..04: conversations with an exchange, counted once under the conversation they were merged into."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta

from tests.oracle.book import PriceBook
from tests.oracle.extracts import Row
from tests.oracle.months import month_of
from tests.oracle.orders import Orders
from tests.oracle.states import Records
from tests.oracle.tenancy import AccountMap
from tests.oracle.units import Unit, judged

_CHANNELS = ("chat", "whatsapp", "sms")
_DAY = timedelta(hours=24)


def _target(conversation: str, known: dict[str, Row]) -> str:
    """The conversation at the end of its merges. A loop has no end: its lowest id stands for all."""
    path = [conversation]
    while (row := known.get(path[-1])) is not None and row["merged_target_id"] not in (None, path[-1]):
        following: str = row["merged_target_id"]
        if following in path:
            return min(path[path.index(following) :])
        path.append(following)
    return path[-1]


class _Openings:
    """KIQ-03: which conversations their customer opened, and when."""

    def __init__(self, messages: list[Row], known: dict[str, Row]) -> None:
        self._known = known
        self._of_customer: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in known.values():
            self._of_customer[row["org_id"], row["customer_id"]].append(row)
        said: dict[str, list[Row]] = defaultdict(list)
        for row in messages:
            said[row["conversation_id"]].append(row)
        self._by_business = set()
        for conversation, rows in said.items():
            first = min(row["sent_at"] for row in rows)
            if all(row["direction"] == "out" for row in rows if row["sent_at"] == first):
                self._by_business.add(conversation)

    def _is_another(self, other: Row, row: Row) -> bool:
        """Opened by the customer, here, and not the same conversation by way of a merge."""
        return (
            other["imported_at"] is None
            and other["id"] not in self._by_business
            and _target(other["id"], self._known) != _target(row["id"], self._known)
        )

    def ended_unassisted(self, row: Row) -> bool:
        """Ended, never handed to an agent, and no other conversation opened within 24 hours of the end."""
        if row["ended_at"] is None or row["transferred_to_agent_at"] is not None:
            return False
        if row["customer_id"] is None:
            return True
        return not any(
            row["ended_at"] <= other["created_at"] < row["ended_at"] + _DAY and self._is_another(other, row)
            for other in self._of_customer[row["org_id"], row["customer_id"]]
        )


def _sender_is_unknown(row: Row) -> bool:
    """Neither the customer nor, as far as the record shows, a person, a lite or a premium assistant."""
    if row["direction"] == "out":
        return row["assistant_type"] not in (None, "", "lite", "premium")
    return bool(row["direction"] != "in")


def conversations(
    messages: Records, conversations_: Records, accounts: AccountMap, orders: Orders, book: PriceBook
) -> Iterator[Unit]:
    known: dict[str, Row] = {row["id"]: row for row in conversations_.winners}
    openings = _Openings(messages.winners, known)
    gathered: dict[str, list[Row]] = defaultdict(list)
    for row in messages.winners:
        gathered[_target(row["conversation_id"], known)].append(row)
    for conversation, said in gathered.items():
        counted = [row for row in said if (row["channel"] or "").lower() in _CHANNELS]
        asked = [row["sent_at"] for row in counted if row["direction"] == "in"]
        answers = [
            row["sent_at"] for row in counted if row["direction"] == "out" and row["assistant_type"] == "premium"
        ]
        completed = min((at for at in answers if asked and at > min(asked)), default=None)
        target = known.get(conversation)
        instant = completed or min(row["sent_at"] for row in said)
        org = target["org_id"] if target is not None else min(row["org_id"] for row in said)
        found = accounts.find("kustomer", org, instant)
        basis = (orders.kiq_basis(found[0], instant) if found else None) or book.setting("kiq_basis", instant.date())
        fate, reason = "countable", ""
        # The unknown sender may have answered: held if that would make the conversation billable.
        is_unclear = completed is None and any(_sender_is_unknown(row) for row in counted)
        is_wanted = target is None or not (target["spam"] or target["imported_at"] is not None)
        if basis == "kiq_03":
            is_wanted = is_wanted and target is not None and openings.ended_unassisted(target)
        if is_unclear and is_wanted:
            fate, reason = "quarantined", "unknown_sender"
        elif not answers:
            fate, reason = "excluded", "no_premium_reply"
        elif completed is None:
            fate, reason = "excluded", "no_back_and_forth"
        elif target is not None and target["spam"]:
            fate, reason = "excluded", "spam"
        elif target is not None and target["imported_at"] is not None:
            fate, reason = "excluded", "imported"
        elif basis == "kiq_03" and not (target is not None and openings.ended_unassisted(target)):
            fate, reason = "excluded", "not_resolved_unassisted"
        elif target is None:
            fate, reason = "quarantined", "unknown_conversation"
        tenant, fate, reason = judged(found, fate, reason)
        yield Unit(
            *("kustomer_messages", tenant, month_of(instant), instant, "kiq_conversation", "", 1, fate, reason),
            records=len(said),
            clause="KIQ-03" if basis == "kiq_03" else "KIQ-01",
        )
