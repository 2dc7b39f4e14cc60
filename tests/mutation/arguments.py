"""Mutants no test can kill, each with the reason: they change nothing anybody could be billed."""

from __future__ import annotations

ARGUED: dict[tuple[str, str, str], str] = {}
