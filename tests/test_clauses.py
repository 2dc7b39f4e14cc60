"""The clause register closes both ways: no rule without a home and a test, no id that the register does not know."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from orchestration.settings import PROJECT_DIR, Settings
from orchestration.warehouse.clause_register import (
    PAGE,
    ContractClause,
    Rule,
    data_tests_of,
    home_path,
    nodes_named,
    read_contract,
    read_rules,
    read_seed,
    render,
    unit_tests_of,
)
from orchestration.warehouse.dbt_build import parse_manifest
from tests.conftest import SampleRun

RULES = {rule.rule_id: rule for rule in read_rules(PROJECT_DIR)}
CONTRACT = read_contract(PROJECT_DIR)
REGISTER = "seeds/contract/clauses.csv"
CLAUSES = "seeds/contract/contract_clauses.csv"
SECTIONS = [
    *("A.1.1", "A.2.1", "A.2.2", "A.2.3", "A.3.1", "A.3.2", "A.3.3"),
    *("B.1", "B.2", "B.3(a)", "B.3(b)", "B.3(c)", "B.3(d)", "B.3(e)", "B.3(f)", "B.4", "B.5", "B.6", "B.7"),
    *("C", "C.1", "C.2", "C.3.1", "C.3.2", "D", "D.1", "D.2", "E", "F"),
]
RULE_ID = re.compile(r"\b([A-Z]{3})-(\d{2})(?:\.\.(\d{2}))?\b")
# Seeds that hold figures: what identifies a row, and the days it was published. A card's rates
# have the day of their card.
RATE_SEEDS = {
    "price_updates": (("meter", "price_key"), ("pricing_page_on", "billing_portal_on")),
    "whatsapp_cards": (("card_id",), ("published_on",)),
    "whatsapp_card_rates": (("card_id", "market", "category"), ()),
    "plan_whatsapp_pools": (("plan_id",), ("pricing_page_on", "billing_portal_on")),
    "plan_storage_limits": (("plan_id", "meter"), ("published_on",)),
    "storage_blocks": (("meter",), ("published_on",)),
}


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("clauses")
    return parse_manifest(Settings(home=folder / "var", landing=folder / "landing"))


def _ids_in(text: str) -> set[str]:
    """Rule ids in a text; PRC-01..04 is four of them."""
    found = set()
    for group, first, last in RULE_ID.findall(text):
        found |= {f"{group}-{number:02}" for number in range(int(first), int(last or first) + 1)}
    return found


def _described(node: Any) -> str:
    return "\n".join([node.description, *(column.description for column in node.columns.values())])


def _home_text(manifest: Any, rule: Rule) -> str:
    """What the home of a rule says of itself: a macro's file, or description, columns and SQL header."""
    if "/" in rule.computed_in:
        return (PROJECT_DIR / rule.computed_in).read_text(encoding="utf-8")
    (node,) = nodes_named(manifest, rule.computed_in)
    return _described(node) + "\n" + node.raw_code.split("\nwith ")[0]


def _has_home(manifest: Any, rule: Rule) -> bool:
    if "/" in rule.computed_in:
        return (PROJECT_DIR / rule.computed_in).is_file()
    return len(nodes_named(manifest, rule.computed_in)) == 1


def _python_tests_of(rule: Rule) -> set[str]:
    """Python test functions named by a rule: test_gen_05__..."""
    files = (PROJECT_DIR / "tests").rglob("test_*.py")
    pattern = rf"^def (test_{rule.test_prefix}\w+)\("
    return {name for path in files for name in re.findall(pattern, path.read_text(encoding="utf-8"), re.MULTILINE)}


def _rate_rows(reference: str) -> list[tuple[dict[str, str], tuple[str, ...]]]:
    """Rows a `seed:key` stands for, with their days; a shorter key stands for all rows that begin with it."""
    seed, _, key = reference.partition(":")
    if seed not in RATE_SEEDS:
        return []
    keys, days = RATE_SEEDS[seed]
    wanted = key.split("/") if key else []
    rows = read_seed(PROJECT_DIR, seed)
    return [(row, days) for row in rows if [row[name] for name in keys][: len(wanted)] == wanted]


def _row_name(row: dict[str, str]) -> str:
    return "/".join(row.values())


def _contract_of(rule: Rule) -> list[ContractClause]:
    return [clause for clause in CONTRACT if rule.rule_id in clause.rule_ids]


# From the register to the project


def test_every_rule_has_a_model_or_a_macro(manifest: Any) -> None:
    missing = [f"{r.rule_id}: {r.computed_in!r}" for r in RULES.values() if not _has_home(manifest, r)]
    assert not missing, f"{REGISTER}: set computed_in to a model, a seed or a file under macros/: {missing}"


