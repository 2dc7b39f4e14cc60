"""Reading a month report back: its tables as text, figures as decimals. Knows HTML, nothing of the project's code."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from lxml import html

Row = dict[str, str]


class Page:
    """A parsed report."""

    def __init__(self, path: Path) -> None:
        self.text = path.read_text(encoding="utf-8")
        self.root = html.document_fromstring(self.text)

    def sections(self) -> list[str]:
        return [section.get("id") for section in self.root.iter("section")]

    def section_text(self, section: str) -> str:
        return words(self.root.get_element_by_id(section))

    def has(self, table: str) -> bool:
        return bool(self.root.xpath(f"//table[@id='{table}']"))

    def rows(self, table: str, part: str = "tbody") -> list[Row]:
        """The rows of a table, each by column heading; `kind` is the row's class. Spanning notes are left out."""
        found = self.root.get_element_by_id(table)
        names = [words(cell) for cell in found.xpath("./thead/tr/th")]
        read = []
        for line in found.xpath(f"./{part}/tr[not(td[@colspan])]"):
            cells = [words(cell) for cell in line.xpath("./th|./td")]
            assert len(cells) == len(names), (table, cells)
            read.append({**dict(zip(names, cells, strict=True)), "kind": line.get("class") or ""})
        return read


def words(element: html.HtmlElement) -> str:
    """An element's text as a reader sees it."""
    return " ".join(element.text_content().split())


def amount(text: str) -> Decimal:
    """`−1,234.50` as a decimal."""
    return Decimal(text.replace("\N{MINUS SIGN}", "-").replace(",", ""))
