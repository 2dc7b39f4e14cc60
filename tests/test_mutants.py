"""Every mutant still has a place to mutate: a text that was rewritten would stop `make mutants` halfway."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from orchestration.settings import PROJECT_DIR
from tests.mutation.__main__ import app
from tests.mutation.mutants import Mutant, mutants


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: f"{mutant.clause_id} {mutant.find[:40]}")
def test_what_a_mutant_changes_stands_once_in_its_file(mutant: Mutant) -> None:
    text = (PROJECT_DIR / mutant.file).read_text(encoding="utf-8")
    assert text.count(mutant.find) == 1
    assert mutant.replace != mutant.find


def test_a_clause_without_a_mutant_is_named_instead_of_trying_none_and_passing() -> None:
    done = CliRunner().invoke(app, ["PRC-06", "PRC-6"])
    assert done.exit_code == 2
    assert "PRC-6: no mutant" in done.output
