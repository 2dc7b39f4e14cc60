"""Asset checks: every check of the verdict on the asset it concerns, and what of a failure may be shown.

Blocking means what the verdict means by it: a candidate with one failed check is not published, whatever
was selected in the UI.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb

from orchestration import duck
from orchestration.graph.keys import RAW_KEYS, VERDICT_KEY, key_of
from orchestration.ingestion.sources import SOURCES
from orchestration.quality.suites import arriving_suites, candidate_suites
from orchestration.quality.verdict import Check, Verdict
from orchestration.settings import Settings
from orchestration.warehouse.unit_tests import check_name

SHOWN_ROWS = 10
# Columns that identify a row without telling of a person: ids, months, kinds. Phone numbers, names and texts
# stay in, and so do ids and keys that are made of them or name an end customer.
_KEY_COLUMN = re.compile(
    r"^(.*_id|.*_sid|price_key|.*_month|source|meter|field|finding|fate|currency_code|load_batch|row_number)$"
)
_PERSONAL = {"recipient_id", "user_id", "customer_id"}
# What dbt's own tests call the value of the column they judge.
_JUDGED = {"unique_field", "from_field", "value_field"}


def check_specs(manifest: dict[str, Any]) -> list[dg.AssetCheckSpec]:
    """One for each dbt data test, each model's unit tests, and each expectation."""
    specs = [*_dbt_tests(manifest), *_unit_tests(manifest)]
    for suite in candidate_suites():
        schema, name = suite.relation.split(".")
        specs += [
            dg.AssetCheckSpec(
                e.name,
                asset=dg.AssetKey([schema, name]),
                blocking=True,
                description=f"Great Expectations, {e.kind}. When it fails: {e.remedy}",
            )
            for e in suite.expectations
        ]
    for suite in arriving_suites(list(SOURCES)):
        specs += [
            dg.AssetCheckSpec(
                e.name,
                asset=RAW_KEYS[e.subject.removeprefix("raw.")],
                blocking=True,
                description=f"Great Expectations, on what was measured of each batch. When it fails: {e.remedy}",
            )
            for e in suite.expectations
        ]
    return specs


def _dbt_tests(manifest: dict[str, Any]) -> Iterator[dg.AssetCheckSpec]:
    for node in manifest["nodes"].values():
        if node["resource_type"] != "test":
            continue
        # One that is attached to nothing speaks of the candidate as a whole.
        attached = node.get("attached_node")
        key = key_of(attached, manifest) if attached in manifest["nodes"] else VERDICT_KEY
        read = [dep.rsplit(".", 1)[-1] for dep in node["depends_on"]["nodes"] if dep != attached]
        told = " ".join((node["description"] or "").split()) or f"dbt test {_kind(node)}."
        if read:
            told += f" Reads {', '.join(sorted(read))} as well."
        yield dg.AssetCheckSpec(
            node["name"], asset=key or VERDICT_KEY, blocking=True, description=told, metadata={"kind": _kind(node)}
        )


def _kind(node: dict[str, Any]) -> str:
    found: str = (node.get("test_metadata") or {}).get("name") or "singular"
    column = node.get("column_name")
    return f"{found} of {column}" if column else found


def _unit_tests(manifest: dict[str, Any]) -> Iterator[dg.AssetCheckSpec]:
    names = defaultdict(list)
    for test in manifest["unit_tests"].values():
        names[test["model"]].append(test["name"])
    models = {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}
    for model, tests in sorted(names.items()):
        node = models[model]
        yield dg.AssetCheckSpec(
            check_name(model),
            asset=dg.AssetKey([node["schema"], model]),
            blocking=True,
            description="dbt unit tests, run once for each state of the project: " + ", ".join(sorted(tests)) + ".",
            metadata={"kind": "unit tests", "unit_tests": len(tests)},
        )


