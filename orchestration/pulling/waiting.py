"""How long an API is waited for: what it asks for itself, else longer every time, and not for ever."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from requests import HTTPError, Response
from requests.exceptions import ChunkedEncodingError, ConnectionError, ContentDecodingError, SSLError, Timeout
from tenacity import RetryCallState, Retrying, retry_if_exception

from orchestration import clock
from orchestration.progress import Say

TRIES = 8
# 1, 2, 4, ... seconds: about two minutes in all before it is given up.
LONGEST_BACKOFF = 60.0
# A limit that lasts longer than this is no reason to keep a process waiting.
LONGEST_ASKED = 900.0
PASSING_STATUS = frozenset({408, 429, *range(500, 600)})
_PASSING_ERRORS = (ConnectionError, Timeout, ChunkedEncodingError, ContentDecodingError)

Sleep = Callable[[float], Any]


@dataclass(frozen=True)
class Patience:
    """How to wait (seconds), so that tests need not."""

    sleep: Sleep = time.sleep
    tries: int = TRIES

    def applied_to(self, send: Callable[..., Response], say: Say) -> Callable[..., Response]:
        """`send` that tries again what may pass; the last error comes out as it is."""

        def told(state: RetryCallState) -> None:
            assert state.next_action is not None
            say(f"{_reason(_error(state))}, waiting {state.next_action.sleep:.0f} s")

        return Retrying(
            sleep=self.sleep,
            retry=retry_if_exception(may_pass),
            wait=_wait,
            stop=lambda state: state.attempt_number >= self.tries or _asked(state) > LONGEST_ASKED,
            before_sleep=told,
            reraise=True,
        ).wraps(send)


def may_pass(error: BaseException) -> bool:
    """Whether the same request may succeed later."""
    if isinstance(error, HTTPError) and error.response is not None:
        return error.response.status_code in PASSING_STATUS
    return isinstance(error, _PASSING_ERRORS) and not isinstance(error, SSLError)


def asked_wait(response: Response) -> float | None:
    """Seconds the answer asks to wait (`Retry-After`, in seconds or as a date), or None."""
    value = response.headers.get("Retry-After", "").strip()
    if not value:
        return None
    if value.isdecimal():
        return float(value)
    try:
        seconds = (parsedate_to_datetime(value) - clock.utc_now()).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return None
    return max(seconds, 0.0)


def _error(state: RetryCallState) -> BaseException:
    assert state.outcome is not None
    error = state.outcome.exception()
    assert error is not None
    return error


def _response(state: RetryCallState) -> Response | None:
    return getattr(_error(state), "response", None)


def _asked(state: RetryCallState) -> float:
    response = _response(state)
    return (asked_wait(response) or 0.0) if response is not None else 0.0


def _wait(state: RetryCallState) -> float:
    # A limit of 0 s is an invitation to hammer: the backoff is the least there is.
    backoff = min(LONGEST_BACKOFF, 2.0 ** (state.attempt_number - 1))
    return _asked(state) or backoff


def _reason(error: BaseException) -> str:
    response = getattr(error, "response", None)
    return f"HTTP {response.status_code}" if response is not None else type(error).__name__
