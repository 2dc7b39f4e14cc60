"""What is drawn on a terminal: tables, and a line that moves while something is done.

Names, file headers and remedies come from outside: here text is text, what looks like markup is shown as it is, and
what a terminal would obey as an escape. No other module makes a console.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.cells import cell_len
from rich.console import Console as RichConsole
from rich.console import ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from orchestration.wording import in_digits, visible

__all__ = ["Console", "Table", "Text", "console_for", "show_rows", "working"]

# A text folded into less reads like a word a line.
FOLDED_AT_LEAST = 24


class Console(RichConsole):
    """A console on which no text is an order to the terminal: colours and lines are drawn by the library alone."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))


def console_for(*, stderr: bool = False, at_least: int | None = None) -> Console:
    """A console; where the output is no terminal, `at_least` so many columns wide, so that figures stay whole."""
    console = Console(stderr=stderr, markup=False, emoji=False)
    if at_least is None or console.is_terminal:
        return console
    return Console(stderr=stderr, markup=False, emoji=False, width=at_least)


@contextmanager
def working(console: Console, text: str) -> Iterator[Callable[[str], None]]:
    """A line that says what is being done, `text` at first and then whatever the function it gives is told."""
    with console.status(Text(text)) as status:
        yield lambda told: status.update(Text(told))


def show_rows(columns: list[str], rows: list[tuple[Any, ...]], console: Console | None = None) -> None:
    """What a query found as a table, or where that has no room a value a line: no value is ever cut short.

    Of a table at most the widest column is folded, and none of its words.
    """
    console = console or console_for(at_least=160)
    # Before it is measured: an escape has the width of its letters.
    columns = [visible(name) for name in columns]
    texts = [["" if value is None else visible(in_digits(value)) for value in row] for row in rows]
    widths = [max(map(_wide, column)) for column in zip(columns, *texts, strict=True)]
    widest = widths.index(max(widths))
    words = [cell_len(word) for row in [columns, *texts] for word in row[widest].split()]
    # Beside each column stand a line and two blanks, and a line at the end.
    room = console.width - 1 - sum(width + 3 for width in widths) + widths[widest]
    if room < min(widths[widest], max([FOLDED_AT_LEAST, *words])):
        _show_listed(columns, texts, console)
        return
    table = Table()
    for number, name in enumerate(columns):
        table.add_column(name, no_wrap=number != widest, overflow="fold")
    for row in texts:
        table.add_row(*row)
    console.print(table)


def _wide(text: str) -> int:
    return max(map(cell_len, text.splitlines()), default=0)


def _show_listed(columns: list[str], texts: list[list[str]], console: Console) -> None:
    wide = max(map(cell_len, columns))
    for number, row in enumerate(texts, start=1):
        console.print(f"row {number} of {len(texts)}")
        for name, text in zip(columns, row, strict=True):
            console.print(f"  {name}{' ' * (wide - cell_len(name))}  {text}".rstrip(), soft_wrap=True)
    if not texts:
        console.print(f"no rows of {', '.join(columns)}", soft_wrap=True)
