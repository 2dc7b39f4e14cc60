"""The tax category an e-invoice states. Every amount is net and no tax is computed, so only categories at zero."""

from __future__ import annotations

from dataclasses import dataclass

from orchestration.documents.invoice_facts import Invoice
from orchestration.errors import MeterhouseError

# Category to (text, VATEX code) used when the invoice brings no reason of its own.
_STANDARD_REASONS = {
    "O": ("Not subject to VAT", "VATEX-EU-O"),
    "AE": ("Reverse charge", "VATEX-EU-AE"),
    "G": ("Export outside the EU", "VATEX-EU-G"),
    "K": ("Intra-community supply", "VATEX-EU-IC"),
}


@dataclass(frozen=True)
class TaxStatement:
    """Category, rate as text (None: the category knows none), and why no tax is charged."""

    category: str
    rate: str | None
    reason: str | None
    reason_code: str | None

    @property
    def names_parties(self) -> bool:
        """Whether seller's and buyer's tax numbers may be stated (BR-O-02 forbids them)."""
        return self.category != "O"


def tax_statement(invoice: Invoice) -> TaxStatement:
    """What the invoice states about tax. Raises MeterhouseError for S, unknown codes, or a missing reason."""
    category, reason = invoice.tax_category_code, invoice.tax_exemption_reason
    if category == "S":
        raise MeterhouseError(
            f"invoice {invoice.label} has tax category S: a standard rate",
            "Tax is calculated by the ERP: set one of O, Z, E, AE, G, K, or let the ERP issue this e-invoice.",
        )
    if category == "Z":
        return TaxStatement("Z", "0", None, None)  # BR-Z-10: no reason for a zero rate
    if category == "E":
        if not reason:
            raise MeterhouseError(
                f"invoice {invoice.label} is exempt (E) without a reason", "Set its tax_exemption_reason."
            )
        return TaxStatement("E", "0", reason, None)
    if category not in _STANDARD_REASONS:
        raise MeterhouseError(f"invoice {invoice.label} has tax category {category!r}", "Set one of O, Z, E, AE, G, K.")
    text, code = _STANDARD_REASONS[category]
    return TaxStatement(category, None if category == "O" else "0", reason or text, code)
