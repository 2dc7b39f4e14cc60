"""A page of an API taken apart into its records, each to the character as it was sent.

Read and written again, a number with a fraction would come out as another text, and the ingestion keeps
texts. So the parser only tells where a record begins and ends.
"""

from __future__ import annotations

import re
from json import JSONDecoder
from typing import Any, NamedTuple

from orchestration.pulling.endpoints import Endpoint

# A line break of JSON is never inside a text, nor are the blanks around it.
_LINE_BREAK = re.compile(r"\s*[\r\n]\s*")
_BLANKS = re.compile(r"[ \t\r\n]*")


class MalformedPage(Exception):
    """The page is not what the API promises; says why, without quoting what people wrote."""


class Record(NamedTuple):
    """One resource: `text` as sent, on one line, and what it says."""

    text: str
    fields: dict[str, Any]


class Page(list[Record]):
    """The records of one page; `next_link` is the address of the next as sent, or None."""

    next_link: str | None = None


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


_DECODER = JSONDecoder(parse_constant=_refuse)


def read_page(content: bytes, endpoint: Endpoint) -> Page:
    """The page's records. Raises MalformedPage where it is cut off, not JSON, or another list."""
    try:
        records, rest = _Reader(content.decode("utf-8"), endpoint.list_key).read()
    except (ValueError, IndexError, RecursionError) as error:
        raise MalformedPage(f"is not valid JSON, perhaps cut off after {len(content)} bytes") from error
    if records is None:
        raise MalformedPage(f"has no list {endpoint.list_key!r}")
    if not all(isinstance(record.fields, dict) for record in records):
        raise MalformedPage(f"has something other than resources in {endpoint.list_key!r}")
    page = Page(records)
    page.next_link = _link(rest, endpoint.next_link)
    return page


def _link(node: Any, path: tuple[str, ...]) -> str | None:
    for key in path:
        node = node.get(key) if isinstance(node, dict) else None
    if isinstance(node, dict):  # JSON:API also allows a link to be an object
        node = node.get("href")
    if node is not None and not isinstance(node, str):
        raise MalformedPage(f"has a {'.'.join(path)!r} that is not an address")
    return node or None


def _on_one_line(text: str) -> str:
    # Most pages have no line breaks, and looking for the blanks around them takes longer than parsing.
    return _LINE_BREAK.sub(" ", text) if "\n" in text or "\r" in text else text


class _Reader:
    """Walks the outermost object; everything inside it is the standard library's to parse."""

    def __init__(self, text: str, list_key: str) -> None:
        self.text = text
        self.list_key = list_key
        self.position = 0

    def read(self) -> tuple[list[Record] | None, dict[str, Any]]:
        records: list[Record] | None = None
        rest: dict[str, Any] = {}
        self._expect("{")
        while not self._comes("}"):
            if rest or records is not None:
                self._expect(",")
            key = self._value()
            if not isinstance(key, str):
                raise ValueError("a key is no text")
            self._expect(":")
            if key == self.list_key and records is not None:
                raise ValueError("the list comes twice")
            if key == self.list_key and self._comes("["):
                records = self._records()
            else:
                rest[key] = self._value()
        self._expect("}")
        self._blanks()
        if self.position != len(self.text):
            raise ValueError("something follows the document")
        return records, rest

    def _records(self) -> list[Record]:
        found: list[Record] = []
        self._expect("[")
        while not self._comes("]"):
            if found:
                self._expect(",")
            self._blanks()
            begin = self.position
            fields = self._value()
            found.append(Record(_on_one_line(self.text[begin : self.position]), fields))
        self._expect("]")
        return found

    def _blanks(self) -> None:
        found = _BLANKS.match(self.text, self.position)
        assert found is not None  # nothing at all also matches
        self.position = found.end()

    def _comes(self, character: str) -> bool:
        self._blanks()
        return self.text[self.position] == character

    def _expect(self, character: str) -> None:
        if not self._comes(character):
            raise ValueError(f"expected {character}")
        self.position += 1

    def _value(self) -> Any:
        self._blanks()
        value, self.position = _DECODER.raw_decode(self.text, self.position)
        return value
