"""Processes of this machine told apart for certain: a number alone is given out again.

A process is one pid of one boot, started at one instant, seen from one host and one pid namespace. Reads
/proc where there is one (Linux), else asks `ps`. Owns no locks and no runs.
"""

from __future__ import annotations

import os
import socket
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_PROC = Path("/proc")
_DEAD = ("Z", "X", "")
_PAUSED = ("T", "t")


@dataclass(frozen=True)
class ProcessIdentity:
    """Which process, on which host (and namespace), of which boot, started when (the system's own count)."""

    pid: int
    started: str
    boot: str
    host: str

    def as_text(self) -> str:
        """One line that `parse` reads back."""
        return f"{self.pid} {self.started} {self.boot} {self.host}"


def this_process() -> ProcessIdentity:
    """The process that asks."""
    return ProcessIdentity(os.getpid(), start_of(os.getpid()), boot_id(), host())


def parse(text: str) -> ProcessIdentity | None:
    """Read what `as_text` wrote; None for anything else."""
    parts = text.split(" ")
    if len(parts) != 4 or not parts[0].isdigit():
        return None
    return ProcessIdentity(int(parts[0]), *parts[1:])


def why_gone(process: ProcessIdentity) -> str | None:
    """Why the process cannot be alive, in plain words; None where it is, or where that cannot be seen from here."""
    if process.host.partition("/")[0] != host().partition("/")[0]:
        return None
    if process.boot != boot_id():
        return f"the machine has been restarted since, so its process {process.pid} is gone"
    if process.host != host():
        # Another container of the same machine: its pids say nothing here.
        return None
    if start_of(process.pid) != process.started or _state(process.pid) in _DEAD:
        return f"its process {process.pid} ended without reporting"
    return None


def is_paused(pid: int) -> bool:
    """Whether the process is stopped by a signal (SIGSTOP, Ctrl-Z) or a debugger."""
    return _state(pid) in _PAUSED


def command_of(pid: int) -> str:
    """What was started, for people: the command line, shortened; empty where it cannot be read."""
    with suppress(OSError):
        words = (_PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
        # One line, whatever was handed over.
        text = " ".join(" ".join(word.decode(errors="replace") for word in words).split())
        return text if len(text) <= 120 else text[:117] + "..."
    return ""


def started_at(pid: int) -> float | None:
    """When the process was started, as seconds since 1970 (UTC), to a second or so; None if there is none."""
    with suppress(OSError, ValueError, IndexError, StopIteration):
        ticks = int(_stat(pid)[19])
        booted = next(line for line in (_PROC / "stat").read_text().splitlines() if line.startswith("btime "))
        return int(booted.split()[1]) + ticks / os.sysconf("SC_CLK_TCK")
    return None


@cache
def boot_id() -> str:
    """Changes with every start of the machine; `-` where the system tells none."""
    with suppress(OSError):
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    return "-"


@cache
def host() -> str:
    """Name of the host, and of the pid namespace, that pids are told in."""
    namespace = "-"
    with suppress(OSError):
        namespace = str((_PROC / "self/ns/pid").readlink()).replace(" ", "")
    return f"{socket.gethostname().replace(' ', '-')}/{namespace}"


def _stat(pid: int) -> list[str]:
    # The name in brackets may hold anything: what follows the last bracket is fields 3 and on.
    return (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()


def start_of(pid: int) -> str:
    """When a process was started, in the system's own count; empty if there is none."""
    if _PROC.joinpath("self").exists():
        with suppress(OSError, IndexError):
            return _stat(pid)[19]
        return ""
    return _ps(pid, "lstart").replace(" ", "_")


def _state(pid: int) -> str:
    if _PROC.joinpath("self").exists():
        with suppress(OSError, IndexError):
            return _stat(pid)[0]
        return ""
    return _ps(pid, "stat")[:1]


def _ps(pid: int, field: str) -> str:
    done = subprocess.run(["ps", "-o", f"{field}=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return " ".join(done.stdout.split())
