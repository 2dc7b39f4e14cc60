"""Running one command and measuring the whole tree of processes it starts: wall, CPU, memory, spill.

Linux only: it reads /proc. It knows nothing about what the command does.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

EVERY_SECONDS = 0.05
PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")


class CommandFailed(Exception):
    """The measured command ended with an error; the message holds its last lines of output."""


@dataclass(frozen=True)
class Measured:
    """What one command cost. Memory is the peak of all its processes together."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    spilled_bytes: int


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in (Path("/proc") / str(pid) / "task").iterdir():
            with contextlib.suppress(OSError):
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


def tree_of(pid: int) -> list[int]:
    """The process and all its living descendants."""
    found, waiting = [], [pid]
    while waiting:
        current = waiting.pop()
        found.append(current)
        waiting += _children(current)
    return found


def memory_of(pids: list[int]) -> int:
    """Resident bytes of the processes together; shared memory (libraries) counts once.

    From statm, because for the exact figure (PSS) the kernel walks the page tables, which would slow down
    what is measured.
    """
    private, shared_most = 0, 0
    for pid in pids:
        with contextlib.suppress(OSError, ValueError, IndexError):
            _, resident, shared = (Path("/proc") / str(pid) / "statm").read_text().split()[:3]
            private += int(resident) - int(shared)
            shared_most = max(shared_most, int(shared))
    return (private + shared_most) * PAGE


def cpu_of(pids: list[int]) -> dict[int, float]:
    """CPU seconds so far of each living process, over all its threads."""
    found: dict[int, float] = {}
    for pid in pids:
        with contextlib.suppress(OSError, ValueError, IndexError):
            # The name in brackets may contain blanks; what follows it does not.
            fields = (Path("/proc") / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()
            found[pid] = (int(fields[11]) + int(fields[12])) / TICKS
    return found


def folder_bytes(folder: Path) -> int:
    """Bytes of all files under a folder that may be changing; 0 if there is no such folder."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.stat(os.path.join(root, name), follow_symlinks=False).st_size  # noqa: PTH116, PTH118
    return total


class _Sampler(threading.Thread):
    def __init__(self, pid: int, spill: Path | None) -> None:
        super().__init__(daemon=True)
        self.pid, self.spill = pid, spill
        self.peak_bytes = self.spilled_bytes = 0
        self.cpu: dict[int, float] = {}
        self.done = threading.Event()

    def run(self) -> None:
        turn = 0
        while not self.done.wait(EVERY_SECONDS):
            pids = tree_of(self.pid)
            self.peak_bytes = max(self.peak_bytes, memory_of(pids))
            self.cpu.update(cpu_of(pids))
            if self.spill is not None and turn % 10 == 0:
                self.spilled_bytes = max(self.spilled_bytes, folder_bytes(self.spill))
            turn += 1


def run_measured(
    command: list[str],
    *,
    env: dict[str, str] | None = None,
    cwd: Path | None = None,
    log: Path,
    spill: Path | None = None,
    expected: tuple[int, ...] = (0,),
) -> Measured:
    """Run `command` to its end, its output into `log`. Raises CommandFailed for an unexpected exit code."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(command, env=env, cwd=cwd, stdout=output, stderr=subprocess.STDOUT)
        sampler = _Sampler(process.pid, spill)
        sampler.start()
        try:
            # wait4 reports the CPU of this child and of all it has waited for, and nothing else.
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        finally:
            sampler.done.set()
        seconds = time.perf_counter() - started
        sampler.join()
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in expected:
        words = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-15:]
        raise CommandFailed(f"{' '.join(command)} ended with {process.returncode}:\n" + "\n".join(words))
    # The kernel's sum misses a grandchild nobody waits for, the samples miss a short-lived one.
    cpu_seconds = max(usage.ru_utime + usage.ru_stime, sum(sampler.cpu.values()))
    return Measured(seconds, cpu_seconds, sampler.peak_bytes, sampler.spilled_bytes)
