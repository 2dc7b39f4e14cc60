"""Where state lives and how much of the machine may be used.

The only module that reads the environment, but for credentials (pulling/access.py). It owns no
behaviour: every other module is handed a `Settings` and can so be run on any folder, in tests as in production.
"""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

from orchestration.errors import MeterhouseError

PROJECT_DIR = Path(__file__).resolve().parent.parent

# Names the variable with the URL of Dagster's database; Dagster reads it by this name itself.
DAGSTER_POSTGRES = "METERHOUSE_DAGSTER_POSTGRES"

# Names the variable that demands that who closes a month is not who signed off its drafts.
FOUR_EYES = "METERHOUSE_FOUR_EYES"

# A size as METERHOUSE_MEMORY_LIMIT has it: 2GB, 1.5 GiB.
MEMORY_SIZE = re.compile(r"\s*([0-9]+(?:[.][0-9]+)?)\s*([KMGT]i?B)\s*", re.IGNORECASE | re.ASCII)

# Less or more than that is a slip of the unit; the engine ended in an error of its own.
LEAST_MEMORY, MOST_MEMORY = 64 * 1000**2, 1000 * 1000**4

# A user, or a user and a password, before the host; a password may hold a slash, and digits after a colon are a port.
_LOGIN = re.compile(r"://(?:[^/@]*@|[^/@:]*:(?!\d+/)[^@]*@)")
# Azure's URLs name a container where others have the user.
_CONTAINER = re.compile(r"abfss?://[^/@:]+@[^@]*")

# Libraries that phone home unless told not to; applied before any of them is imported.
TELEMETRY_OFF = {
    "DO_NOT_TRACK": "1",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "GX_ANALYTICS_ENABLED": "false",
    "DAGSTER_DISABLE_TELEMETRY": "1",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
}

# AMD's processors store packed AVX-512 lanes so slowly that numpy sorts 64-bit entries in 70 ns each with
# these and in 15 without (Zen 4, numpy 2.4). Read by numpy as it is imported.
SLOW_INSTRUCTIONS = ("NPY_DISABLE_CPU_FEATURES", "X86_V4 AVX512_ICL")


@dataclass(frozen=True)
class Settings:
    """Folders and limits of one Meterhouse installation (paths absolute, sizes in DuckDB's notation).

    With a `landing_url` (s3://bucket/prefix) `landing` is its local copy; `landing_named` says that METERHOUSE_LANDING
    was set. Of the URL of Dagster's database only that there is one is known here: it holds a password.
    """

    home: Path
    landing: Path
    landing_url: str = ""
    landing_named: bool = False
    dagster_on_postgres: bool = False
    project_dir: Path = PROJECT_DIR
    memory_limit: str = "2GB"
    threads: int = field(default_factory=lambda: os.cpu_count() or 2)
    max_file_bytes: int = 64 * 1024**3
    max_expansion_ratio: int = 200
    four_eyes: bool = False

    def at(self, home: Path, landing: str) -> Settings:
        """The same limits for another home and landing, given as METERHOUSE_LANDING is: a folder or a URL.

        Raises MeterhouseError for a home that is no folder and cannot be made one, for a folder whose path the engine
        would take for a pattern, and for a URL with a login: settings are printed, and kept by Dagster.
        """
        _demand_one_folder("METERHOUSE_HOME", home)
        _demand_place("METERHOUSE_HOME", home)
        if "://" in landing:
            _demand_no_login(landing)
            return replace(self, home=home, landing=home / "landing_spool", landing_url=landing.rstrip("/"))
        folder = Path(landing).resolve()
        _demand_one_folder("METERHOUSE_LANDING", folder)
        return replace(self, home=home, landing=folder, landing_url="")

    @property
    def landing_text(self) -> str:
        """The landing as METERHOUSE_LANDING names it."""
        return self.landing_url or str(self.landing)

    @property
    def raw_dir(self) -> Path:
        return self.home / "raw"

    @property
    def warehouse_path(self) -> Path:
        return self.home / "warehouse.duckdb"

    @property
    def published_dir(self) -> Path:
        return self.home / "published"

    @property
    def exports_dir(self) -> Path:
        return self.home / "exports"

    @property
    def quality_dir(self) -> Path:
        return self.home / "quality"

    @property
    def dagster_home(self) -> Path:
        return self.home / "dagster"

    @property
    def dbt_target_dir(self) -> Path:
        return self.home / "dbt" / "target"

    @property
    def tmp_dir(self) -> Path:
        return self.home / "tmp"


