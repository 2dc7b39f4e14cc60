"""No door around the gate: without its passing verdict on this very candidate nothing is published.

What Dagster's own API offers is tried in tests/survival/test_graphql_doors.py; docs/operations.md has the table.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import duckdb
import pytest

from orchestration import duck, pipeline
from orchestration.closing import ledger
from orchestration.closing.scope import closes
from orchestration.errors import GateRefused, LockLost, WarehouseBusy
from orchestration.publishing.draft import write_draft
from orchestration.publishing.release import Release, current_release, publish
from orchestration.quality import known_hashes, seal
from orchestration.quality import verdict as verdicts
from orchestration.quality.content_hash import candidate_hashes, combine
from orchestration.quality.month_contents import Content, contents
from orchestration.quality.verdict import Verdict
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.warehouse import fencing
from orchestration.warehouse.dbt_build import build
from orchestration.warehouse.fingerprint import project_hash
from orchestration.warehouse.writer_lock import writer_lock
from tests.closing.steps import close_at
from tests.conftest import SampleRun
from tests.gate.served import nothing_served_changes
from tests.project_copy import copy_of_project

# Holds the lock until its standard input closes.
HOLD = (
    "import sys\n"
    "from orchestration.settings import load_settings\n"
    "from orchestration.warehouse.writer_lock import writer_lock\n"
    "with writer_lock(load_settings()) as writer:\n"
    "    print(writer.number, flush=True)\n"
    "    sys.stdin.read()\n"
)


@pytest.fixture
def copied(sample_run: SampleRun, tmp_path: Path) -> Settings:
    """A copy of the published sample, free to be tampered with."""
    shutil.copytree(sample_run.settings.home, tmp_path / "var", symlinks=True)
    return Settings(home=tmp_path / "var", landing=sample_run.settings.landing, memory_limit="1GB")


def _change(settings: Settings, statement: str) -> None:
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute(statement)


def _refused(settings: Settings, words: str, error: type[GateRefused] = GateRefused) -> None:
    with nothing_served_changes(settings), pytest.raises(error, match=words) as refusal:
        publish(settings)
    assert refusal.value.remedy
    assert refusal.value.exit_code == 3


def _candidate_hash(settings: Settings) -> str:
    with duck.connect(settings.warehouse_path, settings, read_only=True) as connection:
        return combine(candidate_hashes(connection))


def _judged_as(settings: Settings, change: Callable[[Verdict], Verdict]) -> None:
    """Keep a changed verdict the way the gate keeps one: under the lock, sealed."""
    with writer_lock(settings) as writer, duck.connect(settings.warehouse_path, settings) as connection:
        found = verdicts.find(connection, combine(candidate_hashes(connection)))
        assert found is not None
        verdicts.keep(connection, change(found))
        seal.keep(connection, settings, project_hash(settings), writer.number)


def test_publishing_the_same_candidate_again_changes_nothing(copied: Settings) -> None:
    with nothing_served_changes(copied):
        assert publish(copied).is_new is False


def test_where_nothing_was_built_nothing_is_published(settings: Settings) -> None:
    with pytest.raises(GateRefused, match="no candidate"):
        publish(settings)
    assert current_release(settings) is None


def test_a_tampered_candidate_is_refused(copied: Settings) -> None:
    _change(copied, "update marts.fct_invoice_lines set billed_amount = 0")
    _refused(copied, "not judged as it stands")


def test_a_candidate_tampered_with_after_this_process_judged_it_is_refused(copied: Settings) -> None:
    """Hashes are remembered from judging to publishing, for as long as the file looks the same."""
    with duck.connect(copied.warehouse_path, copied, read_only=True) as connection:
        hashes = candidate_hashes(connection)
        held = contents(connection, "marts", sorted(hashes))
    known_hashes.remember(copied, hashes, held)
    assert publish(copied).is_new is False
    _change(copied, "update marts.fct_invoice_lines set billed_amount = 0")
    _refused(copied, "not judged as it stands")


def test_hashes_are_not_remembered_of_a_file_that_was_written_to_and_is_as_large_as_before(settings: Settings) -> None:
    settings.home.mkdir(parents=True)
    settings.warehouse_path.write_bytes(b"before")
    known_hashes.remember(settings, {"fct_invoices": "0"}, {})
    assert known_hashes._remembered(settings) == ({"fct_invoices": "0"}, {})
    look = settings.warehouse_path.stat()
    settings.warehouse_path.write_bytes(b"behind")
    os.utime(settings.warehouse_path, ns=(look.st_atime_ns, look.st_mtime_ns + 1_000_000))
    assert known_hashes._remembered(settings) is None


def test_a_deleted_verdict_is_refused(copied: Settings) -> None:
    _change(copied, "delete from ops.verdicts")
    _refused(copied, "not judged as it stands")


def test_a_failed_verdict_is_refused_and_names_check_and_remedy(copied: Settings) -> None:
    check = '"name": "gen_07", "kind": "dbt", "subject": "fct_invoices", "passed": false, "observed": "",'
    check += '"failing_keys": ["inv_1"], "remedy": "Rebuild."'
    _change(
        copied,
        "update ops.verdicts set passed = false, body = json_object('candidate_hash', candidate_hash, "
        f"'checks', json('[{{{check}}}]'))",
    )
    _refused(copied, "gen_07 on fct_invoices .rows inv_1.: Rebuild")


def test_an_empty_verdict_does_not_pass(copied: Settings) -> None:
    _change(
        copied,
        "update ops.verdicts set passed = true, "
        "body = json_object('candidate_hash', candidate_hash, 'checks', json('[]'))",
    )
    _refused(copied, "0 of 0 checks failed")


def test_a_verdict_moved_to_a_tampered_candidate_is_refused(copied: Settings) -> None:
    judged = _candidate_hash(copied)
    _change(copied, "update marts.fct_invoice_lines set billed_amount = 0")
    moved = _candidate_hash(copied)
    told = f"candidate_hash = '{moved}', body = replace(body, '{judged}', '{moved}')"
    _change(copied, f"update ops.verdicts set {told}")
    _refused(copied, "not the one the gate gave")


def test_a_failed_verdict_edited_to_passed_is_refused(copied: Settings) -> None:
    _judged_as(copied, lambda v: replace(v, checks=(replace(v.checks[0], passed=False), *v.checks[1:])))
    _refused(copied, "1 of .* checks failed")
    edited = "replace(body, '\"passed\": false', '\"passed\": true')"
    _change(copied, f"update ops.verdicts set passed = true, body = {edited}")
    _refused(copied, "not the one the gate gave")


def test_a_verdict_whose_seal_was_removed_or_copied_is_refused(copied: Settings) -> None:
    _change(copied, "create table ops.kept as from ops.verdict_seals; delete from ops.verdict_seals")
    _refused(copied, "not the one the gate gave")
    # The seal of one verdict does not fit another.
    _change(copied, "insert into ops.verdict_seals from ops.kept; update ops.verdicts set body = body || ' '")
    _refused(copied, "not the one the gate gave")
    _change(copied, "update ops.verdicts set body = trim(body)")
    key = copied.home / "verdict.key"
    assert key.stat().st_mode & 0o077 == 0, "nobody but its owner reads what seals"
    key.unlink()
    _refused(copied, "not the one the gate gave")


@pytest.mark.parametrize("edited", ["writer_number = writer_number - 1", "project_sha256 = 'another'"])
def test_a_seal_says_which_project_and_which_writer_it_is_of(copied: Settings, edited: str) -> None:
    """Else a verdict of another project, or of another time, could be made to look as if it were of this."""
    _judged_as(copied, lambda v: v)
    with duck.connect(copied.warehouse_path, copied, read_only=True) as connection:
        assert seal.find(connection, copied) is not None
    _change(copied, f"update ops.verdict_seals set {edited}")
    _refused(copied, "not the one the gate gave")


def test_edited_sums_of_the_marts_break_the_seal(copied: Settings) -> None:
    """A mart changed, and the sums kept of it made to look as if they were of the changed rows."""
    _change(copied, "update marts.fct_invoice_lines set billed_amount = 0")
    with duck.connect(copied.warehouse_path, copied, read_only=True) as connection:
        assert seal.find(connection, copied) is not None
        held = contents(connection, "marts", ["fct_invoice_lines"])["fct_invoice_lines"].months
    for month, (_, one, two) in held.items():
        here = f"table_name = 'fct_invoice_lines' and billing_month = '{month}'"
        _change(copied, f"update ops.mart_month_sums set quick_one = {one}, quick_two = {two} where {here}")
    with duck.connect(copied.warehouse_path, copied, read_only=True) as connection:
        assert seal.find(connection, copied) is None
    _refused(copied, "not judged as it stands")


def test_a_forged_verdict_is_judged_again_by_the_next_run(copied: Settings) -> None:
    _change(copied, "update ops.verdicts set body = body || ' '")
    # As one who knows what a writer notes of the build file would leave it.
    with writer_lock(copied):
        (copied.home / "build_file_in_doubt").unlink()
    assert pipeline.standing_verdict(copied) is None
    assert pipeline.has_work(copied)
    report = pipeline.run_all(copied)
    assert report.verdict is not None and report.verdict.passed
    assert report.models_run == 0
    assert not pipeline.has_work(copied)


def test_a_build_that_was_never_judged_is_not_served_on_the_verdict_before(copied: Settings) -> None:
    """Also where its marts hold what they held: other checks may have failed since."""
    _change(copied, "insert into ops.builds_awaiting_verdict values ('')")
    assert pipeline.standing_verdict(copied) is None
    _refused(copied, "never judged")


def test_a_verdict_with_a_dbt_test_skipped_is_refused_and_names_it(copied: Settings) -> None:
    skipped = "gen_07__lines_are_rounded_once"
    _judged_as(copied, lambda v: replace(v, checks=tuple(c for c in v.checks if not c.name.startswith(skipped))))
    _refused(copied, f"missing from the verdict.*{skipped}")


def test_a_verdict_without_the_suites_is_refused(copied: Settings) -> None:
    _judged_as(copied, lambda v: replace(v, checks=tuple(c for c in v.checks if c.kind == "dbt")))
    _refused(copied, "are missing from the verdict, so they were skipped: arriving_")


def test_a_verdict_of_another_project_is_refused(copied: Settings, tmp_path: Path) -> None:
    project = copy_of_project(tmp_path / "project")
    other = replace(copied, project_dir=project)
    assert project_hash(other) == project_hash(copied)  # a copy of the project is the same project
    with (project / "seeds/terms/plan_whatsapp_pools.csv").open("a", encoding="utf-8") as file:
        file.write("\n")
    _refused(other, "models, seeds or tests have changed")


def test_whatever_of_the_project_is_changed_makes_it_another(tmp_path: Path) -> None:
    """What is built, and what judges it."""
    project = copy_of_project(tmp_path / "project")
    settings = Settings(home=tmp_path / "var", landing=tmp_path / "landing", project_dir=project)
    known = {project_hash(settings)}
    for name in (
        "dbt_project.yml",
        "macros/rounding.sql",
        "models/columns.md",
        "seeds/terms/price_updates.csv",
        "tests/generic/expression_holds.sql",
    ):
        with (project / name).open("a", encoding="utf-8") as file:
            file.write("\n")
        assert project_hash(settings) not in known, name
        known.add(project_hash(settings))


def test_a_stale_verdict_is_refused(copied: Settings, tmp_path: Path) -> None:
    mine = replace(copied, landing=tmp_path / "landing")
    shutil.copytree(copied.landing, mine.landing)
    late = mine.landing / "translations" / "late.csv"
    late.write_text(
        "translation_id,org_id,source_lang,target_lang,character_count,status,completed_at,updated_at\n"
        "late_1,nobody,en,de,100,completed,2024-10-05T10:00:00Z,2024-12-01T00:00:00Z\n"
    )
    with writer_lock(mine):
        assert pipeline.take_in(mine, print).batch is not None
    _refused(mine, "out of date: files were taken in")
    with writer_lock(mine):
        assert build(mine).models_run > 0
    _refused(mine, "not judged as it stands")


def test_a_build_file_another_hand_wrote_is_refused(copied: Settings) -> None:
    _change(copied, "create table ops.harmless (x integer)")
    _refused(copied, "another program has written to the build file")


def test_a_month_is_not_closed_from_a_build_file_another_hand_wrote(copied: Settings) -> None:
    """The marts are what was judged; what their invoices would be numbered by is not."""
    _change(copied, "update seeds.issuing_entities set number_format = 'FORGED-{sequence:06}', payment_days = 1")
    with (
        nothing_served_changes(copied),
        writer_lock(copied),
        pytest.raises(GateRefused, match="another program") as refusal,
    ):
        close_at(copied, "2024-09", "2024-10-04", leave_out=("tnt_0002",))
    assert "meterhouse run" in refusal.value.remedy
    assert not closes(ledger.entries(copied))


def test_a_build_file_of_another_time_is_refused(copied: Settings) -> None:
    # Numbers of writers begin anew: what a greater one judged was not judged here.
    with writer_lock(copied):
        pass
    _judged_as(copied, lambda v: v)
    (copied.home / "writer.fence").unlink()
    _refused(copied, "given by writer")


def test_materialising_the_release_asset_alone_is_refused(copied: Settings) -> None:
    import dagster as dg

    from orchestration.assets import release
    from orchestration.resources import Installation

    _change(copied, "update marts.fct_invoice_lines set billed_amount = 0")
    with nothing_served_changes(copied):
        result = dg.materialize(
            [release],
            resources={"installation": Installation(home=str(copied.home), landing=str(copied.landing))},
            raise_on_error=False,
        )
    # As by any other door: the content is not what was judged, and the run says so.
    (failure,) = result.get_step_failure_events()
    assert "no verdict has its content hash" in str(failure.step_failure_data.error)


def _holder(settings: Settings) -> subprocess.Popen[str]:
    environment = os.environ | {"METERHOUSE_HOME": str(settings.home), "METERHOUSE_LANDING": str(settings.landing)}
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        env=environment | {"PYTHONPATH": str(PROJECT_DIR)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert int(process.stdout.readline()) > 0
    return process


def test_a_second_writer_is_told_who_writes_since_when_and_what_to_do(copied: Settings) -> None:
    with _holder(copied) as holder:
        with nothing_served_changes(copied), pytest.raises(WarehouseBusy) as refusal:
            publish(copied)
        assert f"process {holder.pid} is writing to the warehouse (since 20" in str(refusal.value)
        assert "UTC" in str(refusal.value)
        assert f"kill {holder.pid}" in refusal.value.remedy
        holder.communicate("")
    assert publish(copied).is_new is False


def test_a_process_that_lost_the_lock_may_not_publish(copied: Settings) -> None:
    with writer_lock(copied) as mine:
        (copied.home / "writer.lock").unlink()  # what people do to locks they do not understand
        with _holder(copied) as newer:
            newer.communicate("")
        told = f"writer {mine.number} since .* has lost the write lock: process {newer.pid} took it"
        _refused(copied, told, LockLost)
    assert fencing.newest(copied) is not None
    (copied.home / "writer.fence").write_text("")
    with writer_lock(copied):
        (copied.home / "writer.fence").unlink()
        _refused(copied, "writer.fence, which numbers the writers, was removed", LockLost)
    # One who began to count anew may have come to the same number.
    with writer_lock(copied) as mine:
        other = replace(mine, process="1 0 another-boot another-host")
        (copied.home / "writer.fence").write_text(json.dumps(asdict(other)), encoding="utf-8")
        _refused(copied, "has lost the write lock: process 1 took it", LockLost)


def test_a_tampered_release_does_not_live_on_in_the_next(copied: Settings) -> None:
    """A release starts from the file of the one before: that it was changed since shows in the finished copy."""
    served = current_release(copied)
    assert served is not None
    served.database.chmod(0o644)
    with duckdb.connect(str(served.database)) as connection:
        connection.execute("update marts.fct_invoice_lines set billed_amount = 0")
    _renamed_and_judged(copied)
    new = publish(copied)
    assert new.is_new
    with duck.connect(new.database, copied, read_only=True) as connection:
        assert contents(connection, "marts", ["fct_invoice_lines"]) == _lines_of_candidate(copied)
    assert _shows_the_new_names(new)


def _renamed_and_judged(settings: Settings) -> None:
    """Another candidate with a passing verdict of its own: every tenant has a new name."""
    with writer_lock(settings) as writer, duck.connect(settings.warehouse_path, settings) as connection:
        connection.execute("update marts.dim_tenants set tenant_name = tenant_name || ' Ltd'")
        found = verdicts.latest(connection)
        assert found is not None
        verdicts.keep(connection, replace(found, candidate_hash=combine(candidate_hashes(connection))))
        seal.keep(connection, settings, project_hash(settings), writer.number)


def _shows_the_new_names(release: Release) -> bool:
    with duckdb.connect(str(release.database), read_only=True) as connection:
        row = connection.execute("select bool_and(tenant_name like '% Ltd') from marts.dim_tenants").fetchone()
    return row == (True,)


def test_a_draft_of_what_the_candidate_was_is_not_served_as_what_it_is(copied: Settings) -> None:
    served = current_release(copied)
    assert served is not None
    with writer_lock(copied):
        with duck.connect(copied.warehouse_path, copied, read_only=True) as connection:
            hashes = candidate_hashes(connection)
            held = contents(connection, "marts", sorted(hashes))
        draft = write_draft(copied, combine(hashes), held, served.path)
    _renamed_and_judged(copied)
    assert _shows_the_new_names(publish(copied, draft))


def _lines_of_candidate(settings: Settings) -> dict[str, Content]:
    with duck.connect(settings.warehouse_path, settings, read_only=True) as connection:
        return contents(connection, "marts", ["fct_invoice_lines"])


def test_a_released_file_cannot_be_written(copied: Settings) -> None:
    served = current_release(copied)
    assert served is not None
    assert served.database.stat().st_mode & 0o222 == 0
