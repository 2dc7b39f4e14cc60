"""docs/clauses.md: every clause of the contract, its rules, their models and tests, and an example.

Reads the two register seeds and dbt's manifest; decides nothing, writes one page.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import Any

from orchestration.settings import PROJECT_DIR


@dataclass(frozen=True)
class Register:
    """Rows of seeds/contract: rules by id, and the contract's clauses in order."""

    rules: dict[str, dict[str, str]]
    clauses: list[dict[str, str]]


def register() -> Register:
    def rows(name: str) -> list[dict[str, str]]:
        with (PROJECT_DIR / "seeds" / "contract" / f"{name}.csv").open(encoding="utf-8", newline="") as text:
            return list(csv.DictReader(text))

    return Register({row["clause_id"]: row for row in rows("clauses")}, rows("contract_clauses"))


def clause_page(found: Register, manifest: dict[str, Any]) -> str:
    """The page as Markdown, the same for the same register and project."""
    homes = {node["name"]: node["original_file_path"] for node in manifest["nodes"].values()}
    tests: dict[str, list[dict[str, Any]]] = {}
    for test in sorted(manifest["unit_tests"].values(), key=lambda test: str(test["name"])):
        tests.setdefault(test["name"][:6].upper().replace("_", "-"), []).append(test)
    lines = [
        "# Clauses",
        "",
        "Made from the register in `seeds/contract` by `meterhouse docs --clauses`; a test keeps it true.",
        "",
        "## What the contract says, and which rules compute it",
        "",
        "| Clause | Kind | In our words | Rules |",
        "| --- | --- | --- | --- |",
    ]
    for clause in found.clauses:
        rules = ", ".join(f"[{rule}](#{rule.lower()})" for rule in clause["rule_ids"].split(";") if rule)
        lines.append(
            f"| {clause['contract_clause_id']} | {clause['kind']} | {clause['paraphrase']} "
            f"| {rules or 'nothing: ' + clause['reason']} |"
        )
    lines += ["", "## Rules"]
    for rule, row in found.rules.items():
        if row["kind"] == "informational":
            continue
        home = row["computed_in"]
        path = home if home.endswith(".sql") else homes.get(home, home)
        lines += ["", f"### {rule}", "", f"{row['paraphrase']} ({row['kind']}; terms: {row['section']})", ""]
        lines.append(f"Computed in [{home}](../{path}).")
        for test in tests.get(rule, []):
            said = " ".join(str(test["description"]).split())
            lines += ["", f"- `{test['name']}`: {said}"] if test is tests[rule][0] else [f"- `{test['name']}`: {said}"]
    return "\n".join(lines) + "\n"