def test_the_home_of_every_rule_names_it(manifest: Any) -> None:
    homed = [rule for rule in RULES.values() if _has_home(manifest, rule)]
    silent = [r for r in homed if r.rule_id not in _ids_in(_home_text(manifest, r))]
    named = [f"{rule.rule_id} in {home_path(manifest, rule)}" for rule in silent]
    assert not silent, f"name the rule in the description, a column or the SQL header: {named}"


def test_every_rule_and_rate_has_a_test_named_by_it(manifest: Any) -> None:
    tested = {r.rule_id for r in RULES.values() if unit_tests_of(manifest, r) or _python_tests_of(r)}
    untested = [r.rule_id for r in RULES.values() if r.kind in ("rule", "rate") and r.rule_id not in tested]
    assert not untested, f"write a dbt unit test beside the model, named like gen_02__...: {untested}"


def test_every_invariant_has_a_data_test(manifest: Any) -> None:
    invariants = [rule for rule in RULES.values() if rule.kind == "invariant"]
    unguarded = [r.rule_id for r in invariants if not data_tests_of(manifest, r) and not _python_tests_of(r)]
    assert not unguarded, f"name a data test by the rule, or write its id into the test's description: {unguarded}"
    assert invariants, f"{REGISTER}: no rule is an invariant any more; GEN-05 and WAP-07 were"


def test_every_rule_is_reached_from_the_contract() -> None:
    lost = [r.rule_id for r in RULES.values() if r.section != "general" and not _contract_of(r)]
    assert not lost, f"{CLAUSES}: add the rule to rule_ids of its clause, or give it the section general: {lost}"


def test_the_sections_of_a_rule_are_those_of_its_clauses() -> None:
    for rule in (rule for rule in RULES.values() if rule.section != "general"):
        reached = {clause.section for clause in _contract_of(rule)}
        assert rule.sections == reached, f"{rule.rule_id}: {REGISTER} says {rule.section}, {CLAUSES} says {reached}"


# From the project to the register


def test_every_rule_id_in_a_file_name_is_registered() -> None:
    files = [path for folder in ("models", "macros") for path in (PROJECT_DIR / folder).rglob("*") if path.is_file()]
    unknown = [
        path.name
        for path in files
        for group, number in re.findall(r"(?<![a-z0-9])([a-z]{3})_(\d{2})(?=_)", path.stem)
        if f"{group}-{number}".upper() not in RULES
    ]
    assert not unknown, f"register the rule in {REGISTER} or rename the file: {unknown}"


def test_every_unit_test_is_named_by_a_registered_rule(manifest: Any) -> None:
    names = [test.name for test in manifest.unit_tests.values()]
    unknown = [name for name in names if not name.startswith(tuple(rule.test_prefix for rule in RULES.values()))]
    assert not unknown, f"start the name with a rule id of {REGISTER}, like gen_02__: {unknown}"


def test_every_rule_id_in_a_description_is_registered(manifest: Any) -> None:
    described = [
        (node.name, _described(node))
        for node in manifest.nodes.values()
        if str(node.resource_type) in ("model", "seed", "test")
    ]
    unknown = [f"{name}: {rule_id}" for name, text in described for rule_id in _ids_in(text) - RULES.keys()]
    assert not unknown, f"register the rule in {REGISTER} or correct the description: {unknown}"


def test_every_rule_id_in_sql_is_registered() -> None:
    files = [path for folder in ("models", "macros") for path in (PROJECT_DIR / folder).rglob("*.sql")]
    unknown = [
        f"{path.name}: {rule_id}" for path in files for rule_id in _ids_in(path.read_text("utf-8")) - RULES.keys()
    ]
    assert not unknown, f"register the rule in {REGISTER} or correct the SQL: {unknown}"


def test_every_clause_id_of_a_seed_is_registered() -> None:
    unknown = [
        f"{path.name}: {row['clause_id']!r}"
        for path in (PROJECT_DIR / "seeds").rglob("*.csv")
        for row in read_seed(PROJECT_DIR, path.stem)
        if "clause_id" in row and row["clause_id"] not in RULES
    ]
    assert not unknown, f"register the rule in {REGISTER} or correct the seed: {unknown}"


def test_every_invoiced_clause_is_registered_and_in_force_in_its_month(sample_run: SampleRun) -> None:
    from orchestration.publishing.analyst_sql import open_release, run_query

    query = """
    select distinct lines.clause_id, lines.billing_month from fct_invoice_lines as lines
    left join dim_clauses as clauses
        on lines.clause_id = clauses.clause_id and lines.billing_month >= clauses.in_force_from
    where clauses.clause_id is null or clauses.kind = 'informational'
    """
    _, lines = run_query(open_release(sample_run.settings), query)
    assert lines == [], f"{REGISTER}: a line needs a rule that is in force in its month"


