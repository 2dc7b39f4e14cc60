"""Everything the verdict page tells, gathered once: the checks in words, what became of the candidate, the clauses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from orchestration import duck
from orchestration.damaged_file import damaged
from orchestration.errors import MeterhouseError, WarehouseBusy
from orchestration.publishing import history
from orchestration.publishing.release import Release, current_release, release_verdict
from orchestration.quality import circumstances
from orchestration.quality import verdict as verdicts
from orchestration.quality.circumstances import Circumstances
from orchestration.quality.verdict import Check, Verdict
from orchestration.quality_page import expected
from orchestration.settings import Settings
from orchestration.warehouse import manifest_cache
from orchestration.warehouse.clause_register import Rule, read_rules
from orchestration.warehouse.state import EVERY_MONTH

OTHER_SUITE = "Other checks"


@dataclass(frozen=True)
class CheckFact:
    """One check as a person reads it; `rules` are the clauses its name or description carries."""

    name: str
    kind: str
    suite: str
    relation: str
    expected: str
    condition: str
    description: str
    observed: str
    passed: bool
    failing_keys: tuple[str, ...]
    remedy: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class SuiteFact:
    """The checks of one suite, or of dbt's tests on one layer."""

    title: str
    checks: tuple[CheckFact, ...]

    @property
    def failed(self) -> list[CheckFact]:
        return [check for check in self.checks if not check.passed]

    @property
    def passed(self) -> list[CheckFact]:
        return [check for check in self.checks if check.passed]


@dataclass(frozen=True)
class VerdictFacts:
    """A verdict and what became of its candidate.

    `published` is the newest release of this very content and `published_at` when it was; `served` is the one
    served now. Both releases are None where there is none.
    """

    candidate_hash: str
    passed: bool
    judged_at: str
    touched_months: tuple[str, ...]
    published: str | None
    published_at: str
    served: str | None
    suites: tuple[SuiteFact, ...]

    @property
    def months_in_words(self) -> str:
        """`2024-10, 2024-11`; the month of no date stands for all of them."""
        named = ", ".join(month for month in self.touched_months if month != EVERY_MONTH)
        if EVERY_MONTH in self.touched_months:
            return f"all, because contract data arrived{f'; usage arrived for {named}' if named else ''}"
        return named or "none"

    @property
    def checks(self) -> list[CheckFact]:
        return [check for suite in self.suites for check in suite.checks]

    @property
    def failed(self) -> list[CheckFact]:
        return [check for check in self.checks if not check.passed]

    @property
    def rules(self) -> list[Rule]:
        """The clauses the checks name, by id."""
        found = {rule.rule_id: rule for check in self.checks for rule in check.rules}
        return [rule for _, rule in sorted(found.items())]


def last_verdict(settings: Settings) -> tuple[Verdict, Circumstances]:
    """The last verdict given, passed or failed; where the build file is gone, that of the served release.

    Raises MeterhouseError when nothing was ever judged, WarehouseBusy while a run is writing.
    """
    if settings.warehouse_path.exists():
        try:
            with duck.connect(settings.warehouse_path, settings, read_only=True) as connection:
                found = verdicts.latest(connection)
                if found is not None:
                    return found, circumstances.read(connection)
        except duckdb.IOException as error:
            if told := damaged(error, settings.warehouse_path):
                raise told from error
            raise WarehouseBusy("a run is writing", "Try again when it has ended: meterhouse status.") from error
    served = current_release(settings)
    if served is None:
        raise MeterhouseError("nothing has been judged yet", "Run `meterhouse run` first.")
    return release_verdict(served), Circumstances()


def kept_release(settings: Settings, release_id: str) -> Release:
    """A release that is not pruned yet, by its id or the number it starts with."""
    folder = settings.published_dir / "releases"
    kept = sorted(path for path in folder.iterdir() if path.name[:6].isdigit()) if folder.exists() else []
    for path in kept:
        if release_id in (path.name, path.name[:6]):
            manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
            return Release(path.name, path, manifest["content_hash"], is_new=False)
    names = ", ".join(path.name for path in kept) or "none"
    raise MeterhouseError(f"no release {release_id!r} is kept", f"Kept releases: {names}.")


def gather_facts(settings: Settings, verdict: Verdict, known: Circumstances) -> VerdictFacts:
    """The facts of `verdict`, given in the circumstances `known`."""
    in_words = expected.of_suites() | _dbt_tests_in_words(settings)
    rules = {rule.rule_id: rule for rule in read_rules(settings.project_dir)}
    checks = [_check_fact(check, in_words.get(check.name), rules) for check in verdict.checks]
    served = current_release(settings)
    published, published_at = None, ""
    for publication in history.publications(settings):
        if publication.content_hash == verdict.candidate_hash:
            published = publication.release_id
            published_at = f"{publication.published_at[:19].replace('T', ' ')} UTC"
    return VerdictFacts(
        candidate_hash=verdict.candidate_hash,
        passed=verdict.passed,
        judged_at=known.judged_at,
        touched_months=known.touched_months,
        published=published,
        published_at=published_at,
        served=served.release_id if served else None,
        suites=tuple(_suites(checks)),
    )


def _dbt_tests_in_words(settings: Settings) -> dict[str, expected.Expected]:
    # Where the build lays it; without one the tests' names have to do.
    path = settings.dbt_target_dir / manifest_cache.MANIFEST
    if not path.exists():
        return {}
    manifest = json.loads(path.read_bytes())
    return expected.of_dbt_tests(manifest) | expected.of_unit_tests(manifest)


def _check_fact(check: Check, found: expected.Expected | None, rules: dict[str, Rule]) -> CheckFact:
    text = found.text if found else expected.name_in_words(check.name)
    described = found.description if found else ""
    return CheckFact(
        name=check.name,
        kind=check.kind,
        suite=found.suite if found else OTHER_SUITE,
        relation=(found.relation if found else "") or check.subject,
        expected=text,
        condition=found.condition if found else "",
        description=described,
        observed=check.observed or ("as expected" if check.passed else "nothing was observed"),
        passed=check.passed,
        failing_keys=check.failing_keys,
        remedy=check.remedy,
        rules=tuple(rules[rule_id] for rule_id in rule_ids(f"{check.name} {described}") if rule_id in rules),
    )


def rule_ids(text: str) -> list[str]:
    """Ids of clauses a text carries, as `GEN-07` or `gen_07`, in its order and each once."""
    found = re.findall(r"(?<![A-Za-z])([A-Za-z]{3})[-_](\d{2})(?!\d)", text)
    return list(dict.fromkeys(f"{group.upper()}-{number}" for group, number in found))


def _suites(checks: Iterable[CheckFact]) -> list[SuiteFact]:
    """Suites with a failed check first, then Great Expectations' and dbt's, each by name."""
    by_title: dict[str, list[CheckFact]] = {}
    for check in checks:
        by_title.setdefault(check.suite, []).append(check)
    suites = [
        SuiteFact(title, tuple(sorted(mine, key=lambda c: (c.passed, c.relation, c.name))))
        for title, mine in by_title.items()
    ]
    return sorted(suites, key=lambda suite: (not suite.failed, not suite.title.startswith("Great"), suite.title))
