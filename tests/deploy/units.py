"""The shipped files as an administrator would install them, with every path and port moved below one folder."""

from __future__ import annotations

import shlex
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path

from orchestration.settings import PROJECT_DIR

DEPLOY = PROJECT_DIR / "deploy"
COMMON = "meterhouse-.service.d/common.conf"


def free_port() -> int:
    """A port of 127.0.0.1 nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Unit:
    """A service: its settings by name, in order, those of the common drop-in first."""

    name: str
    settings: dict[str, list[str]]

    def commands(self, name: str) -> list[list[str]]:
        """The command lines of ExecStartPre or ExecStart."""
        return [shlex.split(line) for line in self.settings.get(name, [])]


class Installed:
    """deploy/ below `root`: `etc`, `nginx`, `units`, state in `home`, sockets in `run` (short paths)."""

    def __init__(self, root: Path, run: Path) -> None:
        self.home, self.etc, self.nginx, self.units = (root / name for name in ("state", "etc", "nginx", "units"))
        self.run = run
        self.operator_port, self.viewer_port = free_port(), free_port()
        self.https_port, self.http_port = free_port(), free_port()
        for folder in (self.home / "landing", self.etc, self.nginx, self.units / "meterhouse-.service.d"):
            folder.mkdir(parents=True)
        for name in ("workspace.yaml", "meterhouse.env", "meterhouse"):
            (self.etc / name).write_text(self.moved((DEPLOY / name).read_text(encoding="utf-8")))
        shutil.copymode(DEPLOY / "meterhouse", self.etc / "meterhouse")
        for path in (*DEPLOY.glob("systemd/*.service"), *DEPLOY.glob("systemd/*.target"), DEPLOY / "systemd" / COMMON):
            target = self.units / path.relative_to(DEPLOY / "systemd")
            target.write_text(self.moved(path.read_text(encoding="utf-8")))
        for path in DEPLOY.glob("nginx/*"):
            (self.nginx / path.name).write_text(self.moved(path.read_text(encoding="utf-8")))

    def moved(self, text: str) -> str:
        """The text with the installation's own paths and ports. Raises ValueError where one is not named in DEPLOY."""
        for former, here in {
            "/opt/meterhouse": str(PROJECT_DIR),
            "/etc/meterhouse": str(self.etc),
            "/var/lib/meterhouse": str(self.home),
            "/run/meterhouse": str(self.run),
            "/etc/nginx/meterhouse": str(self.nginx),
            "-p 3000": f"-p {self.operator_port}",
            "-p 3001": f"-p {self.viewer_port}",
            "127.0.0.1:3000": f"127.0.0.1:{self.operator_port}",
            "127.0.0.1:3001": f"127.0.0.1:{self.viewer_port}",
            "listen 443 ": f"listen 127.0.0.1:{self.https_port} ",
            "listen 80;": f"listen 127.0.0.1:{self.http_port};",
            "meterhouse.example.com": "localhost",
        }.items():
            text = text.replace(former, here)
        return text

    def unit(self, name: str) -> Unit:
        """A service as systemd puts it together."""
        found: dict[str, list[str]] = {}
        for path in (self.units / COMMON, self.units / f"{name}.service"):
            for line in path.read_text(encoding="utf-8").splitlines():
                key, equals, value = line.partition("=")
                if equals and not line.startswith("#"):
                    found.setdefault(key, []).append(value)
        return Unit(name, found)

    def environment(self) -> dict[str, str]:
        """What a service has in its environment: little else than its environment file."""
        told = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8"}
        for line in (self.etc / "meterhouse.env").read_text(encoding="utf-8").splitlines():
            name, equals, value = line.partition("=")
            if equals and not line.startswith("#"):
                (told[name],) = shlex.split(value) or [""]
        return told

    def set(self, name: str, value: str) -> None:
        """Add a line to the environment file."""
        with (self.etc / "meterhouse.env").open("a", encoding="utf-8") as file:
            file.write(f'{name}="{value}"\n')
