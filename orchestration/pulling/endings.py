"""How the pull of a source ended where it failed: what a person is told, what was kept, how the next one goes on."""

from __future__ import annotations

import sqlite3
import traceback
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from orchestration.errors import MeterhouseError
from orchestration.pulling.access import Access
from orchestration.pulling.failures import PullFailed
from orchestration.pulling.state import state_path
from orchestration.settings import Settings
from orchestration.wording import storable_text


@dataclass(frozen=True)
class Kept:
    """What a pull keeps that fails now: its days before `end_day`, or nothing.

    `since` and `again` are what it was asked for. `next_starts` are the days on which a pull without --since
    would start now, for one account or another; none where nothing says from when.
    """

    end_day: date | None
    since: date | None
    again: bool
    next_starts: frozenset[date]
    repull_days: int

    def __str__(self) -> str:
        needed = " and ".join(self._needed())
        if self.end_day is None:
            what = "Nothing from this pull was kept"
            return f"{what}; the next one {f'needs {needed}' if needed else 'starts where this one did'}."
        what = f"The days before {self.end_day} are kept"
        return f"{what}; the next pull {f'needs {needed}' if needed else 'goes on from there'}."

    def _needed(self) -> list[str]:
        """Options without which the next pull would not read what this one left."""
        found = []
        if self.since is not None:
            # Records change for days: of those kept, as many are read again as ever.
            start = self.end_day - timedelta(days=self.repull_days) if self.end_day else self.since
            if self.next_starts != {start}:
                found.append(f"--since {max(self.since, start)}")
        return [*found, "--again"] if self.again else found


def start_over(settings: Settings, source: str) -> str:
    """What to do where the state of a source is of no use."""
    state = state_path(settings, source)
    return f"Delete {state} and pull with --since: some records may land twice, which does not change any bill."


def failure_of(error: Exception, source: str, access: Access, settings: Settings, kept: Kept) -> MeterhouseError:
    """What a person is shown of whatever ended the pull of a source."""
    if isinstance(error, PullFailed):
        error.remedy = f"{error.remedy} {kept}"
        return error
    if isinstance(error, MeterhouseError):
        return error
    if isinstance(error, OSError | sqlite3.Error):
        return _unwritable(error, source, settings, kept)
    return _unforeseen(error, source, access, kept)


def _unwritable(error: OSError | sqlite3.Error, source: str, settings: Settings, kept: Kept) -> PullFailed:
    """This machine is at fault: a full disk, a folder without rights, a damaged state."""
    if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
        return PullFailed(f"{source}: the state of its pulls cannot be read ({error})", start_over(settings, source))
    return PullFailed(
        f"{source}: the extract or its state cannot be written ({error})",
        f"Check free space and permissions of {settings.landing} and {settings.home}. {kept}",
    )


def _unforeseen(error: Exception, source: str, access: Access, kept: Kept) -> PullFailed:
    """Nobody thought of it. The cause is not chained to it, for its text may show a credential."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    text = f"{source}: {type(error).__name__}: {error} ({Path(frame.filename).name}, line {frame.lineno})"
    return PullFailed(
        storable_text(access.redacted(text)),
        f"This is a defect of the program, or of an answer nobody expected: report it with this text. {kept}",
    )
