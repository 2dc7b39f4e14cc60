"""A real HTTP server on the loopback that answers as Twilio's and the platform's lists do, and fails when told.

Twilio: Basic login, `PageSize`, filters by day, newest first, `next_page_uri` whose token names the record
after which the next page begins. Platform: a bearer token, `data`, `links.next`.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

Resource = dict[str, Any]
USER = "AC" + "a" * 32
TOKEN = "hidden-7f3f5bbd0ce54a0e9d0e8f1a2b3c4d5e"
PLATFORM_TOKEN = "eyJhbGciOiJIUzI1NiJ9.hidden-platform"
BASIC = base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
LISTS = {
    "Calls": ("calls", "StartTime", "start_time"),
    "Messages": ("messages", "DateSent", "date_sent"),
    "Recordings": ("recordings", "DateCreated", "date_created"),
    "Usage/Records/Daily": ("usage_records", "", "start_date"),
}


@dataclass(frozen=True)
class Fault:
    """What is answered instead: a status, a body cut after `cut` bytes of it, or nothing while `held`."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    cut: int | None = None
    held: threading.Event | None = None


@dataclass
class Api:
    """What the server holds: resources by (account, list), faults by request number (from 1) or by `always`."""

    port: int = 0
    basic: str = BASIC
    largest_page: int = 1000
    resources: dict[tuple[str, str], list[Resource]] = field(default_factory=dict)
    faults: dict[int, deque[Fault]] = field(default_factory=dict)
    always: Fault | None = None
    overlap: int = 0
    requests: list[str] = field(default_factory=list)
    page_number: int = 0
    holding: threading.Event = field(default_factory=threading.Event)
    rewrite: Callable[[Resource], Resource] = lambda page: page
    indent: int | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def hold(self, account: str, name: str, resources: list[Resource]) -> None:
        self.resources[(account, name)] = resources

    def fail_page(self, number: int, *faults: Fault) -> None:
        """Answer the page so often by faults, then as ever. Pages are counted over all lists."""
        self.faults[number] = deque(faults)


def _day(resource: Resource, field_name: str) -> str:
    value = resource[field_name]
    if value is None:
        return ""
    return value[:10] if value[4] == "-" else _rfc_day(value)


@cache
def _rfc_day(value: str) -> str:
    return parsedate_to_datetime(value).strftime("%Y-%m-%d")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api: Api

    def do_GET(self) -> None:
        api = self.api
        api.requests.append(self.path)
        number = api.page_number + 1
        waiting = api.faults.get(number)
        if api.always is not None:
            return self._fail(api.always)
        if waiting:
            return self._fail(waiting.popleft())
        path = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(path.query).items()}
        twilio = re.fullmatch(r"/2010-04-01/Accounts/(AC\w+)/(.+)\.json", path.path)
        wanted = f"Basic {self.api.basic}" if twilio else f"Bearer {PLATFORM_TOKEN}"
        if self.headers["Authorization"] != wanted:
            told = {"code": 20003, "message": f"Authenticate, not {self.headers['Authorization']}", "status": 401}
            return self._fail(Fault(401, body=json.dumps(told).encode()))
        page = self._twilio(twilio[1], twilio[2], query) if twilio else self._platform(path.path, query)
        if page is None:
            return self._fail(Fault(404, body=b'{"code": 20404, "message": "The requested resource was not found"}'))
        api.page_number = number
        self._answer(200, json.dumps(api.rewrite(page), indent=api.indent).encode())
        return None

    def _twilio(self, account: str, name: str, query: dict[str, str]) -> Resource | None:
        if (account, name) not in self.api.resources:
            return None
        list_key, filter_name, field_name = LISTS[name]
        first = query.get(f"{filter_name}>", query.get("StartDate", ""))
        last = query.get(f"{filter_name}<", query.get("EndDate", "9"))
        found = [r for r in self.api.resources[(account, name)] if first <= _day(r, field_name) <= last]
        found.sort(key=lambda r: (_day(r, field_name), _key(r)), reverse=True)
        begin = next((n for n, r in enumerate(found) if _key(r) == query.get("PageToken", "")[2:]), -1) + 1
        begin = max(0, begin - self.api.overlap)
        size = min(int(query["PageSize"]), self.api.largest_page)
        taken = found[begin : begin + size]
        base, number = f"/2010-04-01/Accounts/{account}/{name}.json?", int(query.get("Page", 0))
        has_more = begin + size < len(found)
        onward = query | {"Page": str(number + 1), "PageToken": f"PA{_key(taken[-1])}" if taken else ""}
        return {
            "end": begin + len(taken) - 1,
            "first_page_uri": base + urlencode(query | {"Page": "0"}),
            "next_page_uri": base + urlencode(onward) if has_more else None,
            "page": number,
            "page_size": size,
            "previous_page_uri": None,
            list_key: taken,
            "start": begin,
            "uri": base + urlencode(query),
        }

    def _platform(self, path: str, query: dict[str, str]) -> Resource | None:
        if ("", path) not in self.api.resources:
            return None
        first = query.get("filter[updatedAt][gte]", "")
        last = query.get("filter[updatedAt][lt]", "9")
        found = [r for r in self.api.resources[("", path)] if first <= r["attributes"]["updatedAt"] < last]
        found.sort(key=lambda r: (r["attributes"]["updatedAt"], r["id"]), reverse=True)
        size, begin = min(int(query["page[size]"]), self.api.largest_page), int(query.get("page[after]", 0))
        onward = "&".join(f"{quote(k)}={quote(v)}" for k, v in (query | {"page[after]": str(begin + size)}).items())
        following = f"{self.api.url}{path}?{onward}" if begin + size < len(found) else None
        return {"data": found[begin : begin + size], "links": {"self": self.path, "next": following}}

    def _fail(self, fault: Fault) -> None:
        if fault.held is not None:
            self.api.holding.set()
            fault.held.wait(60)
            self.close_connection = True
            return None
        body = fault.body if fault.body is not None else b'{"message": "as told"}'
        if fault.cut is None:
            return self._answer(fault.status, body, fault.headers)
        self.send_response(fault.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: fault.cut])
        self.wfile.flush()
        self.close_connection = True
        return None

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """The tests look at `Api.requests`."""


def _key(resource: Resource) -> str:
    return resource.get("sid") or f"{resource['category']}{resource['start_date']}"


@contextmanager
def serving(api: Api) -> Iterator[Api]:
    """The API on a free port of the loopback, until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"api": api}))
    server.daemon_threads = True
    api.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
