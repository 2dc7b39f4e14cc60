"""What is drawn on a terminal: tables, and a line that moves while something is done.

Names, file headers and remedies come from outside: here text is text, and what looks like markup is shown as it is.
No other module makes a console.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["Console", "Table", "Text", "console_for", "working"]


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
