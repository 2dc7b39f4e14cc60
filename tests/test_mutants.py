"""Every mutant still has a place to mutate: a text that was rewritten would stop `make mutants` halfway."""

from __future__ import annotations

import pytest

from orchestration.settings import PROJECT_DIR
from tests.mutation.mutants import Mutant, mutants


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: f"{mutant.clause_id} {mutant.find[:40]}")
def test_what_a_mutant_changes_stands_once_in_its_file(mutant: Mutant) -> None:
    text = (PROJECT_DIR / mutant.file).read_text(encoding="utf-8")
    assert text.count(mutant.find) == 1
    assert mutant.replace != mutant.find
