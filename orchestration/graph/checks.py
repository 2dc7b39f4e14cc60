"""Asset checks: every check of the verdict on the asset it concerns, and what of a failure may be shown.

Blocking means what the verdict means by it: a candidate with one failed check is not published, whatever
was selected in the UI.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import dagster as dg

from orchestration.graph.keys import RAW_KEYS, VERDICT_KEY, key_of
from orchestration.ingestion.sources import SOURCES
from orchestration.quality.suites import arriving_suites, candidate_suites
from orchestration.quality.verdict import Check, Verdict
from orchestration.quality_page import expected
from orchestration.warehouse.unit_tests import check_name, names_by_model


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
                description=f"{expected.in_words(e)} When it fails: {e.remedy}",
            )
            for e in suite.expectations
        ]
    for suite in arriving_suites(list(SOURCES)):
        specs += [
            dg.AssetCheckSpec(
                e.name,
                asset=RAW_KEYS[e.subject.removeprefix("raw.")],
                blocking=True,
                description=f"{expected.in_words(e)} When it fails: {e.remedy}",
            )
            for e in suite.expectations
        ]
    return specs


def _dbt_tests(manifest: dict[str, Any]) -> Iterator[dg.AssetCheckSpec]:
    in_words = expected.of_dbt_tests(manifest)
    for node in manifest["nodes"].values():
        if node["resource_type"] != "test":
            continue
        # One that is attached to nothing speaks of the candidate as a whole.
        attached = node.get("attached_node")
        key = key_of(attached, manifest) if attached in manifest["nodes"] else VERDICT_KEY
        read = [dep.rsplit(".", 1)[-1] for dep in node["depends_on"]["nodes"] if dep != attached]
        told = " ".join([in_words[node["name"]].text, *(node["description"] or "").split()])
        if read:
            told += f" Also reads {', '.join(sorted(read))}."
        yield dg.AssetCheckSpec(
            node["name"], asset=key or VERDICT_KEY, blocking=True, description=told, metadata={"kind": _kind(node)}
        )


def _kind(node: dict[str, Any]) -> str:
    found: str = (node.get("test_metadata") or {}).get("name") or "singular"
    column = node.get("column_name")
    return f"{found} of {column}" if column else found


def _unit_tests(manifest: dict[str, Any]) -> Iterator[dg.AssetCheckSpec]:
    models = {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}
    for model, tests in names_by_model(manifest).items():
        node = models[model]
        yield dg.AssetCheckSpec(
            check_name(model),
            asset=dg.AssetKey([node["schema"], model]),
            blocking=True,
            description=f"dbt unit tests, run once per state of the project: {', '.join(sorted(tests.values()))}.",
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


def evaluations(verdict: Verdict, specs: list[dg.AssetCheckSpec]) -> Iterator[Evaluation]:
    """What the verdict says, check by check; one it does not name has not been passed."""
    by_name = {check.name: check for check in verdict.checks}
    for spec in specs:
        check = by_name.get(spec.name)
        if check is None and spec.name.startswith("arriving_"):
            yield _evaluation(spec, True, {"observed": "nothing from this source has arrived yet"})
        elif check is None:
            metadata = {"observed": "not evaluated", "remedy": "Run again: this check was not judged."}
            yield _evaluation(spec, False, metadata)
        else:
            yield _evaluation(spec, check.passed, _check_metadata(check))


def _evaluation(spec: dg.AssetCheckSpec, passed: bool, metadata: dict[str, Any]) -> Evaluation:
    return Evaluation(spec.key, passed, {name: dg.MetadataValue.text(str(value)) for name, value in metadata.items()})


def _check_metadata(check: Check) -> dict[str, Any]:
    if check.passed:
        return {"observed": check.observed or "as expected", "judged_by": check.kind}
    return {
        "observed": check.observed or "failed",
        "failing_rows": "\n".join(check.failing_keys) or "cannot be named",
        "remedy": check.remedy,
        "judged_by": check.kind,
    }
