"""Why an API could not be read: in plain words, with the page, the status and what to do.

No text that leaves here may hold a credential, also where a server echoes what it was sent.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta

from requests import HTTPError, RequestException, Response
from requests.exceptions import SSLError

from orchestration import clock
from orchestration.errors import MeterhouseError
from orchestration.pulling.access import Access
from orchestration.pulling.waiting import LONGEST_ASKED, PASSING_STATUS, asked_wait
from orchestration.wording import storable_text

LONGEST_QUOTE = 200
# Seconds; a time to come back after that many is still one of the calendar.
A_YEAR = 366 * 86_400


class PullFailed(MeterhouseError):
    """An API could not be read to the end, so the piece being pulled did not land. Exit code 7."""

    exit_code = 7


class PullRunning(MeterhouseError):
    """Another process is pulling the same source. Exit code 5."""

    exit_code = 5


@dataclass(frozen=True)
class Place:
    """Where a pull stood when it failed: pages are counted from 1 for each account."""

    source: str
    account: str
    page: int

    def __str__(self) -> str:
        return f"{self.source}, page {self.page}" + (f" of account {self.account}" if self.account else "")


def explain(error: RequestException, place: Place, access: Access) -> PullFailed:
    """The failure a person is told of for an answer that was an error, or no answer at all."""
    if isinstance(error, HTTPError) and error.response is not None:
        message, remedy = _status(error.response, place, access)
    elif isinstance(error, SSLError):
        message = f"{place}: the certificate of {access.base_url} is not trusted"
        remedy = f"Check {access.url_variable}; behind a proxy with a certificate of its own, set REQUESTS_CA_BUNDLE."
    else:
        message = f"{place}: no answer from {access.base_url} ({type(error).__name__})"
        remedy = f"Check the network, the proxy and {access.url_variable}, then pull again."
    return PullFailed(access.redacted(message), remedy)


def _status(response: Response, place: Place, access: Access) -> tuple[str, str]:
    status = response.status_code
    said = _quoted(response, access)
    told = f"{place}: {access.vendor} answered HTTP {status}{said}"
    variables = " and ".join(access.credential_variables)
    if status == 401:
        return told, f"The credentials are wrong: check {variables}."
    if status == 403:
        hint = f", or take the account out of {access.accounts_variable}" if place.account else ""
        return told, f"The credentials may not read this: check the permissions of {variables}{hint}."
    if status == 404:
        names = " and ".join(n for n in (access.accounts_variable, access.url_variable) if n)
        return told, f"These credentials have no such list or account: check {names} and {variables}."
    if 300 <= status < 400:
        return told, f"Credentials are not forwarded to another address: set {access.url_variable} to the right one."
    wait = asked_wait(response)
    if status in PASSING_STATUS and wait is not None and wait > LONGEST_ASKED:
        if wait > A_YEAR:
            return f"{told} and asks to wait for more than a year", f"Pull later; if it stays, ask {access.vendor} why."
        after = clock.utc_now() + timedelta(seconds=wait)
        return f"{told} and asks to wait {wait:.0f} s", f"Pull again after {after:%Y-%m-%d %H:%M} UTC."
    if status == 429:
        return (
            f"{told}, no matter how long the pull waited",
            "Pull again later, or less often: other programs may use up the limit.",
        )
    if status >= 500:
        return f"{told} repeatedly", f"The fault is at {access.vendor}: see its status page and pull later."
    return told, f"Check --since, --until and {access.url_variable}; report it if they are right."


def _quoted(response: Response, access: Access) -> str:
    """What the vendor says of its own error, shortened: Twilio's `message`, JSON:API's `detail` or `title`."""
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError):  # not JSON, or nested too deep to be a message
        return ""
    if not isinstance(body, dict):
        return ""
    errors = body.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else body
    text = next((first[k] for k in ("message", "detail", "title") if isinstance(first.get(k), str)), "")
    # Redacted first: half a secret is not found any more, and still half a secret.
    quoted = storable_text(access.redacted(" ".join(text.split()))[:LONGEST_QUOTE])
    return f' ("{quoted}")' if quoted else ""
