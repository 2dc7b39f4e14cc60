"""What each check expects, in words: of the suites as they are, and of dbt's data tests as the manifest has them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.ingestion.sources import SOURCES
from orchestration.quality.suites import Expectation, arriving_suites, candidate_suites
from orchestration.warehouse.unit_tests import check_name, names_by_model

SUITE_TITLES = {
    "arriving": "What arrived",
    "candidate_invoice_lines": "Invoice lines of the candidate",
    "candidate_invoices": "Invoices of the candidate",
    "candidate_record_fates": "Record fates of the candidate",
}


@dataclass(frozen=True)
class Expected:
    """What a check expects: a sentence, the SQL condition where there is one, its suite, and the relation it reads."""

    text: str
    suite: str
    relation: str
    condition: str = ""
    description: str = ""


def of_suites() -> dict[str, Expected]:
    """Expectations of the Great Expectations suites, by name."""
    found = {}
    for suite in [*arriving_suites(list(SOURCES)), *candidate_suites()]:
        title = f"Great Expectations: {SUITE_TITLES.get(suite.name, suite.name.replace('_', ' '))}"
        for expectation in suite.expectations:
            relation = expectation.subject or suite.relation
            found[expectation.name] = Expected(in_words(expectation), title, relation)
    return found


def in_words(expectation: Expectation) -> str:
    """What one expectation of a suite expects, as a sentence."""
    if expectation.expected:
        return expectation.expected
    column = expectation.arguments.get("column")
    if expectation.kind == "ExpectTableRowCountToBeBetween":
        least = expectation.arguments["min_value"]
        return "There is at least one row." if least == 1 else f"There are at least {least} rows."
    if expectation.kind == "ExpectColumnValuesToNotBeNull":
        return f"Every row has {column}."
    if expectation.kind == "ExpectColumnValuesToBeUnique":
        return f"No two rows have the same {column}."
    return name_in_words(expectation.name)


def of_dbt_tests(manifest: dict[str, Any]) -> dict[str, Expected]:
    """dbt's data tests, by name; `manifest` is manifest.json as read."""
    nodes = manifest["nodes"]
    found = {}
    for node in nodes.values():
        if node["resource_type"] != "test":
            continue
        attached = nodes.get(str(node.get("attached_node")))
        text, condition = _test_in_words(node)
        found[node["name"]] = Expected(
            text,
            f"dbt tests: {_layer(attached)}",
            f"{attached['schema']}.{attached['name']}" if attached else "",
            condition,
            " ".join((node.get("description") or "").split()),
        )
    return found


def of_unit_tests(manifest: dict[str, Any]) -> dict[str, Expected]:
    """The check of each model's dbt unit tests, by name."""
    models = {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}
    found = {}
    for model, tests in names_by_model(manifest).items():
        names = sorted(tests.values())
        node = models.get(model)
        relation = f"{node['schema']}.{model}" if node else model
        text = f"The model returns what its {len(names)} worked example{'s expect' if names[1:] else ' expects'}."
        described = ", ".join(names)
        found[check_name(model)] = Expected(text, "dbt unit tests", relation, "", described)
    return found


def _layer(node: dict[str, Any] | None) -> str:
    if node is None:
        return "several models"
    if node["resource_type"] == "seed":
        return "seeds"
    parts = Path(node["path"]).parts
    return str(parts[1] if parts[0] == "intermediate" and len(parts) > 2 else parts[0])


def _test_in_words(node: dict[str, Any]) -> tuple[str, str]:
    """A sentence, and the condition in SQL where the test has one."""
    metadata = node.get("test_metadata") or {"name": "", "kwargs": {}}
    said, column = metadata["kwargs"], node.get("column_name")
    match metadata["name"]:
        case "not_null":
            return f"Every row has {column}.", ""
        case "unique":
            return f"No two rows have the same {column}.", ""
        case "unique_combination":
            columns = said["columns"]
            return f"No two rows have the same {_listed(columns)}{' together' if columns[1:] else ''}.", ""
        case "accepted_values":
            return f"Every {column} is one of {', '.join(map(str, said['values']))}.", ""
        case "relationships":
            return f"Every {column} exists in {_reference(said['to'])}.", ""
        case "intervals_do_not_overlap":
            return (
                f"Among rows with the same {_listed(said['keys'])}, no {said['ends']} is after the next row's "
                f"{said['starts']}.",
                "",
            )
        case "published_once":
            text = f"No two rows with the same {_listed(said['keys'])} are published on the same day."
            return text, f"where {said['only']}"
        case "rounded_to_minor_unit":
            text = f"{said['billed']} is {said['rated']} rounded once to the smallest unit of {said['currency']}."
            return text, f"where {said['only']}"
        case "closed_plus_corrections_is_recomputed":
            return (
                "For every tenant, usage month, meter and currency, what has been and is being invoiced adds up to "
                "the recomputed amount of the usage.",
                "",
            )
        case "adds_up":
            text = (
                f"Per {said['per']}, {said['amount']} adds up to {said['to_amount']} of {_reference(said['to'])} "
                f"where {said['to_only']}."
            )
            return text, f"where {said['only']}"
        case "expression_holds":
            named = f"expression_holds_{str(node.get('attached_node')).rsplit('.', 1)[-1]}"
            text = "True for every row" if node["name"].startswith(named) else name_in_words(node["name"])
            return f"{text.rstrip('.')}.", " ".join(said["expression"].split())
    return name_in_words(node["name"]), ""


def name_in_words(name: str) -> str:
    """A check's name as a sentence, its clause left off: `gen_07__rated_is_...` as `Rated is ...`."""
    text = (name.split("__", 1)[1] if "__" in name[:12] else name).replace("_", " ").strip()
    return f"{text[:1].upper()}{text[1:]}."


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _reference(text: str) -> str:
    return str(text).removeprefix("ref('").removesuffix("')")
