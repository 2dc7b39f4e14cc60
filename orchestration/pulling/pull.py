"""Pulling sources: windows, pages, files and state put together. The one entry is `pull_all`."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from orchestration import clock
from orchestration.errors import MeterhouseError
from orchestration.progress import Say
from orchestration.pulling.access import PullOptions, access_to, is_configured, pull_options
from orchestration.pulling.client import ListClient
from orchestration.pulling.endings import Kept, failure_of, start_over
from orchestration.pulling.endpoints import ENDPOINTS, Endpoint, endpoint_named
from orchestration.pulling.extract_file import ExtractFile
from orchestration.pulling.landing_place import landing_place
from orchestration.pulling.pages import Record
from orchestration.pulling.state import PullState, transaction
from orchestration.pulling.waiting import Patience
from orchestration.pulling.windows import (
    Covered,
    Window,
    check_clock,
    check_first_day,
    extended,
    first_day_of,
    pieces,
)
from orchestration.settings import Settings
from orchestration.wording import storable_text


@dataclass(frozen=True)
class PullRequest:
    """What to pull: sources by name (none: all the environment has credentials for), days, and how.

    `until` is exclusive. `again` also lands what landed before.
    """

    sources: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    again: bool = False


@dataclass
class SourcePull:
    """What came of one source: pages and records read, records new or changed, the error if any.

    `files` are named from the landing folder on.
    """

    source: str
    pages: int = 0
    records: int = 0
    landed: int = 0
    files: list[str] = field(default_factory=list)
    error: MeterhouseError | None = None


def pull_all(
    settings: Settings,
    request: PullRequest,
    say: Say = lambda _: None,
    *,
    environment: Mapping[str, str] = os.environ,
    patience: Patience | None = None,
    now: Callable[[], datetime] = clock.utc_now,
) -> list[SourcePull]:
    """Pull every source asked for; one that fails stops no other and stands in its own report.

    Raises MeterhouseError where the request or the environment makes no sense, before anything is read.
    """
    if request.since and request.until and request.since >= request.until:
        raise MeterhouseError(
            f"--since {request.since} is not before --until {request.until}",
            "--until is the day to stop before: for one day, name the day after it.",
        )
    today = now().date()
    if request.since:
        check_first_day(request.since, "--since", today)
    endpoints = _chosen(request.sources, environment)
    options = pull_options(environment)
    if options.first_day:
        check_first_day(options.first_day, "METERHOUSE_PULL_SINCE", today)
    accesses = {system: access_to(system, environment) for system in {e.system for e in endpoints}}
    reports = []
    for endpoint in endpoints:
        report = SourcePull(endpoint.source)
        reports.append(report)

        def tell(text: str, report: SourcePull = report) -> None:
            say(f"{report.source}: {report.pages} pages, {report.records:,} records; {text}")

        access = accesses[endpoint.system]
        client = ListClient(endpoint, access, patience or Patience(), tell)
        puller = _Puller(settings, request, options, client, report, tell, now)
        try:
            puller.pull()
        except Exception as error:  # whatever it is, the other sources can be pulled
            report.error = failure_of(error, endpoint.source, access, settings, puller.kept())
        finally:
            client.close()
    return reports


def _chosen(names: tuple[str, ...], environment: Mapping[str, str]) -> list[Endpoint]:
    if names:
        return list({found.source: found for found in map(endpoint_named, names)}.values())
    found = [endpoint for endpoint in ENDPOINTS.values() if is_configured(endpoint.system, environment)]
    if not found:
        raise MeterhouseError(
            "there is nothing to pull: the environment contains no credentials",
            "Set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, or METERHOUSE_PLATFORM_URL and METERHOUSE_PLATFORM_TOKEN "
            "(docs/pulling.md).",
        )
    return found


@dataclass
class _Puller:
    settings: Settings
    request: PullRequest
    options: PullOptions
    client: ListClient
    report: SourcePull
    say: Say
    now: Callable[[], datetime]
    # What is noted, and up to which day this pull noted something.
    covered: dict[str, Covered] = field(default_factory=dict)
    kept_until: date | None = None

    def pull(self) -> None:
        """Pull the source, piece by piece. Raises MeterhouseError where days or the state make no sense."""
        source = self.report.source
        with transaction(self.settings, source) as state:
            self.covered = state.covered()
        check_clock(self.covered.values(), self.now(), source, start_over(self.settings, source))
        starts = self._starts(self.covered, self.request.since)
        first_day = min(starts.values())
        if self.request.until and self.request.until <= first_day:
            raise MeterhouseError(
                f"{source}: --until {self.request.until} is before {first_day}, where this pull would begin",
                "To pull earlier days, give --since as well.",
            )
        for window in pieces(first_day, self.request.until, self.now().date()):
            self.covered = self._pull_piece(window, starts)
            self.kept_until = window.end_day

    def kept(self) -> Kept:
        """What is kept where the pull ends here."""
        try:
            starts = frozenset(self._starts(self.covered, None).values())
        except MeterhouseError:
            starts = frozenset()
        return Kept(self.kept_until, self.request.since, self.request.again, starts, self.options.repull_days)

    def _starts(self, covered: dict[str, Covered], asked: date | None) -> dict[str, date]:
        """First day by account. An account new in the list starts where the source's first pull did.

        Raises MeterhouseError where nothing says from when.
        """
        oldest = min((c.since.date() for c in covered.values()), default=self.options.first_day)
        return {
            account: first_day_of(covered.get(account), asked, self.options.repull_days, oldest, self.report.source)
            for account in self.client.access.accounts
        }

    def _pull_piece(self, window: Window, starts: dict[str, date]) -> dict[str, Covered]:
        """One window of all accounts: one file and the state that belongs to it, or neither.

        Returns what is covered then.
        """
        source = self.report.source
        landed = 0
        with (
            transaction(self.settings, source) as state,
            ExtractFile(landing_place(self.settings, source)) as extract,
        ):
            covered = state.covered()
            for account, start in starts.items():
                own = Window(max(start, window.first_day), window.end_day)
                if own.end_day is not None and own.first_day >= own.end_day:
                    continue
                began = self.now()
                landed += self._pull_account(account, own, state, extract)
                end = began if own.end_day is None else _midnight(own.end_day)
                covered[account] = extended(covered.get(account), _midnight(own.first_day), end)
                state.cover(account, covered[account])
            # What landed before the next pull's first day is not met again: its day was no later.
            ends = [covered[account].until.date() for account in starts if account in covered]
            if ends:
                state.forget_landed_before(min(ends) - timedelta(days=self.options.repull_days))
            name = extract.land()
        if name is not None:
            self.report.landed += landed
            self.report.files.append(f"{source}/{name}")
        return covered

    def _pull_account(self, account: str, window: Window, state: PullState, extract: ExtractFile) -> int:
        landed = 0
        for page in self.client.pages(account, window):
            self.report.pages += 1
            self.report.records += len(page)
            fresh = self._fresh(page, state)
            extract.write([record.text for record in fresh])
            landed += len(fresh)
            self.say("reading")
        return landed

    def _fresh(self, page: list[Record], state: PullState) -> list[Record]:
        """Records of the page that are new, or differ from when they last landed."""
        keyed = [(_key(record, self.client.endpoint), record) for record in page]
        known = {} if self.request.again else state.digests([key for key, _ in keyed])
        fresh = []
        changed: dict[str, bytes] = {}
        for key, record in keyed:
            digest = _digest(record, self.client.endpoint)
            if changed.get(key, known.get(key)) != digest:
                changed[key] = digest
                fresh.append(record)
        state.note(changed, self.now().date())
        return fresh


def _key(record: Record, endpoint: Endpoint) -> str:
    return storable_text("|".join(str(record.fields.get(name)) for name in endpoint.key))


def _digest(record: Record, endpoint: Endpoint) -> bytes:
    text = record.text
    if endpoint.restated:
        said = {name: value for name, value in record.fields.items() if name not in endpoint.restated}
        text = json.dumps(said, sort_keys=True)
    return hashlib.blake2b(text.encode("utf-8"), digest_size=16).digest()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
