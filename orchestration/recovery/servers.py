"""Keeping the UI up: `dagster dev` as a child that is started again when it ends by itself.

Dagster ends all its servers when one of them dies. A killed daemon so takes the UI with it, and whoever
looked at a run is left with a dead page. What runs then is either finished by its own process or ended by
the reconciler before the servers come back.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from types import FrameType

from orchestration.errors import MeterhouseError
from orchestration.progress import Say
from orchestration.recovery.start_up import start_up
from orchestration.settings import Settings

HOST = "127.0.0.1"
# Ending so soon and so often is no accident: starting again would only hide it.
SOON_SECONDS = 20.0
MOST_SOON = 3
FREE_SECONDS = 60.0
# Dagster waits a minute for each of its two servers before it kills it; whoever kills Dagster first leaves both behind.
ENDING_SECONDS = 150.0


class _StopAsked(Exception):
    """SIGTERM, or a terminal that closed: whoever manages this service wants it ended."""


def serve(settings: Settings, port: int, say: Say) -> int:
    """Serve the UI on `port` of this machine alone until Ctrl-C, SIGTERM or a closed terminal. Returns the exit code.

    Raises MeterhouseError where the port is taken, or the servers end again and again.
    """
    _demand_free(port)
    signal.signal(signal.SIGTERM, _stop_asked)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _stop_asked)
    # Also while the servers are down, and the runs of before are seen to.
    with suppress(KeyboardInterrupt, _StopAsked):
        _keep_up(settings, port, say)
    return 0


def _keep_up(settings: Settings, port: int, say: Say) -> None:
    """Start the servers, and again whenever they end by themselves. Raises as `serve` does, and what asks it to end."""
    soon = 0
    while True:
        started = time.monotonic()
        child = _start(port, settings)
        try:
            child.wait()
        except (KeyboardInterrupt, _StopAsked):
            _end(child)
            raise
        soon = soon + 1 if time.monotonic() - started < SOON_SECONDS else 0
        if soon >= MOST_SOON:
            raise MeterhouseError(
                f"the servers stopped by themselves {MOST_SOON} times in a row",
                "Their messages are above. `meterhouse doctor` checks folders and versions; releases can still be "
                "read.",
            )
        say("one of the servers stopped by itself: restarting them")
        _wait_free(port)
        start_up(settings, say)


def _start(port: int, settings: Settings) -> subprocess.Popen[bytes]:
    """The servers, in a process group of their own: what the terminal says reaches this process alone.

    They end by SIGINT and by nothing else. A script that starts the UI in its background has it ignore that signal,
    and a child ignores what its parent did when it was started.
    """
    servers = ["-m", "dagster", "dev", "-h", HOST, "-p", str(port), "-m", "orchestration.definitions"]
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen([sys.executable, *servers], cwd=settings.project_dir, process_group=0)
    finally:
        signal.signal(signal.SIGINT, ours)


def _stop_asked(_signal: int, _frame: FrameType | None) -> None:
    raise _StopAsked


def _end(child: subprocess.Popen[bytes]) -> None:
    """Let the servers end as they wish to; kill what will not, or once it is asked for again: the whole group."""
    with suppress(KeyboardInterrupt, _StopAsked, subprocess.TimeoutExpired):
        child.send_signal(signal.SIGINT)
        child.wait(ENDING_SECONDS)
    if child.poll() is None:
        # Of the first process alone, its servers would stay and keep the port.
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _demand_free(port: int) -> None:
    if not _is_free(port):
        raise MeterhouseError(
            f"port {port} of {HOST} is in use, perhaps by a UI that is already running",
            f"Open http://{HOST}:{port}, or choose another port: meterhouse ui --port {port + 1}.",
        )


def _wait_free(port: int) -> None:
    until = time.monotonic() + FREE_SECONDS
    while not _is_free(port) and time.monotonic() < until:
        time.sleep(0.2)
