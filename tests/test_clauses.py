"""The clause register and the project hold each other: nothing computed without a clause, no clause without a home."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest

from orchestration.settings import PROJECT_DIR
from orchestration.warehouse.clause_register import clause_page, register
from tests.conftest import SampleRun

RULE_ID = re.compile(r"\b(?:GEN|PRC|KIQ|TRW|VOI|MSG|NUM|PEN|WAP|STO)[-_](\d\d)\b")
IN_NAMES = re.compile(r"(?:^|_)(gen|prc|kiq|trw|voi|msg|num|pen|wap|sto)_(\d\d)(?=_)")
# Rules that speak of what nothing computes yet or of a whole test suite, with where they are shown.
SHOWN_ELSEWHERE = {
    "GEN-02": "tests/properties/test_metamorphic.py",
    "GEN-05": "tests/fates/test_sample_fates.py",
    "GEN-09": "models/marts/invoicing/fct_invoices.sql",
    "GEN-10": "tests/fates/test_sample_fates.py",
    "WAP-07": "models/marts/usage/_usage__models.yml",
}


def _rows(name: str) -> list[dict[str, str]]:
    (path,) = (PROJECT_DIR / "seeds").glob(f"*/{name}.csv")
    with path.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


RULES = {row["clause_id"]: row for row in _rows("clauses")}
CONTRACT = _rows("contract_clauses")


@pytest.fixture(scope="module")
def manifest(sample_run: SampleRun) -> dict[str, Any]:
    text = (sample_run.settings.dbt_target_dir / "manifest.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@pytest.mark.parametrize("rule", [rule for rule, row in RULES.items() if row["kind"] != "informational"])
def test_every_rule_has_its_home_that_names_it(manifest: dict[str, Any], rule: str) -> None:
    home = RULES[rule]["computed_in"]
    if home.endswith(".sql"):
        path = PROJECT_DIR / home
        assert path.exists(), f"{rule} is computed in {home}, which is not there"
        text = path.read_text(encoding="utf-8")
    else:
        nodes = [node for node in manifest["nodes"].values() if node["name"] == home]
        assert nodes, f"{rule} is computed in {home}, which is no model or seed"
        text = nodes[0]["raw_code"] + nodes[0]["description"]
        if nodes[0]["resource_type"] == "seed":
            text += (PROJECT_DIR / nodes[0]["original_file_path"]).read_text(encoding="utf-8")
    shown = [match.replace("_", "-") for match in re.findall(r"[A-Z]{3}[-_]\d\d", _spelled_out(text))]
    assert rule in shown, f"{home} says nothing of {rule}: name it in its header"


def _spelled_out(text: str) -> str:
    """PRC-01..04 as PRC-01 PRC-02 PRC-03 PRC-04."""

    def each(match: re.Match[str]) -> str:
        family, first, last = match.group(1), int(match.group(2)), int(match.group(3))
        return " ".join(f"{family}-{number:02d}" for number in range(first, last + 1))

    return re.sub(r"([A-Z]{3})-(\d\d)(?:\.\.| to [A-Z]{3}-)(\d\d)", each, text)


@pytest.mark.parametrize("rule", [rule for rule, row in RULES.items() if row["kind"] == "rule"])
def test_every_rule_has_a_unit_test_named_by_it(manifest: dict[str, Any], rule: str) -> None:
    prefix = rule.lower().replace("-", "_") + "__"
    named = [test["name"] for test in manifest["unit_tests"].values() if test["name"].startswith(prefix)]
    elsewhere = SHOWN_ELSEWHERE.get(rule)
    assert named or elsewhere, f"write a dbt unit test {prefix}... beside {RULES[rule]['computed_in']}"
    assert elsewhere is None or (PROJECT_DIR / elsewhere).exists()


def test_every_unit_test_explains_its_arithmetic(manifest: dict[str, Any]) -> None:
    assert [t["name"] for t in manifest["unit_tests"].values() if len(t["description"]) < 10] == []


@pytest.mark.parametrize("rule", [rule for rule, row in RULES.items() if row["kind"] == "invariant"])
def test_every_invariant_is_tested(rule: str) -> None:
    path = PROJECT_DIR / SHOWN_ELSEWHERE[rule]
    assert rule in path.read_text(encoding="utf-8"), f"{path} does not name {rule}"


@pytest.mark.parametrize(
    "clause", [row for row in CONTRACT if row["kind"] == "rate"], ids=lambda row: row["contract_clause_id"]
)
def test_every_rate_has_its_dated_rows(clause: dict[str, str]) -> None:
    seed, _, key = clause["rate_seed"].partition(":")
    meter, _, price_key = key.partition("/")
    rows = _rows(seed)
    if seed == "whatsapp_card_rates":
        assert [row for row in rows if row["card_id"] == meter]
        assert [row for row in _rows("whatsapp_cards") if row["card_id"] == meter and row["published_on"]]
        return
    found = [row for row in rows if row["meter"] == meter and row["price_key"] == price_key]
    assert found, f"{seed} has no row for {key}"
    assert all(row["pricing_page_on"] and row["billing_portal_on"] and row["source"] for row in found)


def test_rules_and_contract_clauses_reach_each_other() -> None:
    reached = {rule for row in CONTRACT for rule in row["rule_ids"].split(";") if rule}
    assert reached - RULES.keys() == set()
    # Rules about records and arithmetic have no sentence of the contract behind them.
    unreached = [rule for rule in RULES.keys() - reached if RULES[rule]["section"] != "general"]
    assert [rule for rule in unreached if RULES[rule]["kind"] != "informational"] == []


def test_what_computes_nothing_says_why() -> None:
    idle = [row for row in CONTRACT if not row["rule_ids"]]
    assert [
        row["contract_clause_id"] for row in idle if row["kind"] != "informational" or len(row["reason"]) < 10
    ] == []
    assert [row["contract_clause_id"] for row in CONTRACT if row["rule_ids"] and row["kind"] == "informational"] == []


def test_every_rule_id_in_the_project_is_registered(manifest: dict[str, Any]) -> None:
    texts = [node["name"] + " " + node["description"] for node in manifest["nodes"].values()]
    texts += [test["name"] + " " + test["description"] for test in manifest["unit_tests"].values()]
    texts += [str(doc["block_contents"]) for doc in manifest["docs"].values()]
    texts += [path.read_text(encoding="utf-8") for path in Path(PROJECT_DIR, "models").rglob("*.sql")]
    texts += [path.read_text(encoding="utf-8") for path in Path(PROJECT_DIR, "macros").rglob("*.sql")]
    texts += [path.name for path in Path(PROJECT_DIR, "models").rglob("*")]
    joined = "\n".join(texts)
    found = {match.group(0).replace("_", "-") for match in RULE_ID.finditer(joined)}
    found |= {f"{family.upper()}-{number}" for family, number in IN_NAMES.findall(joined)}
    assert len(found) > 45
    assert found - RULES.keys() == set(), "add them to seeds/contract/clauses.csv or mend the id"


def test_every_invoiced_clause_is_in_force_in_its_month(sample_run: SampleRun) -> None:
    from orchestration import duck

    assert sample_run.report.release is not None
    with duck.connect(sample_run.report.release.database, sample_run.settings, read_only=True) as connection:
        lines = connection.execute(
            "select distinct lines.clause_id from marts.fct_invoice_lines as lines "
            "left join marts.dim_clauses as clauses on lines.clause_id = clauses.clause_id "
            "and lines.billing_month >= clauses.in_force_from "
            "where clauses.clause_id is null"
        ).fetchall()
    assert lines == []


def test_the_clause_page_is_what_the_register_makes(manifest: dict[str, Any]) -> None:
    made = clause_page(register(), manifest)
    committed = (PROJECT_DIR / "docs" / "clauses.md").read_text(encoding="utf-8")
    assert committed == made, "run: meterhouse docs --clauses"