def load_settings() -> Settings:
    """Settings from METERHOUSE_HOME, _LANDING, _MEMORY_LIMIT, _THREADS, _DAGSTER_POSTGRES and _FOUR_EYES.

    Raises MeterhouseError for a limit or switch that cannot be meant, a folder that cannot be made or be named to the
    engine, and a landing whose URL holds a login.
    """
    for name, value in TELEMETRY_OFF.items():
        os.environ.setdefault(name, value)
    _leave_out_slow_instructions()
    landing = os.environ.get("METERHOUSE_LANDING")
    home = Path(os.environ.get("METERHOUSE_HOME") or PROJECT_DIR / "var").resolve()
    return Settings(
        home=home,
        landing=home,
        landing_named=bool(landing),
        dagster_on_postgres=bool(os.environ.get(DAGSTER_POSTGRES)),
        memory_limit=_memory_limit(os.environ.get("METERHOUSE_MEMORY_LIMIT") or "2GB"),
        threads=_threads(os.environ.get("METERHOUSE_THREADS") or str(os.cpu_count() or 2)),
        four_eyes=_switch(FOUR_EYES, os.environ.get(FOUR_EYES) or "off"),
    ).at(home, landing or str(PROJECT_DIR / "landing"))


def _demand_one_folder(name: str, folder: Path) -> None:
    # The engine reads files by patterns: under such a path it finds none, or those of a neighbour.
    if found := sorted(set("*?[") & set(str(folder))):
        raise MeterhouseError(
            f"{name} is {str(folder)!r}, but a path with {' or '.join(found)} can match several folders",
            "Rename the folder, or the folder above it that has the character, or set the variable to another one.",
        )


def _demand_place(name: str, folder: Path) -> None:
    # Not Path.exists, which raises where a folder above may not be looked into: that is told where it is opened.
    place = next((above for above in (folder, *folder.parents) if os.path.exists(above)), folder)  # noqa: PTH110
    if not place.is_dir():
        found = "which is" if place == folder else f"but {str(place)!r} is"
        raise MeterhouseError(
            f"{name} is {str(folder)!r}, {found} a file, not a folder",
            "Move the file away, or set the variable to a folder; one that does not exist yet is made.",
        )
    # What the system makes up, such as /proc, has no blocks, and takes no folder. A few disks do not say.
    if place != folder and os.statvfs(place).f_blocks == 0:
        try:
            Path(tempfile.mkdtemp(dir=place)).rmdir()
        except OSError as error:
            raise MeterhouseError(
                f"{name} is {str(folder)!r}, but no folder can be made in {str(place)!r}: {error.strerror}",
                "Set the variable to a folder on a disk.",
            ) from error


def _demand_no_login(url: str) -> None:
    if _LOGIN.search(url) and not _CONTAINER.fullmatch(url):
        raise MeterhouseError(
            "METERHOUSE_LANDING contains credentials",
            "Leave them out: credentials belong in the storage library's own settings, such as AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, or FSSPEC_FTP_USERNAME and FSSPEC_FTP_PASSWORD.",
        )


def _memory_limit(text: str) -> str:
    found = MEMORY_SIZE.fullmatch(text)
    if not found:
        raise MeterhouseError(
            f"METERHOUSE_MEMORY_LIMIT is {text!r}, which is not a size", "Write it as 2GB or 1500MB, or unset it."
        )
    number, unit = found[1], found[2].upper()
    size = Decimal(number) * (1024 if "I" in unit else 1000) ** ("KMGT".index(unit[0]) + 1)
    if not LEAST_MEMORY <= size <= MOST_MEMORY:
        raise MeterhouseError(
            f"METERHOUSE_MEMORY_LIMIT is {text!r}, which is {'too little' if size < LEAST_MEMORY else 'too much'}",
            "Write a size from 64MB to 1000TB, such as 2GB, or unset it.",
        )
    return text.strip()


def _threads(text: str) -> int:
    if not re.fullmatch(r"0*[1-9][0-9]{0,3}", text.strip(), re.ASCII):
        raise MeterhouseError(
            f"METERHOUSE_THREADS is {text!r}, which is not a number of threads",
            "Write a whole number from 1 to 9999, or unset it.",
        )
    return int(text)


def _switch(name: str, text: str) -> bool:
    # Never guessed: a typing error must not turn a control off.
    found = {"on": True, "off": False}.get(text.strip().lower())
    if found is None:
        raise MeterhouseError(f"{name} is {text!r}, neither on nor off", "Write on or off, or unset it.")
    return found


def _leave_out_slow_instructions() -> None:
    try:
        processor = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    if "AuthenticAMD" in processor and "avx512f" in processor:
        os.environ.setdefault(*SLOW_INSTRUCTIONS)
