"""Errors that are a user's to solve: each carries what to do and the exit code it ends a command with."""

from __future__ import annotations


class MeterhouseError(Exception):
    """Something a person must decide or fix. `remedy` says what; exit code 2."""

    exit_code = 2

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class GateRefused(MeterhouseError):
    """The candidate may not be published; the last release stays served. Exit code 3."""

    exit_code = 3


class LockLost(GateRefused):
    """This process took the write lock, but another has taken it since: it may not publish. Exit code 3."""


class BuildFailed(MeterhouseError):
    """The candidate could not be built; the last release stays served. Exit code 4."""

    exit_code = 4


class WarehouseBusy(MeterhouseError):
    """Another process is writing. Exit code 5."""

    exit_code = 5
