"""Totals by currency in one line, as the release that is served writes their currencies."""

from __future__ import annotations

from collections.abc import Mapping

from orchestration import duck
from orchestration.publishing.amount_text import amount_text, minor_units
from orchestration.publishing.release import current_release
from orchestration.settings import Settings


def totals_text(settings: Settings, totals: Mapping[str, str]) -> str:
    """`72.13 EUR, 3412.60 USD` of exact text by currency; `nothing` of none."""
    release = current_release(settings)
    if release is None:
        units = {}
    else:
        with duck.connect(release.database, settings, read_only=True) as connection:
            units = minor_units(connection)
    return (
        ", ".join(f"{amount_text(amount, currency, units)} {currency}" for currency, amount in totals.items())
        or "nothing"
    )
