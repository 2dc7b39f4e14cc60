"""Reads an e-invoice's figures back, with the sign of the rows: a credit note's are negative again."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from lxml import etree

from orchestration.documents.ubl_xml import CAC, CBC
from orchestration.errors import MeterhouseError

_SUMS = ("LineExtensionAmount", "TaxExclusiveAmount", "TaxInclusiveAmount", "PayableAmount")
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True)


@dataclass(frozen=True)
class XmlFigures:
    """What an e-invoice says."""

    number: str
    currency: str
    totals: tuple[Decimal, ...]
    lines: dict[int, Decimal]


def read_xml(content: bytes) -> XmlFigures:
    """The figures of an e-invoice. Raises MeterhouseError when it cannot be read."""
    try:
        root = etree.fromstring(content, _PARSER)
        kind = etree.QName(root).localname
        sign = -1 if kind == "CreditNote" else 1
        sums = root.find(f"{{{CAC}}}LegalMonetaryTotal")
        if sums is None:
            raise KeyError("LegalMonetaryTotal")
        return XmlFigures(
            root.findtext(f"{{{CBC}}}ID") or "",
            root.findtext(f"{{{CBC}}}DocumentCurrencyCode") or "",
            tuple(sign * Decimal(sums.findtext(f"{{{CBC}}}{name}") or "") for name in _SUMS),
            {
                int(line.findtext(f"{{{CBC}}}ID") or ""): sign
                * Decimal(line.findtext(f"{{{CBC}}}LineExtensionAmount") or "")
                for line in root.iter(f"{{{CAC}}}{kind}Line")
            },
        )
    except (etree.XMLSyntaxError, KeyError, ValueError, InvalidOperation) as problem:
        raise MeterhouseError(f"the e-invoice cannot be read: {problem!r}", "Write the documents again.") from problem
