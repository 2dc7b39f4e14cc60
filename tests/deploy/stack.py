"""The whole deployment on this machine: the units' own command lines, PostgreSQL behind, nginx in front."""

from __future__ import annotations

import datetime
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import requests

from tests.deploy.postgres_server import postgres_server
from tests.deploy.units import Installed
from tests.programs import program

OPERATOR, VIEWER = ("ann", "operators-password"), ("vic", "viewers-password")
# Of a machine that does much else at the same time.
PATIENCE_SECONDS = 600.0


@dataclass
class Deployment:
    """What runs: `url` is the proxy, `bare` the operator's web server behind it, `certificate` signs the proxy."""

    installed: Installed
    url: str
    bare: str
    bare_viewer: str
    certificate: Path
    logs: Path

    def graphql(self, query: str, variables: dict[str, Any] | None = None, user: tuple[str, str] = OPERATOR) -> Any:
        """Answer of a query posted as the UI does, through the proxy."""
        answer = requests.post(
            f"{self.url}/graphql",
            json={"query": query, "variables": variables or {}},
            auth=user,
            headers=self.same_origin,
            verify=str(self.certificate),
            timeout=60,
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    @property
    def same_origin(self) -> dict[str, str]:
        """What a browser says of a request of the UI's own page."""
        return {"Origin": self.url, "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}


def wait_for(what: str, condition: Callable[[], object], logs: Path, every_seconds: float = 0.2) -> Any:
    """The condition's first true answer; on none, what the servers said."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        with suppress(requests.RequestException, KeyError):
            if found := condition():
                return found
        time.sleep(every_seconds)
    told = "\n".join(f"--- {path.name}\n{path.read_text(errors='replace')[-2000:]}" for path in logs.glob("*.log"))
    raise AssertionError(f"waited in vain for {what}\n{told}")


class Processes:
    """Servers and whatever they start, ended together as systemd would end them."""

    def __init__(self) -> None:
        self._started: list[tuple[subprocess.Popen[bytes], signal.Signals]] = []

    def start(self, command: list[str], log: Path, stop: signal.Signals = signal.SIGTERM, **options: Any) -> None:
        """Start a process that says what it has to say into `log`."""
        with log.open("ab") as said:
            process = subprocess.Popen(command, stdout=said, stderr=said, start_new_session=True, **options)
        self._started.append((process, stop))

    def end(self) -> None:
        """Ask all to stop, then make sure."""
        for process, stop in self._started:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, stop)
        for process, _ in self._started:
            with suppress(subprocess.TimeoutExpired):
                process.wait(30)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(30)


@contextmanager
def deployment(root: Path, land: Callable[[Path], object]) -> Iterator[Deployment]:
    """Everything up and the code location loaded; `land` fills the landing folder before."""
    with ExitStack() as ending:
        run = Path(tempfile.mkdtemp(prefix="mhrun"))
        ending.callback(shutil.rmtree, run, ignore_errors=True)
        logs = root / "logs"
        logs.mkdir()
        installed = Installed(root / "installed", run)
        land(installed.home / "landing")
        installed.set("METERHOUSE_DAGSTER_POSTGRES", ending.enter_context(postgres_server()))
        certificate = _write_login(installed)
        processes = Processes()
        ending.callback(processes.end)
        for name in ("code", "webserver", "viewer", "daemon"):
            _start_service(processes, installed, f"meterhouse-{name}", logs)
        _start_proxy(processes, installed, logs)
        found = Deployment(
            installed,
            f"https://localhost:{installed.https_port}",
            f"http://127.0.0.1:{installed.operator_port}",
            f"http://127.0.0.1:{installed.viewer_port}",
            certificate,
            logs,
        )
        for server in (found.bare, found.bare_viewer):
            wait_for(server, partial(_answers, server), logs)
        wait_for("the code location", lambda: _is_loaded(found), logs)
        yield found


def _answers(server: str) -> bool:
    return requests.get(f"{server}/server_info", timeout=5).ok


def _is_loaded(found: Deployment) -> bool:
    entry = found.graphql(
        "{workspaceOrError{... on Workspace{locationEntries{loadStatus locationOrLoadError{__typename}}}}}"
    )
    entries = entry["workspaceOrError"]["locationEntries"]
    return [e["loadStatus"] for e in entries] == ["LOADED"] and [
        e["locationOrLoadError"]["__typename"] for e in entries
    ] == ["RepositoryLocation"]


def _start_service(processes: Processes, installed: Installed, name: str, logs: Path) -> None:
    """ExecStartPre to its end, then ExecStart, in the unit's folder and with its environment alone."""
    unit, environment = installed.unit(name), installed.environment()
    (folder,) = unit.settings["WorkingDirectory"]
    log = logs / f"{name}.log"
    for command in unit.commands("ExecStartPre"):
        with log.open("ab") as said:
            subprocess.run(command, cwd=folder, env=environment, stdout=said, stderr=said, check=True)
    (command,) = unit.commands("ExecStart")
    (stop,) = unit.settings.get("KillSignal", ["SIGTERM"])
    processes.start(command, log, signal.Signals[stop], cwd=folder, env=environment)


def _write_login(installed: Installed) -> Path:
    """Users as docs/deploy.md makes them, and a certificate for localhost."""
    lines = []
    for name, password in (OPERATOR, VIEWER):
        hashed = [program("openssl", "openssl"), "passwd", "-6", password]
        lines.append(f"{name}:{subprocess.run(hashed, check=True, capture_output=True, text=True).stdout.strip()}\n")
    (installed.nginx / "users").write_text("".join(lines))
    certificate, key = installed.nginx / "tls.crt", installed.nginx / "tls.key"
    _write_certificate(certificate, key)
    return certificate


def _write_certificate(certificate: Path, key: Path) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(private, hashes.SHA256())
    )
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


def _start_proxy(processes: Processes, installed: Installed, logs: Path) -> None:
    """nginx in the foreground with the shipped file alone in its http block; the syntax is tested first."""
    at = installed.nginx
    # Its workers read files of this test's folder, which is closed to other users.
    user = "user root;" if os.geteuid() == 0 else ""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {at}/{kind};\n" for kind in kinds)
    main = at / "nginx.conf"
    main.write_text(
        f"{user}\ndaemon off;\npid {at}/pid;\nerror_log {logs}/nginx-error.log;\nevents {{}}\n"
        f"http {{\ninclude /etc/nginx/mime.types;\naccess_log {logs}/nginx-access.log;\n{temporary}"
        f"include {at}/meterhouse.conf;\n}}\n"
    )
    command = [program("nginx", "nginx-light"), "-c", str(main), "-e", str(logs / "nginx-error.log")]
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True)
    assert tested.returncode == 0, tested.stderr
    processes.start(command, logs / "nginx.log")
