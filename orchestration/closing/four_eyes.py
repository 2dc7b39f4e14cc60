"""Separation of duties: whether who closes a month is somebody else than who signed off its drafts.

A name is what was typed with --by: the same one in another case or spacing, or with signs in it that are not drawn, is
the same person. Who types another person's name is not found out here.
"""

from __future__ import annotations

import unicodedata

from orchestration.closing.ledger import Entry
from orchestration.errors import MeterhouseError
from orchestration.settings import FOUR_EYES, Settings


def same_person(one: str, other: str) -> bool:
    """Whether two names are the same but for case, spacing, what is not drawn, and how characters are encoded."""
    return _name(one) == _name(other)


def demand_four_eyes(settings: Settings, found: list[Entry], sign_off: int | None, closer: str) -> None:
    """Raise MeterhouseError where four eyes are demanded and `closer` gave the sign-off with that sequence."""
    approver = _approver(found, sign_off)
    if settings.four_eyes and approver is not None and same_person(approver.recorded_by, closer):
        raise MeterhouseError(
            f"{approver.recorded_by} signed off these drafts (ledger entry {approver.sequence}), and may not close "
            f"them as well: {FOUR_EYES} is on",
            "Have somebody else close the month, or have somebody else look at the drafts and sign them off.",
        )


def closed_by_approver(found: list[Entry], closing: Entry) -> Entry | None:
    """The sign-off that a close rests on, where the person who closed gave it; None where it was somebody else."""
    approver = _approver(found, closing.body.get("sign_off"))
    if approver is None or not same_person(approver.recorded_by, closing.recorded_by):
        return None
    return approver


def one_person_text(found: list[Entry], closing: Entry) -> str:
    """In words that a month was prepared and approved by the same person; empty where it was not."""
    approver = closed_by_approver(found, closing)
    if approver is None:
        return ""
    return (
        f"prepared and approved by the same person: {approver.recorded_by} signed off (ledger entry "
        f"{approver.sequence}) and closed (ledger entry {closing.sequence})"
    )


def _approver(found: list[Entry], sequence: int | None) -> Entry | None:
    return next((entry for entry in found if entry.sequence == sequence), None)


def _name(text: str) -> str:
    drawn = (sign for sign in text if sign.isspace() or unicodedata.category(sign) not in ("Cf", "Cc"))
    folded = unicodedata.normalize("NFKC", "".join(drawn)).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())