@dataclass(frozen=True)
class Evaluation:
    """What the verdict says of one check: as the result of a check that is run, or as an event of any other."""

    key: dg.AssetCheckKey
    passed: bool
    metadata: dict[str, dg.MetadataValue]

    @property
    def result(self) -> dg.AssetCheckResult:
        return dg.AssetCheckResult(
            passed=self.passed, asset_key=self.key.asset_key, check_name=self.key.name, metadata=self.metadata
        )

    @property
    def event(self) -> dg.AssetCheckEvaluation:
        return dg.AssetCheckEvaluation(
            asset_key=self.key.asset_key, check_name=self.key.name, passed=self.passed, metadata=self.metadata
        )


def evaluations(
    settings: Settings, verdict: Verdict, specs: list[dg.AssetCheckSpec], manifest: dict[str, Any]
) -> Iterator[Evaluation]:
    """What the verdict says, check by check; one it does not name has not been passed."""
    by_name = {check.name: check for check in verdict.checks}
    keys = _failing_keys(settings, manifest, verdict.failed)
    for spec in specs:
        check = by_name.get(spec.name)
        if check is None and spec.name.startswith("arriving_"):
            yield _evaluation(spec, True, {"observed": "nothing of this source ever arrived"})
        elif check is None:
            yield _evaluation(spec, False, {"observed": "not evaluated", "remedy": "Run again: it was not judged."})
        else:
            yield _evaluation(spec, check.passed, _told(check, keys.get(check.name)))


def _evaluation(spec: dg.AssetCheckSpec, passed: bool, told: dict[str, Any]) -> Evaluation:
    return Evaluation(spec.key, passed, {name: dg.MetadataValue.text(str(value)) for name, value in told.items()})


def _told(check: Check, keys: list[str] | None) -> dict[str, Any]:
    if check.passed:
        return {"observed": check.observed or "as expected", "judged_by": check.kind}
    return {
        "observed": check.observed or "failed",
        "failing_rows": "\n".join([*check.failing_keys, *(keys or [])]) or "none can be named",
        "remedy": check.remedy,
        "judged_by": check.kind,
    }


def _failing_keys(settings: Settings, manifest: dict[str, Any], failed: list[Check]) -> dict[str, list[str]]:
    """Keys of the first rows a failed dbt test finds, by test name: key columns alone, so no personal data."""
    tests = {n["name"]: n for n in manifest["nodes"].values() if n["resource_type"] == "test"}
    wanted = [tests[check.name] for check in failed if check.kind == "dbt" and check.name in tests]
    if not wanted:
        return {}
    found = {}
    with duck.connect(settings.warehouse_path, settings, read_only=True) as connection:
        for node in wanted:
            path = settings.dbt_target_dir / _compiled(node)
            try:
                judged = _tells_no_person(node.get("column_name") or "")
                found[node["name"]] = _keys_of(connection, path.read_text(encoding="utf-8"), judged)
            except (OSError, duckdb.Error):
                found[node["name"]] = []
    return found


def _compiled(node: dict[str, Any]) -> Path:
    """Where a test's query lies under dbt's target folder."""
    path = Path("compiled") / node["package_name"] / node["original_file_path"]
    return path / node["path"] if "test_metadata" in node else path


def _tells_no_person(column: str) -> bool:
    return bool(_KEY_COLUMN.match(column)) and column not in _PERSONAL


def _keys_of(connection: duckdb.DuckDBPyConnection, query: str, judged: bool) -> list[str]:
    """Key columns of the rows a query finds; the judged column's value as well where it is one of them."""
    columns = [name for name, *_ in connection.execute(f"describe ({query})").fetchall()]
    keys = [name for name in columns if _tells_no_person(name) or (judged and name in _JUDGED)]
    if not keys:
        return []
    listed = ", ".join(f'"{name}"' for name in keys)
    rows = connection.execute(f"select distinct {listed} from ({query}) order by all limit {SHOWN_ROWS}").fetchall()
    return [", ".join(f"{name} {value}" for name, value in zip(keys, row, strict=True)) for row in rows]
