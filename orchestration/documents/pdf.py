"""One PDF per invoice, credit note or draft: what a customer reads. Same invoice, same bytes."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    CondPageBreak,
    Flowable,
    KeepTogether,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
    TableStyle,
)
from reportlab.platypus.doctemplate import LayoutError

from orchestration.billing_month import month_name
from orchestration.documents import fonts
from orchestration.documents.invoice_facts import Invoice
from orchestration.documents.money import shown
from orchestration.documents.pdf_style import (
    ACCENT,
    AMOUNT_DUE_SIZE,
    BODY,
    BOTTOM,
    FOOTER_TOP,
    FRAME_WIDTH,
    HAIR,
    INK,
    LABEL,
    MARGIN,
    NAME,
    PAGE_HEIGHT,
    PAGE_WIDTH,
    PARTY,
    QUIET,
    RIGHT,
    SECTION,
    SMALL,
    STRONG,
    TITLE,
    TOTAL_SIZE,
    WASH,
    Figure,
    long_date,
)
from orchestration.documents.pdf_tables import explanations, lines_table
from orchestration.documents.pdf_text import LONGEST_LABEL, short, text
from orchestration.documents.text import clean
from orchestration.errors import MeterhouseError

NET_NOTE = "All amounts are net. Tax, where it applies, is determined and added by the seller's accounting system."
CREDIT_NOTE = "This is a credit note: its quantities and amounts are credited to you; those with a minus are charged."
# Lines of a fact beside the bill-to address; a month may correct many invoices.
_MOST_OF_FACT = {"Corrects": 24}
_BARE = [
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ("LEFTPADDING", (0, 0), (-1, -1), 0),
    ("RIGHTPADDING", (0, 0), (-1, -1), 0),
]


def title(invoice: Invoice) -> str:
    """`Invoice` or `Credit note`, marked DRAFT while it is one."""
    name = "Credit note" if invoice.is_credit_note else "Invoice"
    return name if invoice.is_issued else f"{name} DRAFT"


def invoice_pdf(invoice: Invoice) -> bytes:
    """The invoice as PDF (A4). Text in a script without a font is drawn as boxes and said to be.

    Raises MeterhouseError, with the invoice's name, where something on it has no room on a page.
    """
    fonts.register()
    heading = f"{title(invoice)} {clean(invoice.label)}"
    target = BytesIO()
    document = SimpleDocTemplate(
        target,
        pagesize=(PAGE_WIDTH, PAGE_HEIGHT),
        leftMargin=MARGIN - 6,  # the frame pads its content by 6 points
        rightMargin=MARGIN - 6,
        topMargin=16 * mm,
        bottomMargin=BOTTOM,
        title=heading,
        author=clean(invoice.seller_name),
        subject=month_name(invoice.billing_month),
        lang="en",
        invariant=1,
    )
    try:
        document.build(_story(invoice), canvasmaker=_canvas_for(invoice))
    except LayoutError as error:
        raise MeterhouseError(
            f"the PDF of {short(heading, LONGEST_LABEL)} cannot be laid out: {' '.join(str(error).split())[:300]}",
            "Shorten the texts of this invoice where they come from (tenant, price key, description), and run again.",
        ) from error
    return target.getvalue()


def _story(invoice: Invoice) -> list[Flowable]:
    story: list[Flowable] = [_letterhead(invoice), Spacer(1, 9 * mm), _parties(invoice), Spacer(1, 7 * mm)]
    story += [_amount_due(invoice), Spacer(1, 6 * mm)]
    usage, corrections = lines_table(invoice, corrections=False), lines_table(invoice, corrections=True)
    if usage is not None:
        story.append(usage)
    if corrections is not None:
        story += [CondPageBreak(90), Paragraph("Corrections and credits of earlier usage", SECTION), corrections]
    story += [Spacer(1, 4 * mm), KeepTogether(_totals(invoice)), *explanations(invoice)]
    parties = (invoice.seller_name, invoice.seller_address, invoice.bill_to_name, invoice.bill_to_address)
    names = [short(name) for name in parties]
    if not all(fonts.has_every_glyph(name) for name in names):
        note = "A box stands for a character this document has no font for; the exact text is in the data files."
        story += [Spacer(1, 4 * mm), text(note, SMALL)]
    if any(fonts.needs_the_readers_fonts(name) for name in names):
        note = (
            "Chinese, Japanese and Korean characters are drawn with your PDF viewer's fonts. "
            "If it has none, they are missing; the exact text is in the data files."
        )
        story += [Spacer(1, 4 * mm), text(note, SMALL)]
    return story


def _letterhead(invoice: Invoice) -> Table:
    town = f"{invoice.seller_postal_code} {invoice.seller_city}, {invoice.seller_country}".strip(" ,")
    seller: list[Flowable] = [text(invoice.seller_name, NAME), text(invoice.seller_address, SMALL), text(town, SMALL)]
    if invoice.seller_company_id:
        seller.append(text(f"Company no. {invoice.seller_company_id}", SMALL))
    if invoice.seller_tax_id:
        seller.append(text(f"Tax no. {invoice.seller_tax_id}", SMALL))
    widths = (FRAME_WIDTH * 0.55, FRAME_WIDTH * 0.45)
    return Table([[seller, Paragraph(title(invoice), TITLE)]], colWidths=widths, style=TableStyle(_BARE))


def _parties(invoice: Invoice) -> Table:
    buyer: list[Flowable] = [
        Paragraph("Bill to", LABEL),
        text(invoice.bill_to_name, PARTY),
        text(invoice.bill_to_address),
        text(invoice.bill_to_country, most_lines=2),
    ]
    if invoice.buyer_tax_id:
        buyer.append(text(f"Tax no. {invoice.buyer_tax_id}"))
    number = ("Credit note number" if invoice.is_credit_note else "Invoice number", invoice.invoice_number or "DRAFT")
    corrected = sorted({line.corrects_invoice_number for line in invoice.lines if line.corrects_invoice_number})
    rows = [
        number,
        ("Issue date", long_date(invoice.issued_at) if invoice.issued_at else "not issued"),
        ("Due date", long_date(invoice.due_on) if invoice.due_on and not invoice.is_credit_note else ""),
        ("Billing period", month_name(invoice.billing_month)),
        ("Corrects", ", ".join(corrected)),
        ("Currency", invoice.currency_code),
        ("Customer", invoice.tenant_id),
        ("Payment method", invoice.payment_method_id),
    ]
    cells = [
        [Paragraph(label, LABEL), text(value, RIGHT, _MOST_OF_FACT.get(label, 4))] for label, value in rows if value
    ]
    width = FRAME_WIDTH * 0.45
    tight = [*_BARE, ("TOPPADDING", (0, 0), (-1, -1), 1.5), ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5)]
    facts = Table(cells, colWidths=(width * 0.4, width * 0.6), style=TableStyle(tight))
    style = TableStyle([*_BARE, ("RIGHTPADDING", (0, 0), (0, 0), 12 * mm)])
    return Table([[buyer, facts]], colWidths=(FRAME_WIDTH * 0.55, width), style=style)


def _money(invoice: Invoice) -> str:
    return f"{invoice.currency_code} {shown(invoice.billed_amount * invoice.sign, invoice.minor_unit)}"


def _amount_due(invoice: Invoice) -> Table:
    due = f", due {long_date(invoice.due_on)}" if invoice.due_on and not invoice.is_credit_note else ""
    label = "Credited to you, net" if invoice.is_credit_note else f"Amount, net{due}"
    style = [
        ("BACKGROUND", (0, 0), (-1, -1), WASH),
        ("LINEBEFORE", (0, 0), (0, -1), 2.5, ACCENT),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("LEFTPADDING", (0, 0), (-1, -1), 10),
        ("RIGHTPADDING", (0, 0), (-1, -1), 8),
        ("TOPPADDING", (0, 0), (-1, -1), 8),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 8),
    ]
    cells = [[text(label, BODY), Figure(_money(invoice), bold=True, colour=ACCENT, size=AMOUNT_DUE_SIZE)]]
    return Table(cells, colWidths=(FRAME_WIDTH * 0.5, FRAME_WIDTH * 0.5), style=TableStyle(style))


def _totals(invoice: Invoice) -> list[Flowable]:
    rules = [("LINEABOVE", (0, 0), (-1, 0), 0.8, INK), ("LINEBELOW", (0, 0), (-1, 0), 0.8, INK)]
    style = TableStyle([*_BARE, *rules, ("VALIGN", (0, 0), (-1, -1), "MIDDLE")])
    label = "Total credited, net" if invoice.is_credit_note else "Total, net"
    row = [text(label, STRONG), Figure(_money(invoice), bold=True, size=TOTAL_SIZE)]
    total = Table([row], colWidths=(FRAME_WIDTH * 0.17, FRAME_WIDTH * 0.33), style=style, hAlign="RIGHT")
    notes: list[Flowable] = [text(NET_NOTE, SMALL)]
    if invoice.tax_exemption_reason:
        notes.append(text(invoice.tax_exemption_reason, SMALL))
    if invoice.is_credit_note:
        notes.append(text(CREDIT_NOTE, SMALL))
    if not invoice.is_issued:
        notes.append(text("This is a draft. It is not a request for payment and may change until it is issued.", SMALL))
    return [total, Spacer(1, 3 * mm), *notes]


def _canvas_for(invoice: Invoice) -> Any:
    """A canvas that knows its number of pages and writes the footer of each."""
    kind = title(invoice)

    class Numbered(Canvas):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._pages: list[dict[str, Any]] = []

        def showPage(self) -> None:
            self._pages.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for number, page in enumerate(self._pages, start=1):
                self.__dict__.update(page)
                self._footer(number, len(self._pages))
                super().showPage()
            super().save()

        def _footer(self, number: int, count: int) -> None:
            if not invoice.is_issued:
                self._watermark()
            self.setStrokeColor(HAIR)
            self.setLineWidth(0.4)
            self.line(MARGIN, FOOTER_TOP, PAGE_WIDTH - MARGIN, FOOTER_TOP)
            name = text(f"{kind} {short(invoice.label, LONGEST_LABEL)}", SMALL, most_lines=4)
            _, height = name.wrap(FRAME_WIDTH - 40 * mm, 30)
            name.drawOn(self, MARGIN, FOOTER_TOP - 1.5 * mm - height)
            self.setFont(fonts.REGULAR, 7)
            self.setFillColor(QUIET)
            self.drawRightString(PAGE_WIDTH - MARGIN, FOOTER_TOP - 4 * mm, f"Page {number} of {count}")

        def _watermark(self) -> None:
            self.saveState()
            self.translate(PAGE_WIDTH / 2, PAGE_HEIGHT / 2)
            self.rotate(55)
            self.setFillColor(ACCENT, alpha=0.05)
            self.setFont(fonts.BOLD, 150)
            self.drawCentredString(0, -50, "DRAFT")
            self.restoreState()

    return Numbered
