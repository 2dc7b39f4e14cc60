"""What follows from the project alone, kept between runs: its manifest, as JSON and as dbt reads it back, SQL of nodes,
and their templates as Jinja compiled them.

Parsing takes 5 s (1.3 s where dbt finds nothing changed), reading what is kept 0.1 s. The folder is named
by a hash of everything the parser reads, so a changed project finds nothing and parses again; files that
are not what was written are passed over. Owns no parsing and no building.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from orchestration.settings import Settings
from orchestration.warehouse.fingerprint import files_hash

MANIFEST = "manifest.json"
PARSED = "partial_parse.msgpack"
SUMS = "sha256.json"
RENDERED = "rendered.json"
KEPT_PROJECTS = 5
# What the parser reads: the models' fingerprint and what shapes names and schemas.
_PARTS = ("models", "macros", "seeds", "dbt_project.yml", "profiles.yml", "tests/generic")


def project_key(settings: Settings) -> str:
    """Names everything the parser reads: what is kept of this very project lies in a folder of that name."""
    told = [
        files_hash(settings.project_dir, _PARTS),
        # The parser reads single tests too; there are none today.
        *(str(path) for path in sorted((settings.project_dir / "tests").rglob("*.sql"))),
        *(f"{name} {version(name)}" for name in ("dbt-core", "dbt-duckdb", "duckdb", "jinja2")),
        # The file's name is the database's in every relation; DBT_ variables are flags of the parser.
        settings.warehouse_path.stem,
        str(settings.project_dir),
        *sorted(f"{k}={v}" for k, v in os.environ.items() if k.startswith("DBT_") and k != "DBT_TARGET_PATH"),
    ]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:24]


def _root(settings: Settings) -> Path:
    """Beside the project, where all its installations find it; in the state folder where that is read-only."""
    beside = settings.project_dir / ".cache"
    writable = os.access(beside if beside.exists() else settings.project_dir, os.W_OK)
    return (beside if writable else settings.home / "cache") / "dbt"


def kept(settings: Settings, name: str) -> bytes | None:
    """The kept file of this very project as it was written, or None."""
    folder = _root(settings) / project_key(settings)
    try:
        content = (folder / name).read_bytes()
        sums = json.loads((folder / SUMS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if hashlib.sha256(content).hexdigest() == sums.get(name) else None


def keep(settings: Settings) -> None:
    """Keep what the parser just wrote to the target folder. Failing to is no failure: the next run parses."""
    root = _root(settings)
    with suppress(OSError):
        root.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=".building-", dir=root))
        sums = {}
        for name in (MANIFEST, PARSED):
            content = (settings.dbt_target_dir / name).read_bytes()
            (building / name).write_bytes(content)
            sums[name] = hashlib.sha256(content).hexdigest()
        (building / SUMS).write_text(json.dumps(sums), encoding="utf-8")
        building.chmod(0o755)
        final = root / project_key(settings)
        shutil.rmtree(final, ignore_errors=True)
        building.rename(final)
        _prune(root)


def rendered(settings: Settings) -> tuple[dict[str, str], dict[str, str]]:
    """What is known of this very project: SQL of nodes that asked nothing of a build file, by unique id, and
    templates as kept_templates has them.
    """
    texts, templates = kept_json(settings, f"{project_key(settings)}/{RENDERED}") or ({}, {})
    return texts, templates


def keep_rendered(settings: Settings, texts: dict[str, str], templates: dict[str, str]) -> None:
    """Keep them beside the manifest; where none is kept there is no place for them."""
    folder = project_key(settings)
    if (_root(settings) / folder).exists():
        keep_json(settings, f"{folder}/{RENDERED}", [texts, templates])


def kept_json(settings: Settings, name: str) -> Any:
    """What keep_json kept under `name` (a path below the cache), or None."""
    try:
        told = json.loads((_root(settings) / name).read_text(encoding="utf-8"))
        return told["kept"] if told["sha256"] == _sum(told["kept"]) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep_json(settings: Settings, name: str, content: Any) -> None:
    """Keep what follows from files of the project alone. `name` says which; failing to is no failure."""
    path = _root(settings) / name
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, building = tempfile.mkstemp(prefix=".building-", dir=path.parent)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"sha256": _sum(content), "kept": content}, file)
        Path(building).chmod(0o644)
        Path(building).replace(path)


def _sum(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _prune(root: Path) -> None:
    folders = sorted((p for p in root.iterdir() if (p / SUMS).exists()), key=lambda p: p.stat().st_mtime)
    for old in folders[:-KEPT_PROJECTS]:
        shutil.rmtree(old, ignore_errors=True)


def manifest_json(settings: Settings) -> bytes | None:
    """The manifest as dbt documents it, also laid where dbt would have written it; None where none is kept."""
    content = kept(settings, MANIFEST)
    if content is None:
        return None
    target = settings.dbt_target_dir / MANIFEST
    if not target.exists() or target.read_bytes() != content:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return content
