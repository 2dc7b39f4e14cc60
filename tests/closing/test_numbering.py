"""Invoice numbers: gap-free per issuing entity and year of issue, in a format somebody chose."""

from __future__ import annotations

import pytest

from orchestration.closing.numbering import IssuingEntity, number_invoices
from orchestration.errors import MeterhouseError
from tests.closing.steps import instant

ENTITIES = {
    "MH": IssuingEntity("MH", "{entity}-{year}-{sequence:06}", 30),
    "EU": IssuingEntity("EU", "EU{sequence:04}/{year}", 14),
}


def test_each_entity_counts_for_itself_and_in_order_of_the_invoices() -> None:
    numbers = number_invoices([("b", "MH"), ("c", "EU"), ("a", "MH")], ENTITIES, [], instant("2024-12-31"))
    assert numbers == {"a": "MH-2024-000001", "b": "MH-2024-000002", "c": "EU0001/2024"}


def test_counting_goes_on_within_the_year_of_issue_and_begins_again_with_the_next() -> None:
    issued = [("MH", 2024, "MH-2024-000001"), ("MH", 2024, "MH-2024-000002"), ("EU", 2024, "EU0001/2024")]
    assert number_invoices([("x", "MH")], ENTITIES, issued, instant("2024-12-31")) == {"x": "MH-2024-000003"}
    assert number_invoices([("x", "MH")], ENTITIES, issued, instant("2025-01-01")) == {"x": "MH-2025-000001"}


@pytest.mark.parametrize("format", ["INV", "{month}-{sequence}", "{sequence", "{entity}-{year}"])
def test_a_format_that_cannot_number_is_refused(format: str) -> None:
    entities = {"MH": IssuingEntity("MH", format, 30)}
    with pytest.raises(MeterhouseError) as refusal:
        number_invoices([("a", "MH"), ("b", "MH")], entities, [], instant("2024-12-31"))
    assert "issuing_entities.csv" in refusal.value.remedy


def test_a_format_without_the_year_would_give_a_number_twice() -> None:
    entities = {"MH": IssuingEntity("MH", "A{sequence}", 30)}
    with pytest.raises(MeterhouseError, match="A1 of MH is already in use"):
        number_invoices([("a", "MH")], entities, [("MH", 2024, "A1")], instant("2025-01-01"))
