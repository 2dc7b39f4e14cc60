"""What pulling is told by the environment: credentials, addresses, accounts, and how far back to look again.

Beside settings.py the only module that reads the environment, for credentials have no place in
`Settings`, which is printed, compared and handed to Dagster. Nothing here prints a secret.
"""

from __future__ import annotations

import os
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from urllib.parse import quote, quote_plus, urlsplit

from orchestration.errors import MeterhouseError

TWILIO_URL = "https://api.twilio.com"
REPULL_DAYS = 7
# Ten years; a day that many before another must still be one of the calendar.
MOST_REPULL_DAYS = 3650
_ACCOUNT_SID = re.compile(r"AC[0-9a-fA-F]{32}")
_KEY_SID = re.compile(r"SK[0-9a-fA-F]{32}")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Access:
    """How to reach one vendor: `user` is empty where `secret` is a bearer token; `accounts` may be ('',)."""

    vendor: str
    base_url: str
    user: str
    secret: str = field(repr=False)
    credential_variables: tuple[str, ...]
    url_variable: str
    accounts: tuple[str, ...] = ("",)
    accounts_variable: str = ""

    def redacted(self, text: str) -> str:
        """`text` without the secret, in any form it is sent in."""
        for form in (
            self.secret,
            quote(self.secret, safe=""),
            quote_plus(self.secret),
            b64encode(f"{self.user}:{self.secret}".encode()).decode(),
            b64encode(self.secret.encode()).decode(),
        ):
            text = text.replace(form, "***")
        return text


@dataclass(frozen=True)
class PullOptions:
    """`repull_days` are pulled again every time; `first_day` is where a first pull starts, if it is set."""

    repull_days: int = REPULL_DAYS
    first_day: date | None = None


def pull_options(environment: Mapping[str, str] = os.environ) -> PullOptions:
    """METERHOUSE_PULL_REPULL_DAYS and METERHOUSE_PULL_SINCE. Raises MeterhouseError for what is neither."""
    days = environment.get("METERHOUSE_PULL_REPULL_DAYS") or str(REPULL_DAYS)
    if not re.fullmatch("[0-9]{1,4}", days) or int(days) > MOST_REPULL_DAYS:
        raise MeterhouseError(
            f"METERHOUSE_PULL_REPULL_DAYS is {days!r}, not a number of days up to {MOST_REPULL_DAYS}",
            f"Set it to {REPULL_DAYS}, for example.",
        )
    first = environment.get("METERHOUSE_PULL_SINCE")
    return PullOptions(int(days), parse_day(first, "METERHOUSE_PULL_SINCE") if first else None)


def parse_day(text: str, name: str) -> date:
    """The day `name` was given as. Raises MeterhouseError where it is none."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise MeterhouseError(f"{name} is {text!r}, not a day", "Write it as 2024-11-01.") from error


def is_configured(system: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the environment speaks of the system at all."""
    names = {
        "twilio": ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_API_KEY"),
        "kustomer": ("METERHOUSE_PLATFORM_TOKEN", "METERHOUSE_PLATFORM_URL"),
    }[system]
    return any(environment.get(name) for name in names)


def access_to(system: str, environment: Mapping[str, str] = os.environ) -> Access:
    """Access to `twilio` or `kustomer` (the platform). Raises MeterhouseError naming the variable at fault."""
    return _twilio(environment) if system == "twilio" else _platform(environment)


def _twilio(environment: Mapping[str, str]) -> Access:
    own = _needed(environment, "TWILIO_ACCOUNT_SID", "the account's SID, from Twilio's console")
    accounts = tuple(dict.fromkeys(a.strip() for a in environment.get("METERHOUSE_TWILIO_ACCOUNTS", "").split(",")))
    accounts = tuple(a for a in accounts if a)
    for name, sid in (("TWILIO_ACCOUNT_SID", own), *(("METERHOUSE_TWILIO_ACCOUNTS", a) for a in accounts)):
        if not _ACCOUNT_SID.fullmatch(sid):
            raise MeterhouseError(
                f"{name} contains {sid[:4]!r}..., which is not an account SID",
                "An account SID is AC followed by 32 hex digits.",
            )
    if environment.get("TWILIO_API_KEY", "").strip():
        variables = ("TWILIO_API_KEY", "TWILIO_API_SECRET")
        user = _needed(environment, "TWILIO_API_KEY", "the SID of an API key, from Twilio's console")
        secret = _needed(environment, "TWILIO_API_SECRET", "the secret of TWILIO_API_KEY")
        if not _KEY_SID.fullmatch(user):  # not quoted: it may be the secret, in the wrong place
            raise MeterhouseError(
                "TWILIO_API_KEY is not the SID of an API key", "Such a SID is SK followed by 32 hex digits."
            )
    else:
        variables = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")
        user = own
        secret = _needed(environment, "TWILIO_AUTH_TOKEN", "its token, or TWILIO_API_KEY and TWILIO_API_SECRET")
    return Access(
        vendor="Twilio",
        base_url=_address(environment.get("METERHOUSE_TWILIO_URL", "").strip() or TWILIO_URL, "METERHOUSE_TWILIO_URL"),
        user=user,
        secret=secret,
        credential_variables=variables,
        url_variable="METERHOUSE_TWILIO_URL",
        accounts=accounts or (own,),
        accounts_variable="METERHOUSE_TWILIO_ACCOUNTS" if accounts else "TWILIO_ACCOUNT_SID",
    )


def _platform(environment: Mapping[str, str]) -> Access:
    url = _needed(environment, "METERHOUSE_PLATFORM_URL", "the address its API's paths are appended to")
    return Access(
        vendor="the platform",
        base_url=_address(url, "METERHOUSE_PLATFORM_URL"),
        user="",
        secret=_needed(environment, "METERHOUSE_PLATFORM_TOKEN", "an API key that may read conversations and messages"),
        credential_variables=("METERHOUSE_PLATFORM_TOKEN",),
        url_variable="METERHOUSE_PLATFORM_URL",
    )


def _needed(environment: Mapping[str, str], name: str, what: str) -> str:
    value = environment.get(name, "").strip()
    if not value:
        raise MeterhouseError(f"{name} is not set", f"Set {name}: {what}.")
    if not value.isascii() or any(c.isspace() for c in value):
        raise MeterhouseError(
            f"{name} contains spaces or characters that no credential has", f"Set {name} again: {what}."
        )
    return value


def _address(url: str, name: str) -> str:
    """The address without a slash at its end. Raises MeterhouseError where paths cannot be put behind it."""
    try:
        found = urlsplit(url)
        host, has_login, _ = found.hostname, found.username is not None, found.port
    except ValueError:  # a port that is no number is found only when it is read
        host, has_login, found = None, False, urlsplit("")
    if has_login:
        raise MeterhouseError(f"{name} contains credentials", "Leave them out; they have variables of their own.")
    if found.scheme not in ("http", "https") or not host:
        raise MeterhouseError(f"{name} is not an address", f"Write it as {TWILIO_URL}.")
    if "?" in url or "#" in url:
        raise MeterhouseError(
            f"{name} has a query or a fragment (? or #)", "Leave it out: paths are put behind the address."
        )
    if found.scheme == "http" and host not in _LOOPBACK:
        raise MeterhouseError(
            f"{name} does not use https", "Credentials are sent only over https; http is only for this machine."
        )
    return url.rstrip("/")
