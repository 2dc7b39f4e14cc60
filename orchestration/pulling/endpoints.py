"""The lists that are pulled, as data: where they are, how they are narrowed to days, what tells records apart.

One row a source; shapes and columns are the ingestion's (sources.py), so that pulled is the same as dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from orchestration.errors import MeterhouseError
from orchestration.ingestion.sources import SOURCES

_ACCOUNT = "/2010-04-01/Accounts/{account}"
TWILIO_PAGE = {"PageSize": "1000"}
# Newest first: a record changed while pages are read moves to where it makes one come twice, never be missed.
PLATFORM_PAGE = {"page[size]": "100", "sort": "-updatedAt"}


@dataclass(frozen=True)
class Endpoint:
    """One list of an API.

    `since` and `until` name its filters, which take a day and `day_suffix`; with `until_is_last_day` the
    last day itself, else the day after. `fixed` goes with every query. `next_link` is the path to the next
    page's address. `key` names the fields that tell records apart, `restated` those that differ in every
    answer though nothing changed.
    """

    source: str
    path: str
    since: str
    until: str
    fixed: Mapping[str, str]
    next_link: tuple[str, ...] = ("next_page_uri",)
    key: tuple[str, ...] = ("sid",)
    restated: frozenset[str] = field(default_factory=frozenset)
    day_suffix: str = ""
    until_is_last_day: bool = False

    @property
    def system(self) -> str:
        return SOURCES[self.source].system

    @property
    def list_key(self) -> str:
        """Key of the list in a page."""
        return SOURCES[self.source].list_key or "data"

    def parameters(self, first_day: date, end_day: date | None) -> dict[str, str]:
        """Query of the first page for the days from `first_day` up to, not including, `end_day` (None: open)."""
        found = {**self.fixed, self.since: f"{first_day}{self.day_suffix}"}
        if end_day is not None:
            last = end_day - timedelta(days=1) if self.until_is_last_day else end_day
            found[self.until] = f"{last}{self.day_suffix}"
        return found


def _platform(source: str, path: str) -> Endpoint:
    return Endpoint(
        source,
        path,
        since="filter[updatedAt][gte]",
        until="filter[updatedAt][lt]",
        fixed=PLATFORM_PAGE,
        next_link=("links", "next"),
        key=("id",),
        day_suffix="T00:00:00Z",
    )


_ALL = (
    # Twilio names the filter `StartTime>` and takes `StartTime>=2024-11-01`: the equals sign is the query's own.
    Endpoint("twilio_calls", f"{_ACCOUNT}/Calls.json", "StartTime>", "StartTime<", TWILIO_PAGE),
    Endpoint("twilio_messages", f"{_ACCOUNT}/Messages.json", "DateSent>", "DateSent<", TWILIO_PAGE),
    Endpoint("twilio_recordings", f"{_ACCOUNT}/Recordings.json", "DateCreated>", "DateCreated<", TWILIO_PAGE),
    Endpoint(
        "twilio_usage_records",
        f"{_ACCOUNT}/Usage/Records/Daily.json",
        "StartDate",
        "EndDate",
        # Without it an account's totals hold those of its subaccounts, which are pulled themselves.
        TWILIO_PAGE | {"IncludeSubaccounts": "false"},
        key=("account_sid", "category", "start_date", "end_date"),
        restated=frozenset({"as_of"}),
        until_is_last_day=True,
    ),
    _platform("kustomer_conversations", "/v1/conversations"),
    _platform("kustomer_messages", "/v1/messages"),
)
ENDPOINTS: dict[str, Endpoint] = {endpoint.source: endpoint for endpoint in _ALL}


def endpoint_named(name: str) -> Endpoint:
    """The endpoint of a source, by its name or by the name without its system where that is clear."""
    if name in ENDPOINTS:
        return ENDPOINTS[name]
    found = [source for source in ENDPOINTS if source.partition("_")[2] == name]
    if len(found) > 1:
        raise MeterhouseError(f"{name!r} can mean {' or '.join(found)}", "Name one of them.")
    if not found:
        raise MeterhouseError(f"{name!r} cannot be pulled", f"Use one of {', '.join(ENDPOINTS)}.")
    return ENDPOINTS[found[0]]
