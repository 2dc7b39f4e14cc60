"""The rules an asset computes, with the register's words, for its description."""

from __future__ import annotations

import re
from pathlib import Path

from orchestration.warehouse.clause_register import Rule, read_rules

_IN_NAME = re.compile(r"^int_([a-z]{3})_(\d{2})__")
_FAMILY = re.compile(r"^int_([a-z]{3})__")
_IN_TEXT = re.compile(r"\b([A-Z]{3}-\d{2})\b")


class ClauseTexts:
    """The rule register of one project, asked by model."""

    def __init__(self, project_dir: Path) -> None:
        self._rules = {rule.rule_id: rule for rule in read_rules(project_dir)}

    def rules_of(self, name: str, description: str) -> list[Rule]:
        """The rule in the model's name first, then those its description names, then its family's for plumbing.

        Without any, none: staging renames and says so.
        """
        named = [f"{found[1].upper()}-{found[2]}" for found in [_IN_NAME.match(name)] if found]
        named += [rule_id for rule_id in _IN_TEXT.findall(description) if rule_id not in named]
        if not named and (family := _FAMILY.match(name)):
            named = [rule_id for rule_id in self._rules if rule_id.startswith(family[1].upper() + "-")]
        return [self._rules[rule_id] for rule_id in dict.fromkeys(named) if rule_id in self._rules]

    def described(self, name: str, description: str) -> str:
        """The model's description with the text of its rules below, as Markdown."""
        told = [f"**{rule.rule_id}** (contract {rule.section}): {rule.paraphrase}"
                for rule in self.rules_of(name, description)]  # fmt: skip
        return "\n\n".join([" ".join(description.split()), *told])