def test_every_unit_test_explains_itself(manifest: Any) -> None:
    silent = [test.name for test in manifest.unit_tests.values() if len(test.description) < 10]
    assert not silent, f"show the arithmetic in the description: {silent}"


# Rates


def _rate_references() -> Iterator[tuple[ContractClause, str]]:
    for clause in CONTRACT:
        for reference in clause.rate_seeds:
            yield clause, reference


def test_every_rate_names_its_seed_rows_and_nothing_else_does() -> None:
    wrong = [clause.clause_id for clause in CONTRACT if bool(clause.rate_seeds) != (clause.kind == "rate")]
    assert not wrong, f"{CLAUSES}: fill rate_seed, as seed:key, for clauses of kind rate and for no other: {wrong}"
    rates = [rule for rule in RULES.values() if rule.kind == "rate"]
    homeless = [r.rule_id for r in rates if not any(clause.rate_seeds for clause in _contract_of(r))]
    assert not homeless, f"{CLAUSES}: no clause of kind rate has these rules in rule_ids: {homeless}"


def test_every_rate_is_in_its_seed() -> None:
    empty = [f"{clause.clause_id}: {ref}" for clause, ref in _rate_references() if not _rate_rows(ref)]
    assert not empty, f"the seed has no row with this key; add the price or correct rate_seed: {empty}"


def test_every_rate_has_its_publication_days() -> None:
    for clause, reference in _rate_references():
        for row, days in _rate_rows(reference):
            for day in days:
                remedy = f"{clause.clause_id}: fill {day} of {_row_name(row)}"
                assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", row[day]), remedy


def test_every_figure_of_the_seeds_belongs_to_a_clause() -> None:
    claimed = {(ref.partition(":")[0], _row_name(row)) for _, ref in _rate_references() for row, _ in _rate_rows(ref)}
    rows = {(seed, _row_name(row)) for seed in RATE_SEEDS for row in read_seed(PROJECT_DIR, seed)}
    assert not rows - claimed, f"{CLAUSES}: name these rows in rate_seed of a clause: {sorted(rows - claimed)}"


def test_every_price_carries_a_rule_of_the_clause_that_names_it() -> None:
    for clause, reference in _rate_references():
        carried = {row["clause_id"] for row, _ in _rate_rows(reference) if "clause_id" in row}
        assert carried <= set(clause.rule_ids), f"{clause.clause_id}: {reference} carries {carried}"


# The contract's clauses


def test_every_section_of_the_contract_is_registered_in_its_order() -> None:
    assert list(dict.fromkeys(clause.section for clause in CONTRACT)) == SECTIONS, f"{CLAUSES}: add what is missing"


def test_clause_ids_are_their_section_and_letters_without_a_gap() -> None:
    for clause in CONTRACT:
        assert re.fullmatch(r"[A-F](\.\d)*(\([a-z]\))?-[a-z]", clause.clause_id), clause.clause_id
        assert clause.clause_id.rpartition("-")[0] == clause.section, clause.clause_id
    for before, after in pairwise(CONTRACT):
        expected = chr(ord(before.clause_id[-1]) + 1) if after.section == before.section else "a"
        assert after.clause_id[-1] == expected, f"{CLAUSES}: after {before.clause_id} a row is missing or misplaced"


def test_every_rule_of_a_clause_exists() -> None:
    unknown = [f"{c.clause_id}: {rule_id}" for c in CONTRACT for rule_id in c.rule_ids if rule_id not in RULES]
    assert not unknown, f"{CLAUSES}: register the rule in {REGISTER} or correct rule_ids: {unknown}"


def test_a_clause_is_computed_or_says_why_not() -> None:
    for clause in CONTRACT:
        computes_nothing = clause.kind == "informational"
        assert bool(clause.reason) == computes_nothing, f"{clause.clause_id}: a reason is for informational clauses"
        assert bool(clause.rule_ids) != computes_nothing, f"{clause.clause_id}: rule_ids is for all other clauses"


def test_an_invariant_of_the_contract_is_an_invariant_rule() -> None:
    for clause in (clause for clause in CONTRACT if clause.kind == "invariant"):
        kinds = {RULES[rule_id].kind for rule_id in clause.rule_ids if rule_id in RULES}
        assert kinds == {"invariant"}, f"{clause.clause_id}: its rules are of kind {kinds}"


def test_the_page_of_clauses_is_up_to_date(manifest: Any) -> None:
    written = (PROJECT_DIR / PAGE).read_text(encoding="utf-8")
    assert written == render(PROJECT_DIR, manifest), f"{PAGE} is out of date: run meterhouse docs --clauses"
