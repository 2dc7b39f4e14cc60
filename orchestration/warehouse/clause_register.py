"""The clause register as a page: each clause of the contract, the rules that compute it, and how they are tested.

Reads the two seeds of seeds/contract and a parsed dbt manifest; judges nothing (tests/test_clauses.py does).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAGE = Path("docs/clauses.md")
TITLES = {
    "A": "Assistants and translation",
    "B": "Voice",
    "C": "WhatsApp",
    "D": "Services of other providers",
    "E": "Programming interfaces and chat kit",
    "F": "Storage",
}
_TABLE = "| Clause | Kind | In our words | Computed by |\n| --- | --- | --- | --- |"
_HEAD = """# Clauses

Made by `meterhouse docs --clauses` from `seeds/contract/` and the dbt project; edit those, not this page.
First the contract (Supplemental Terms of 1 November 2024), clause by clause and in our words; then the
rules that compute it.
"""


@dataclass(frozen=True)
class Rule:
    """A row of the rule register."""

    rule_id: str
    section: str
    kind: str
    paraphrase: str
    computed_in: str
    in_force_from: str

    @property
    def test_prefix(self) -> str:
        """What names of tests of this rule start with."""
        return self.rule_id.lower().replace("-", "_") + "__"

    @property
    def sections(self) -> frozenset[str]:
        return frozenset(self.section.split(", "))


@dataclass(frozen=True)
class ContractClause:
    """One statement of the contract."""

    clause_id: str
    section: str
    kind: str
    paraphrase: str
    rule_ids: tuple[str, ...]
    rate_seeds: tuple[str, ...]
    reason: str


def read_seed(project_dir: Path, name: str) -> list[dict[str, str]]:
    """Rows of a seed by its name, as text."""
    (path,) = (project_dir / "seeds").rglob(f"{name}.csv")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_rules(project_dir: Path) -> list[Rule]:
    """The rule register, in its own order."""
    names = ("clause_id", "section", "kind", "paraphrase", "computed_in", "in_force_from")
    return [Rule(*(row[name] for name in names)) for row in read_seed(project_dir, "clauses")]


def read_contract(project_dir: Path) -> list[ContractClause]:
    """The contract's clauses, in the contract's order."""
    return [
        ContractClause(
            row["contract_clause_id"],
            row["section"],
            row["kind"],
            row["paraphrase"],
            _listed(row["rule_ids"]),
            _listed(row["rate_seed"]),
            row["reason"],
        )
        for row in read_seed(project_dir, "contract_clauses")
    ]


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split(";")) if text else ()


def nodes_named(manifest: Any, name: str) -> list[Any]:
    """Models and seeds of that name; at most one."""
    return [n for n in manifest.nodes.values() if n.name == name and str(n.resource_type) in ("model", "seed")]


def home_path(manifest: Any, rule: Rule) -> str:
    """Path of the model, seed or macro that computes a rule, from the project's folder."""
    if "/" in rule.computed_in:
        return rule.computed_in
    (node,) = nodes_named(manifest, rule.computed_in)
    return str(node.original_file_path)


def unit_tests_of(manifest: Any, rule: Rule) -> list[Any]:
    """dbt unit tests named by a rule, by name."""
    return sorted(
        (test for test in manifest.unit_tests.values() if test.name.startswith(rule.test_prefix)),
        key=lambda test: str(test.name),
    )


def data_tests_of(manifest: Any, rule: Rule) -> list[Any]:
    """dbt data tests named by a rule or described with its id, by name."""
    return sorted(
        (
            node
            for node in manifest.nodes.values()
            if str(node.resource_type) == "test"
            and (node.name.startswith(rule.test_prefix) or rule.rule_id in (node.description or ""))
        ),
        key=lambda node: str(node.name),
    )


def render(project_dir: Path, manifest: Any) -> str:
    """The whole page."""
    rules, contract = read_rules(project_dir), read_contract(project_dir)
    parts = [_HEAD]
    for letter, title in TITLES.items():
        parts.append(f"## {letter}: {title}\n\n{_TABLE}")
        parts += [_clause_row(clause) for clause in contract if clause.section[0] == letter]
        parts.append("")
    parts.append("## Rules\n")
    parts += [_rule_text(manifest, rule, contract) for rule in rules]
    return "\n".join(parts).rstrip() + "\n"


def _clause_row(clause: ContractClause) -> str:
    computed = [f"[{rule_id}](#{rule_id.lower()})" for rule_id in clause.rule_ids]
    computed += [f"`{seed}`" for seed in clause.rate_seeds]
    by = ", ".join(computed) or f"Nothing. {clause.reason}"
    return f"| {clause.clause_id} | {clause.kind} | {clause.paraphrase} | {by} |"


def _rule_text(manifest: Any, rule: Rule, contract: Iterable[ContractClause]) -> str:
    path = home_path(manifest, rule)
    clauses = ", ".join(clause.clause_id for clause in contract if rule.rule_id in clause.rule_ids)
    units, data = unit_tests_of(manifest, rule), data_tests_of(manifest, rule)
    lines = [
        f"### {rule.rule_id}\n\n{rule.paraphrase}\n",
        f"- Kind: {rule.kind}. Clauses: {clauses or 'none; it holds for all of them'}.",
        f"- Computed in [{Path(path).stem}](../{path}).",
    ]
    for file in sorted({str(test.original_file_path) for test in units}):
        names = ", ".join(f"`{test.name}`" for test in units if test.original_file_path == file)
        lines.append(f"- Unit tests in [{Path(file).stem}](../{file}): {names}.")
    if data:
        lines.append("- Data tests: " + ", ".join(f"`{node.name}`" for node in data) + ".")
    if units:
        shown = _example(units)
        lines.append(f"- Example (`{shown.name}`): {_one_line(shown.description)}")
    return "\n".join(lines) + "\n"


def _example(tests: list[Any]) -> Any:
    """The first test whose description shows arithmetic, else one with a figure, else any."""
    for shown in (r"\d.*=.*\d", r"\d", r""):
        for test in tests:
            if re.search(shown, _one_line(test.description)):
                return test
    raise ValueError("no test to take an example from")


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())


def write_page(project_dir: Path, manifest: Any) -> Path:
    """Write docs/clauses.md; returns its path."""
    path = project_dir / PAGE
    path.write_text(render(project_dir, manifest), encoding="utf-8")
    return path
