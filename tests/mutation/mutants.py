"""Wrong rules on purpose: each mutant changes one place in a model or macro to a plausible mistake.

mutants.csv holds them: clause, file below the project, text that stands once in it, what to put there.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple


class Mutant(NamedTuple):
    clause_id: str
    file: str
    find: str
    replace: str


def mutants() -> list[Mutant]:
    """Every mutant, in the register's order of clauses."""
    with (Path(__file__).parent / "mutants.csv").open(encoding="utf-8", newline="") as text:
        return [Mutant(**row) for row in csv.DictReader(text)]
