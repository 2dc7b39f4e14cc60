"""A PostgreSQL cluster of its own on a socket, gone afterwards; it refuses to run as root, then as user postgres."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.programs import postgres_programs

PASSWORD = "never-to-be-written-down"


@contextmanager
def postgres_server() -> Iterator[str]:
    """URL of an empty database that asks for the password in it."""
    programs = postgres_programs()
    root = Path(tempfile.mkdtemp(prefix="mhpg"))  # short: a socket's path has at most a hundred characters
    password_file = root / "password"
    password_file.write_text(PASSWORD)
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if as_user:
        shutil.chown(root, "postgres")
        password_file.chmod(0o644)
    data = str(root / "data")
    login = ["-A", "scram-sha-256", "-U", "dagster", "--pwfile", str(password_file)]
    options = f"-c listen_addresses= -c unix_socket_directories={root} -c fsync=off"
    control = [*as_user, str(programs / "pg_ctl"), "-D", data, "-w"]

    def run(command: list[str]) -> None:
        with (root.parent / f"{root.name}.log").open("ab") as log:
            subprocess.run(command, check=True, cwd="/", stdout=log, stderr=log)

    try:
        run([*as_user, str(programs / "initdb"), "-D", data, "--no-sync", *login])
        run([*control, "-o", options, "start"])
        try:
            yield f"postgresql+psycopg2://dagster:{PASSWORD}@/postgres?host={root}"
        finally:
            run([*control, "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(root, ignore_errors=True)
        (root.parent / f"{root.name}.log").unlink(missing_ok=True)
