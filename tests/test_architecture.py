"""The tree keeps its promises: one home per dangerous thing, layers go down, nothing points outside."""

from __future__ import annotations

import ast
import graphlib
import itertools
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from orchestration.settings import PROJECT_DIR, Settings
from orchestration.warehouse.dbt_build import project_of

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


# In order: a folder reads those before it. Within metering, which tenant an account has and what use shows of tenants
# depend on each other's models, so its folders are subjects, not layers.
FOLDERS = ("staging", "metering", "rating", "quality", "invoicing", "marts")
# What the contract says, which decides what counts as well as what it costs.
TERMS = {
    *("int_gen_06__order_terms", "int_gen_06__order_prices", "int_gen_06__settings_effective"),
    *("int_prc_01__updates_effective", "int_prc_02__card_prices_chosen", "int_wap_05__pool_sizes_effective"),
    *("int_prc_04__plan_contents_effective", "int_prc_04__storage_blocks_effective"),
    *("int_prc_04__storage_limits_effective", "int_gen_08__tenant_currencies", "int_gen_08__currencies_invoiced"),
}
# Usage that rating has summed, and what judges it.
USAGE = {"int_gen_06__usage_to_price", "int_gen_05__event_usage_aggregated"}
JUDGING_USE = {
    *("int_gen_01__tenant_months_evident", "int_gen_03__use_outside_plan"),
    *("int_gen_11__use_while_suspended", "int_gen_11__voice_outliers"),
}


def test_folders_read_those_before_them_and_metering_the_terms_too(settings: Settings) -> None:
    """By the manifest, which knows what models read through macros."""
    models = {node.unique_id: node for node in project_of(settings).of_kind("model")}

    def place(unique_id: str) -> int:
        first, second = models[unique_id].raw["fqn"][1:3]
        return FOLDERS.index(second if first == "intermediate" else first)

    upward = {
        (models[parent].name, node.name, FOLDERS[place(parent)], FOLDERS[place(node.unique_id)])
        for node in models.values()
        for parent in node.parents
        if parent in models and place(parent) > place(node.unique_id)
    }
    assert {(read, by) for _, _, read, by in upward} == {("rating", "metering")}
    assert {read for read, *_ in upward} == TERMS | USAGE
    assert {by for read, by, *_ in upward if read in USAGE} == JUDGING_USE


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


def _columns() -> list[tuple[str, str, str]]:
    """Model or seed, column and how it is described, of every column."""
    files = [path for part in ("models", "seeds") for path in (PROJECT_DIR / part).rglob("*.yml")]
    found = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in files]
    described = [node for content in found for kind in ("models", "seeds") for node in content.get(kind, ())]
    return [(n["name"], c["name"], c.get("description", "")) for n in described for c in n.get("columns", ())]


def _column_texts() -> dict[str, str]:
    text = (PROJECT_DIR / "models/columns.md").read_text(encoding="utf-8")
    return dict(re.findall(r"{% docs col_(\w+) %}\n(.*?)\n{% enddocs %}", text, re.DOTALL))


def test_a_column_has_the_text_of_its_name_or_one_of_its_own() -> None:
    """`{{ doc("col_status") }}`, after it what holds in this table only, or `{{ doc("col_status__fct_invoices") }}`."""
    used = set()
    for model, column, description in _columns():
        if column not in _column_texts() and f"{column}__{model}" not in _column_texts():
            assert "doc(" not in description, (model, column)
            continue
        found = re.match(r'{{ doc\("col_(\w+)"\) }}(?: .+|)$', description)
        assert found, (model, column, description)
        assert found[1] in (column, f"{column}__{model}"), (model, column)
        used.add(found[1])
    assert used == _column_texts().keys()


def test_a_text_that_tables_share_tells_of_none_of_them() -> None:
    """What it said of another table would be read as if it held here."""
    shared = [column for column, many in Counter(column for _, column, _ in _columns()).items() if many > 1]
    for column in shared:
        text = _column_texts().get(column, "")
        assert not re.search(r"\b(fct|rpt|int|stg)_\w+", text), column
        assert not re.search(
            r"\bIn the seed\b|\bFor an? (payment|fine|invoice|tenant|record)\b|\bin usage marts\b", text
        ), column


def test_every_mart_tells_which_month_its_billing_month_is() -> None:
    marts = {path.stem for path in (PROJECT_DIR / "models/marts").rglob("*.sql")} - {"dim_billing_months"}
    told = {model: text for model, column, text in _columns() if column == "billing_month" and model in marts}
    assert len(told) > 15
    assert [model for model, text in told.items() if text == '{{ doc("col_billing_month") }}'] == []


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
