"""Invoice numbers: given once, at the close, gap-free per issuing entity and year of issue."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from orchestration.errors import MeterhouseError


@dataclass(frozen=True)
class IssuingEntity:
    """A company that issues invoices (seeds/terms/issuing_entities.csv); `payment_days` from issue to due."""

    issuing_entity: str
    number_format: str
    payment_days: int


def number_invoices(
    invoices: list[tuple[str, str]],
    entities: dict[str, IssuingEntity],
    issued: list[tuple[str, int, str]],
    now: datetime,
) -> dict[str, str]:
    """Number of every invoice to issue, by invoice id.

    `invoices` are (invoice id, issuing entity) and are numbered in order of their ids; `issued`
    are (issuing entity, year, number) of the ledger. Raises MeterhouseError for a format that
    does not work or makes a number twice.
    """
    used = {number for _, _, number in issued}
    counts: dict[str, int] = defaultdict(int)
    for issuer, year, _ in issued:
        counts[issuer] += year == now.year
    numbers: dict[str, str] = {}
    for invoice_id, name in sorted(invoices):
        entity = entities[name]
        counts[name] += 1
        number = _format(entity, now.year, counts[name])
        if number in used:
            raise MeterhouseError(
                f"invoice number {number} of {name} is already in use",
                f"number_format {entity.number_format!r} must contain {{entity}}, {{year}} and {{sequence}}: see "
                "seeds/terms/issuing_entities.csv.",
            )
        used.add(number)
        numbers[invoice_id] = number
    return numbers


def _format(entity: IssuingEntity, year: int, sequence: int) -> str:
    try:
        number = entity.number_format.format(entity=entity.issuing_entity, year=year, sequence=sequence)
    except (KeyError, IndexError, ValueError) as error:
        raise MeterhouseError(
            f"number_format {entity.number_format!r} of {entity.issuing_entity} cannot be used: {error}",
            "Use {entity}, {year} and {sequence:06} in seeds/terms/issuing_entities.csv.",
        ) from error
    if number == entity.number_format:
        raise MeterhouseError(
            f"number_format {number!r} of {entity.issuing_entity} gives every invoice the same number",
            "Add {sequence:06} to it in seeds/terms/issuing_entities.csv.",
        )
    return number
