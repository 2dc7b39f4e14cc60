"""The tree keeps its promises: one home per dangerous thing, layers go down, nothing points outside."""

from __future__ import annotations

import ast
import graphlib
import itertools
import re
from pathlib import Path

import pytest
import yaml

from orchestration.settings import PROJECT_DIR

MODELS = sorted((PROJECT_DIR / "models").rglob("*.sql"))
SQL = MODELS + sorted((PROJECT_DIR / "macros").glob("*.sql"))


def _code(path: Path) -> str:
    text = re.sub(r"\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--")).lower()


def _users_of(pattern: str) -> set[str]:
    return {path.name for path in SQL if re.search(pattern, _code(path))}


def test_months_are_truncated_in_one_file() -> None:
    assert _users_of(r"date_trunc") == {"billing_month.sql"}


def test_money_is_rounded_in_one_file() -> None:
    assert _users_of(r"\bround\s*\(") == {"rounding.sql"}
    assert _users_of(r"round_to_minor_unit\(") == {"rounding.sql", "int_gen_07__lines_rated.sql"}


def test_models_have_no_clock_no_chance_and_no_floats() -> None:
    assert _users_of(r"current_date|current_timestamp|\bnow\s*\(|random\s*\(|\bdouble\b|\bfloat\b|\breal\b") == set()


def test_the_clock_is_read_in_one_place() -> None:
    readers = {
        path.name
        for path in (PROJECT_DIR / "orchestration").rglob("*.py")
        if re.search(r"datetime\.now|utcnow\(|date\.today|time\.time\(", path.read_text(encoding="utf-8"))
    }
    assert readers == {"clock.py"}


def test_only_the_ledger_writes_the_ledger() -> None:
    writers = {
        path.name
        for path in (PROJECT_DIR / "orchestration").rglob("*.py")
        if re.search(r"ledger\.append\(|def append\(", path.read_text(encoding="utf-8"))
    }
    assert writers == {"ledger.py", "close.py", "signing.py"}


def test_arrows_only_go_down_the_layers() -> None:
    for path in MODELS:
        layer = path.relative_to(PROJECT_DIR / "models").parts[0]
        references = set(re.findall(r"ref\('(\w+)'\)", path.read_text(encoding="utf-8")))
        upward = {"staging": ("int_", "fct_", "dim_", "rpt_"), "intermediate": ("fct_", "dim_", "rpt_")}
        bad = [name for name in references if name.startswith(upward.get(layer, ("nothing",)))]
        assert bad == [], path.name


def test_who_asks_which_tenant_months_moved_is_built_after_they_are_noted() -> None:
    texts = {path.stem: path.read_text(encoding="utf-8") for path in MODELS}
    reads = {name: set(re.findall(r"ref\('(\w+)'\)", text)) for name, text in texts.items()}
    # Models named in a list and read in a loop.
    reads = {name: found | (set(re.findall(r"'(\w+)'", texts[name])) & texts.keys()) for name, found in reads.items()}
    noted = "int_gen_05__tenant_months_fingerprinted"

    def above(name: str) -> set[str]:
        parents = reads.get(name, set())
        return parents.union(*(above(parent) for parent in parents))

    asking = {name for name, text in texts.items() if re.search(r"\b(where|and|forget)_moved\(", text)}
    assert len(asking) > 20
    assert [name for name in sorted(asking) if noted not in above(name)] == []
    # It stands on nothing that asks.
    assert above(noted) & asking == set()


def test_every_model_opens_with_what_it_is_and_its_grain() -> None:
    for path in MODELS:
        head = path.read_text(encoding="utf-8").split("\nwith ")[0]
        assert head.startswith("-- "), path.name
        assert "Grain:" in head, path.name


def test_nothing_names_a_place_outside_the_project() -> None:
    shared = "../" + "shared"
    for path in (p for p in PROJECT_DIR.rglob("*") if p.suffix in {".py", ".sql", ".yml", ".toml", ".md", ".lock"}):
        if any(part in {".venv", "var", "landing", ".git", "target"} for part in path.parts):
            continue
        assert shared not in path.read_text(encoding="utf-8"), path


def _in_words(text: str) -> str:
    return " ".join(text.replace("`", "").split())


def test_a_model_is_described_as_its_file_is() -> None:
    """What analysts read in the catalog and what engineers read above the SQL are the same sentences."""
    described = {
        model["name"]: model["description"]
        for path in (PROJECT_DIR / "models").rglob("*.yml")
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", ())
    }
    assert described.keys() == {path.stem for path in MODELS}
    for path in MODELS:
        lines = path.read_text(encoding="utf-8").splitlines()
        header = itertools.takewhile(lambda line: line.startswith("--"), lines)
        text = " ".join(line[2:] for line in header if not line.startswith("-- depends_on"))
        assert _in_words(described[path.stem]) == _in_words(text), path.stem


def test_the_root_holds_nothing_by_chance() -> None:
    made = {"var", "landing", "target", "logs", "dbt_packages", "landing.key.json", "__pycache__"}
    there = {path.name for path in PROJECT_DIR.iterdir() if not path.name.startswith(".")}
    assert {name for name in there - made if not name.endswith(".egg-info")} == {
        *("README.md", "CONTRIBUTING.md", "DECISIONS.md", "CHANGELOG.md", "Makefile", "pyproject.toml"),
        *("dbt_project.yml", "profiles.yml", "requirements.lock"),
        *("models", "macros", "seeds", "orchestration", "tests", "benchmarks", "docs", "deploy"),
    }


def test_no_module_needs_itself() -> None:
    """Imports go one way, those inside functions too; a circle would be raised as CycleError, with its modules."""
    assert list(graphlib.TopologicalSorter(_imports()).static_order())


def test_a_circle_of_imports_is_found() -> None:
    circle = {"a.py": {"b.py"}, "b.py": {"c.py"}, "c.py": {"a.py"}}
    with pytest.raises(graphlib.CycleError):
        graphlib.TopologicalSorter(circle).prepare()


def _imports() -> dict[str, set[str]]:
    """By module of orchestration, the modules of it that it takes names from, types for the checker alone left out."""
    modules = {
        ".".join(path.relative_to(PROJECT_DIR).with_suffix("").parts): path
        for path in (PROJECT_DIR / "orchestration").rglob("*.py")
    }
    found: dict[str, set[str]] = {}
    for module, path in modules.items():
        needed = found.setdefault(module, set())
        tree = ast.parse(path.read_text(encoding="utf-8"))
        checker_only = {
            id(inner)
            for outer in ast.walk(tree)
            if isinstance(outer, ast.If) and ast.unparse(outer.test) == "TYPE_CHECKING"
            for inner in ast.walk(outer)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module and id(node) not in checker_only:
                names = {f"{node.module}.{alias.name}" for alias in node.names}
                needed |= (names | {node.module}) & modules.keys()
    return found
