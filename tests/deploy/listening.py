"""Where a process and everything it started listens, told by the kernel."""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path

LISTENING = "0A"


def family(root: int) -> set[int]:
    """Process ids of `root` and of everything it started that still runs."""
    found, grown = {root}, True
    while grown:
        grown = False
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                parent = int(folder.joinpath("stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError):
                continue
            if parent in found and int(folder.name) not in found:
                found.add(int(folder.name))
                grown = True
    return found


def arguments(root: int) -> bytes:
    """Command lines of the family, which anybody on the machine may read."""
    told = b""
    for pid in family(root):
        with suppress(OSError):
            told += Path(f"/proc/{pid}/cmdline").read_bytes()
    return told


def listening(root: int) -> set[str]:
    """Addresses of the TCP sockets on which process `root` or one it started listens."""
    inodes = set()
    for pid in family(root):
        for descriptor in Path(f"/proc/{pid}/fd").glob("*"):
            try:
                inodes.add(str(descriptor.readlink()).removeprefix("socket:[").removesuffix("]"))
            except OSError:
                continue
    found = set()
    for table, kind in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            local, state, inode = (line.split()[index] for index in (1, 3, 9))
            if state == LISTENING and inode in inodes:
                raw = bytes.fromhex(local.partition(":")[0])
                address = b"".join(raw[i : i + 4][::-1] for i in range(0, len(raw), 4))
                found.add(socket.inet_ntop(kind, address))
    return found
