"""What a close, a signature and a question refuse: a clear error each, and nothing changed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration import duck, pipeline
from orchestration.closing import close, demands, ledger, scope, signing
from orchestration.closing.close import CloseRequest, close_month
from orchestration.closing.evidence import FILE_NAME
from orchestration.closing.explanation import explain_line
from orchestration.closing.replay import known_invoices
from orchestration.closing.verification import verify_ledger
from orchestration.errors import MeterhouseError
from orchestration.ingestion.landing_folder import LandingMissing
from orchestration.publishing import history
from orchestration.publishing.analyst_sql import open_release, run_query
from orchestration.publishing.exports import export_month
from orchestration.publishing.release import current_release, require_release
from orchestration.settings import PROJECT_DIR, Settings
from tests.closing.steps import close_at, instant, sign_all

OCTOBER = date(2024, 10, 1)
IN_TIME = instant("2024-11-04")
MORE_WORDS = (
    "translation_id,org_id,source_lang,target_lang,character_count,status,completed_at\n"
    "more-1,org_0003,en,de,500000,completed,2024-09-20T10:00:00Z\n"
)


def _files(settings: Settings) -> dict[str, bytes]:
    """Everything of the ledger and of what is served, to see that nothing changed."""
    folders = (ledger.ledger_dir(settings), settings.published_dir)
    return {str(p): p.read_bytes() for folder in folders for p in sorted(folder.rglob("*")) if p.is_file()}


def _refused(settings: Settings, request: CloseRequest, now: str = "2024-11-04") -> MeterhouseError:
    before = _files(settings)
    with pytest.raises(MeterhouseError) as refusal:
        close_month(settings, request, instant(now))
    assert _files(settings) == before
    assert refusal.value.remedy
    return refusal.value


@pytest.mark.parametrize(
    ("request_", "now", "told"),
    [
        (CloseRequest(date(2024, 9, 1), "Carla"), "2024-11-04", "was closed by Carla at 2024-10-04"),
        (CloseRequest(date(2024, 8, 1), "Carla"), "2024-11-04", "2024-08 is earlier than 2024-09"),
        (CloseRequest(date(2024, 11, 1), "Carla", ("tnt_0002",)), "2024-12-05", "2024-10 is not closed yet"),
        (CloseRequest(OCTOBER, "Carla", ("tnt_0002",)), "2024-10-31T23:59", "2024-10 is not over"),
        # Month end + 3 days: refused a microsecond before.
        (
            CloseRequest(OCTOBER, "Carla", ("tnt_0002",)),
            "2024-11-03T23:59:59.999999",
            "cannot be closed before 2024-11-04 00",
        ),
        (CloseRequest(OCTOBER, "Carla"), "2024-11-04", "still open for tnt_0002"),
        (CloseRequest(OCTOBER, "Carla", ("nobody",)), "2024-11-04", "no tenant nobody"),
        (CloseRequest(date(2024, 9, 1), "Carla", tenants=("tnt_0003",)), "2024-11-04", "tnt_0003 was not left out"),
        (CloseRequest(OCTOBER, "Carla", tenants=("tnt_0002",)), "2024-11-04", "tnt_0002 was not left out of 2024-10"),
        (CloseRequest(OCTOBER, "Carla", ("tnt_0002",)), "2024-11-04", "are not signed"),
        # Named on both sides, nothing of it would be asked for.
        (
            CloseRequest(date(2024, 9, 1), "Carla", ("tnt_0002",), ("tnt_0002",)),
            "2024-11-04",
            "Give only one of the two",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_close_is_refused(mine: Settings, request_: CloseRequest, now: str, told: str) -> None:
    refusal = _refused(mine, request_, now)
    assert told in f"{refusal} {refusal.remedy}"


def test_no_month_is_closed_while_the_landing_is_missing(mine: Settings, tmp_path: Path) -> None:
    """The run that publishes the close would stop at it."""
    unmounted = replace(mine, landing=tmp_path / "unmounted")
    refusal = _refused(unmounted, CloseRequest(OCTOBER, "Carla", ("tnt_0002",)))
    assert isinstance(refusal, LandingMissing)


def test_no_month_is_jumped_over_by_leaving_its_tenants_out(mine: Settings) -> None:
    with duck.connect(require_release(mine).database, mine, read_only=True) as connection:
        everybody = {draft.tenant_id for draft in scope.drafts(connection)}
    sign_all(mine, "2024-11", instant("2024-12-05"))
    request = CloseRequest(date(2024, 11, 1), "Carla", tuple(sorted(everybody)))
    assert "2024-10 is not closed yet" in str(_refused(mine, request, "2024-12-05"))


def test_a_tenant_that_cannot_be_invoiced_keeps_its_earlier_month_open(mine: Settings) -> None:
    """Blocked, it has no draft: October waits for September all the same, and a month of nothing else is told."""
    with duckdb.connect(str(mine.warehouse_path)) as connection:
        before = scope.drafts(connection)
    others = [draft for draft in before if draft.tenant_id != "tnt_0002"]
    found = ledger.entries(mine)
    with duckdb.connect() as connection:
        connection.execute("create schema marts; create table marts.dim_tenants as select 'tnt_0002' as tenant_id")
        connection.execute(
            "create table marts.rpt_findings as select 'tenant_month_blocked' as finding, 'tnt_0002' as tenant_id, "
            "unnest([date '2024-09-01', date '2024-10-01']) as billing_month"
        )
        with pytest.raises(MeterhouseError, match="still open for tnt_0002"):
            demands.demand_in_order(connection, others, found, OCTOBER, [], [])
        demands.demand_in_order(connection, others, found, OCTOBER, [], ["tnt_0002"])
        november = date(2024, 11, 1)
        with pytest.raises(MeterhouseError, match="2024-10 is not closed yet") as refusal:
            demands.demand_in_order(connection, [], found, november, [], ["tnt_0002"])
        # It has no draft either: to be told to close it would lead nowhere.
        assert "close --month 2024-10 --leave-out tnt_0002" in refusal.value.remedy


@pytest.mark.parametrize(
    ("named", "remedy"),
    [
        ([], "(--month 2024-08 --tenant bolt), or leave them out of this close too (--leave-out bolt)."),
        # --leave-out beside --tenant would be refused.
        (["acme", "bolt"], "(--month 2024-08 --tenant bolt), or do not name them yet."),
    ],
)
def test_of_tenants_with_earlier_months_open_the_earliest_is_told_with_what_can_be_done(
    named: list[str], remedy: str
) -> None:
    def closed(month: str, out: list[str]) -> ledger.Entry:
        return ledger.Entry(1, "close", "", "Carla", "", {"month": month, "tenants": None, "left_out": out})

    found = [closed("2024-08", ["bolt"]), closed("2024-09", ["acme", "bolt"]), closed("2024-10", ["acme", "bolt"])]
    with duckdb.connect() as connection:
        connection.execute(
            "create schema marts; create table marts.dim_tenants as select unnest(['acme', 'bolt']) as tenant_id; "
            "create table marts.rpt_findings (finding varchar, tenant_id varchar, billing_month date)"
        )
        with pytest.raises(MeterhouseError) as refusal:
            demands.demand_in_order(connection, [], found, date(2024, 11, 1) if not named else OCTOBER, named, [])
        # September is the earliest of acme, whatever bolt has open.
        demands.demand_in_order(connection, [], found, date(2024, 9, 1), ["acme"], [])
    assert str(refusal.value) == "an earlier month (2024-08) is still open for bolt"
    assert refusal.value.remedy.endswith(remedy)


@pytest.mark.parametrize(("named", "remedy"), [([], "--tenant TENANT."), (["bolt"], "or do not name them yet.")])
def test_of_tenants_that_cannot_be_invoiced_it_is_told_what_can_be_done(named: list[str], remedy: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "create schema marts; create table marts.rpt_findings as select 'tenant_month_blocked' as finding, "
            "'bolt' as tenant_id, 'unrated' as reason, 'voice_minute' as meter, date '2024-10-01' as billing_month"
        )
        with pytest.raises(MeterhouseError, match="bolt: unrated voice_minute") as refusal:
            demands.demand_rated(connection, OCTOBER, named, [])
        # Who is closed without it does not wait for it.
        demands.demand_rated(connection, OCTOBER, ["acme"], [])
        demands.demand_rated(connection, OCTOBER, [], ["bolt"])
    assert refusal.value.remedy.endswith(remedy)


@pytest.mark.parametrize(
    ("named", "out", "waited_for"),
    [
        ([], [], ("ours", "bolts", "acmes")),
        (["bolt"], [], ("ours", "bolts")),
        ([], ["acme"], ("ours", "bolts")),
    ],
)
def test_a_close_waits_for_the_holds_of_whom_it_closes_and_those_of_no_tenant(
    named: list[str], out: list[str], waited_for: tuple[str, ...]
) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "create schema marts; create table marts.rpt_close_holds as select unnest(['ours', 'bolts', 'acmes']) as "
            "hold_id, date '2024-10-01' as billing_month, 'finding' as hold, unnest([null, 'bolt', 'acme']) as "
            "tenant_id, 'seen' as facts, 'Look.' as remedy"
        )

        def demanded(*signed: str) -> tuple[int | None, list[int]]:
            body = {"month": "2024-10", "holds": dict.fromkeys(signed)}
            found = [ledger.Entry(1, "hold_signed", "", "Hanna", "", body)]
            return demands.demand_signatures(connection, found, [], OCTOBER, named, out)

        for unsigned in waited_for:
            others = [hold_id for hold_id in waited_for if hold_id != unsigned]
            with pytest.raises(MeterhouseError, match=rf"1 hold\(s\) of 2024-10 are not signed: {unsigned} finding"):
                demanded(*others)
        assert demanded(*waited_for) == (None, [1])


def test_a_tenant_left_out_with_nothing_to_bill_is_closed_by_name(
    mine: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no draft somebody could sign off; the tenant's month ends all the same."""
    sign_all(mine, "2024-09", IN_TIME)
    monkeypatch.setattr(close, "drafts", lambda _: [])
    entry = close_month(mine, CloseRequest(date(2024, 9, 1), "Carla", tenants=("tnt_0002",)), IN_TIME)
    assert (entry.body["invoices"], entry.body["sign_off"]) == (0, None)
    assert scope.left_open(ledger.entries(mine)) == set()


def test_before_month_end_and_three_days_only_with_a_reason_that_is_kept(mine: Settings) -> None:
    entry = close_at(mine, "2024-10", "2024-11-02", leave_out=("tnt_0002",), early_reason="the year's audit")
    assert entry.body["early_reason"] == "the year's audit"


def test_a_sign_off_counts_for_the_drafts_it_saw_and_no_others(mine: Settings) -> None:
    sign_all(mine, "2024-10", IN_TIME)
    with duck.connect(require_release(mine).database, mine, read_only=True) as connection:
        october = [draft for draft in scope.drafts(connection) if draft.billing_month == OCTOBER]
    other = replace(october[0], content_sha256="as it was before a late file")
    signing.sign_off(mine, OCTOBER, [other, *october[1:]], by="Sam", now=IN_TIME)
    assert "signed off the current drafts of 2024-10" in str(
        _refused(mine, CloseRequest(OCTOBER, "Carla", ("tnt_0002",)))
    )


@pytest.mark.parametrize(
    "edited",
    [
        "marts.fct_invoice_lines set explanation = 'edited'",
        "marts.fct_invoices set bill_to_name = 'edited'",
        "marts.rpt_close_holds set facts = 'edited'",
    ],
)
def test_a_candidate_that_was_changed_after_its_verdict_is_not_closed(mine: Settings, edited: str) -> None:
    sign_all(mine, "2024-10", IN_TIME)
    with duckdb.connect(str(mine.warehouse_path)) as connection:
        connection.execute(f"update {edited} where billing_month = ?", [OCTOBER])
    assert "is not what was judged" in str(_refused(mine, CloseRequest(OCTOBER, "Carla", ("tnt_0002",))))


def test_nothing_is_closed_while_something_new_has_landed(mine: Settings, tmp_path: Path) -> None:
    sign_all(mine, "2024-10", IN_TIME)
    landing = tmp_path / "landing"
    shutil.copytree(mine.landing, landing)
    moved = Settings(home=mine.home, landing=landing, memory_limit="1GB")
    assert "does not contain everything that has landed" in str(
        _refused(moved, CloseRequest(OCTOBER, "Carla", ("tnt_0002",)))
    )


def test_a_tenant_named_twice_is_closed_once(mine: Settings) -> None:
    entry = close_at(mine, "2024-09", "2024-10-20", tenants=("tnt_0002", "tnt_0002"))
    assert entry.body["tenants"] == ["tnt_0002"]
    closed = duckdb.read_parquet(str(ledger.ledger_dir(mine) / entry.folder_name / "closings.parquet"))
    assert closed.count("*").fetchall() == [(1,)]


def test_a_tenant_left_out_is_closed_later_by_name_and_numbered_on(mine: Settings) -> None:
    entry = close_at(mine, "2024-09", "2024-10-20", tenants=("tnt_0002",))
    pipeline.run_all(mine)
    assert entry.body["invoices"] >= 1
    with duckdb.connect(str(mine.published_dir / "current" / "meterhouse.duckdb"), read_only=True) as connection:
        rows = connection.execute(
            "select tenant_id, invoice_number from marts.fct_invoices where billing_month = date '2024-09-01' "
            "order by invoice_number"
        ).fetchall()
    assert [number for _, number in rows] == [f"MH-2024-{n:06d}" for n in range(1, len(rows) + 1)]
    assert {tenant for tenant, _ in rows[-entry.body["invoices"] :]} == {"tnt_0002"}
    assert verify_ledger(mine).invoices == len(rows)
    assert "tnt_0002 was not left out" in str(
        _refused(mine, CloseRequest(date(2024, 9, 1), "Carla", tenants=("tnt_0002",)))
    )


def test_all_holds_are_those_that_nobody_has_signed(mine: Settings) -> None:
    """What Ann looked at is not said to have been looked at by Bob; named, it may be signed by him as well."""
    with duck.connect(require_release(mine).database, mine, read_only=True) as connection:
        holds = signing.holds_of(connection, OCTOBER)
    before = signing.signed_holds(ledger.entries(mine))
    waiting = sorted(hold.hold_id for hold in holds if hold.hold_id not in before)
    first, *others = waiting
    assert others and len(waiting) < len(holds)
    signing.sign_holds(mine, holds, [first], by="Ann", why="asked", now=IN_TIME)
    told = signing.signers_text(holds, signing.signed_holds(ledger.entries(mine)))
    assert told == f"1 by Ann, {len(holds) - len(waiting)} by Hanna"
    rest = signing.sign_holds(mine, holds, None, by="Bob", why="looked", now=IN_TIME)
    assert sorted(rest.body["holds"]) == others
    with pytest.raises(MeterhouseError, match=f"every hold of 2024-10 is signed already: 1 by Ann, {len(others)} by"):
        signing.sign_holds(mine, holds, None, by="Carla", why="looked", now=IN_TIME)
    signing.sign_holds(mine, holds, [first], by="Bob", why="asked as well", now=IN_TIME)
    assert signing.signed_holds(ledger.entries(mine))[first].recorded_by == "Bob"


def test_numbers_go_on_within_a_year_of_issue_and_no_input_is_listed_twice(mine: Settings) -> None:
    """October is closed in January, and the tenant left out of September after it: both are issued in 2025."""
    october = close_at(mine, "2024-10", "2025-01-02", leave_out=("tnt_0002",))
    pipeline.run_all(mine)
    september = close_at(mine, "2024-09", "2025-01-03", tenants=("tnt_0002",))
    closed = (october, september)
    numbers = [number for entry in closed for (number,) in _kept(mine, entry, "invoices", "invoice_number")]
    assert sorted(numbers) == [f"MH-2025-{n:06d}" for n in range(1, len(numbers) + 1)]
    # Nothing landed since the first close, which listed all there was.
    assert [len(_kept(mine, entry, "inputs", "file_sha256")) for entry in closed] == [0, 0]


def _kept(settings: Settings, entry: ledger.Entry, name: str, columns: str) -> list[tuple[Any, ...]]:
    """Columns of a file of an entry."""
    path = ledger.ledger_dir(settings) / entry.folder_name / f"{name}.parquet"
    return duckdb.read_parquet(str(path)).project(columns).fetchall()


def test_a_close_says_what_it_issued_when_it_is_due_and_which_files_it_stands_on(closed_sample: Settings) -> None:
    entry = ledger.entries(closed_sample)[-1]
    with duck.connect(require_release(closed_sample).database, closed_sample, read_only=True) as connection:
        issued = connection.execute(
            "select currency_code, sum(billed_amount)::varchar from marts.fct_invoices where status = 'issued' "
            "group by 1"
        ).fetchall()
    assert entry.body["totals"] == dict(issued)
    # 30 days after the 4th of October.
    assert set(_kept(closed_sample, entry, "invoices", "due_on")) == {(date(2024, 11, 3),)}
    with duck.connect(closed_sample.warehouse_path, closed_sample, read_only=True) as connection:
        receipts = connection.execute(
            "select source, file_sha256, status from raw.receipts order by source, file_sha256"
        ).fetchall()
    accepted = [(source, content) for source, content, status in receipts if status == "accepted"]
    assert 0 < len(accepted) < len(receipts)
    assert sorted(_kept(closed_sample, entry, "inputs", "source, file_sha256")) == accepted
    listed = "\n".join(content for _, content in accepted)
    assert entry.body["inputs_sha256"] == hashlib.sha256(listed.encode()).hexdigest()


def test_unknown_lines_tenants_months_and_holds_are_told(closed_sample: Settings) -> None:
    with pytest.raises(MeterhouseError, match="no line 'tnt_0001/2024-09/nothing'"):
        explain_line(closed_sample, "tnt_0001/2024-09/nothing")
    with pytest.raises(MeterhouseError, match="no invoice of nobody for 2024-09"):
        known_invoices(closed_sample, "nobody", date(2024, 9, 1), instant("2030-01-01"))
    with pytest.raises(MeterhouseError, match="nothing had been published"):
        known_invoices(closed_sample, "tnt_0002", date(2024, 9, 1), instant("2000-01-01"))
    with pytest.raises(MeterhouseError, match="no hold abc"):
        signing.sign_holds(closed_sample, [], ["abc"], by="Ann", why="so", now=IN_TIME)
    with pytest.raises(MeterhouseError, match="signed without a reason"):
        signing.sign_holds(closed_sample, [], None, by="Ann", why=" ", now=IN_TIME)
    with pytest.raises(MeterhouseError, match="2030-01 has no draft invoice"):
        signing.sign_off(closed_sample, date(2030, 1, 1), [], by="Ann", now=IN_TIME)


def _entry_path(settings: Settings, kind: str) -> Path:
    (entry,) = [e for e in ledger.entries(settings) if e.kind == kind][-1:]
    return ledger.ledger_dir(settings) / entry.folder_name


def _edit(path: Path, change: Any) -> None:
    told = json.loads(path.read_text())
    change(told)
    path.chmod(0o644)
    path.write_text(json.dumps(told))


def _swap_bytes(path: Path) -> None:
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(bytes(content))


def _rehash(folder: Path, change: Any) -> None:
    """Change an entry and make its own hash right again."""

    def rehashed(told: dict[str, Any]) -> None:
        told.pop("sha256")
        change(told)
        told["sha256"] = ledger.Entry(**told).sha256

    _edit(folder / ledger.ENTRY_FILE, rehashed)


def _forge(folder: Path, name: str = "invoices", change: str = "bill_to_name = 'Somebody Else'") -> None:
    """Other rows in a file of an entry, with every hash of the entry made right again."""
    file = folder / f"{name}.parquet"
    file.chmod(0o644)
    with duckdb.connect() as connection:
        connection.execute(f"create table t as from read_parquet('{file}'); update t set {change}")
        connection.execute(f"copy t to '{file}' (format parquet)")
    _rehash(folder, lambda told: told["files"].update({file.name: ledger.file_sha256(file)}))


FORGERIES = {
    "an amount of a close": lambda s: _swap_bytes(_entry_path(s, "close") / "lines.parquet"),
    "a record behind a line": lambda s: _swap_bytes(_entry_path(s, "close") / "evidence.parquet"),
    "a count of records": lambda s: _swap_bytes(_entry_path(s, "close") / "evidence_counts.parquet"),
    "when it was closed": lambda s: _edit(
        _entry_path(s, "close") / "entry.json", lambda t: t.update(recorded_at="2024-10-05T00:00:00.000000Z")
    ),
    "who closed": lambda s: _edit(_entry_path(s, "close") / "entry.json", lambda t: t.update(recorded_by="Eve")),
    "a reason": lambda s: _edit(_entry_path(s, "hold_signed") / "entry.json", lambda t: t["body"].update(why="none")),
    "a file removed": lambda s: (_entry_path(s, "close") / "inputs.parquet").unlink(),
    "a file added": lambda s: (_entry_path(s, "close") / "more.parquet").write_bytes(b""),
    "an entry removed": lambda s: shutil.rmtree(_entry_path(s, "sign_off")),
    "the last entry removed": lambda s: shutil.rmtree(_entry_path(s, "close")),
    "an entry that is no JSON": lambda s: _swap_bytes(_entry_path(s, "sign_off") / "entry.json"),
    "a sign-off before it made right again": lambda s: _rehash(
        _entry_path(s, "sign_off"), lambda t: t.update(recorded_by="Eve")
    ),
    "an entry made right again": lambda s: _forge(_entry_path(s, "close")),
}


@pytest.mark.parametrize("what", FORGERIES)
def test_a_ledger_tampered_with_is_found_and_nothing_is_closed_on_it(mine: Settings, what: str) -> None:
    verify_ledger(mine)
    FORGERIES[what](mine)
    with pytest.raises(ledger.LedgerTampered):
        verify_ledger(mine)


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        (
            "invoices",
            "bill_to_name = 'Somebody Else'",
            "fct_invoices of release 000002-.* does not show .* as it was issued",
        ),
        (
            "lines",
            "explanation = 'another reason'",
            "fct_invoice_lines of release 000002-.* does not show .* as it was issued",
        ),
        ("lines", "billed_amount = billed_amount + 1", "closed invoices do not add up to their lines"),
        ("invoices", "line_count = line_count + 1", "closed invoices do not add up to their lines"),
        ("invoices", "invoice_number = 'MH-2024-000001'", "numbers used twice: MH-2024-000001"),
        ("evidence", "raw_rows = raw_rows + 1", "lines do not match the records behind them"),
        ("evidence", "line_id = 'another'", "lines do not match the records behind them: .* 0 in its evidence"),
        (
            "evidence_counts",
            "record_count = record_count + 1",
            "record counts of ledger entry .* do not match its records",
        ),
    ],
)
def test_a_close_forged_with_all_its_hashes_contradicts_itself_or_the_release(
    mine: Settings, name: str, change: str, told: str
) -> None:
    """Also where the publications were made to say that they stand on the forged entry."""
    former = ledger.head(mine)
    _forge(_entry_path(mine, "close"), name, change)
    for published in history.publications(mine):
        if published.ledger_head == former:
            _edit(published.path / history.RECORD, lambda record: record.update(ledger_head=ledger.head(mine)))
    with pytest.raises(ledger.LedgerTampered, match=told):
        verify_ledger(mine)


@pytest.mark.parametrize("what", sorted(set(FORGERIES) - {"an entry made right again"}))
def test_nothing_is_closed_on_a_broken_ledger(mine: Settings, what: str) -> None:
    FORGERIES[what](mine)
    with pytest.raises(ledger.LedgerTampered):
        close_month(mine, CloseRequest(OCTOBER, "Carla", ("tnt_0002",)), IN_TIME)


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("an amount of a close", "has a lines.parquet that differs"),
        ("a file removed", r"missing or extra files \(inputs.parquet\)"),
        ("the last entry removed", "which is missing"),
    ],
)
def test_nothing_is_built_on_a_broken_ledger(mine: Settings, tmp_path: Path, what: str, told: str) -> None:
    """A close that is lost would make its month a draft again, to be numbered anew."""
    landing = tmp_path / "landing"
    shutil.copytree(mine.landing, landing)
    after = mine.at(mine.home, str(landing))
    served = current_release(mine)
    FORGERIES[what](after)
    (landing / "translations" / "more.csv").write_text(MORE_WORDS)
    with pytest.raises(ledger.LedgerTampered, match=told) as refused:
        pipeline.run_all(after)
    assert "from a backup" in refused.value.remedy
    assert current_release(mine) == served


def test_nothing_is_shown_of_a_close_whose_files_were_changed(mine: Settings) -> None:
    FORGERIES["an amount of a close"](mine)
    with pytest.raises(ledger.LedgerTampered):
        known_invoices(mine, "tnt_0003", date(2024, 9, 1), instant("2030-01-01"))


def test_what_stands_in_the_ledger_can_only_be_read(closed_sample: Settings) -> None:
    files = [path for path in ledger.ledger_dir(closed_sample).rglob("*") if path.is_file()]
    assert files and all(path.stat().st_mode & 0o222 == 0 for path in files)


def test_a_clock_that_was_set_back_adds_nothing_to_the_ledger(mine: Settings) -> None:
    before = ledger.entries(mine)
    assert before[-1].recorded_at == "2024-10-04T00:00:00.000000Z"
    with pytest.raises(MeterhouseError, match="before the newest ledger entry"):
        ledger.append(mine, "sign_off", {"month": "2024-10"}, by="Sam", now=instant("2024-10-03T23:59"))
    assert ledger.entries(mine) == before


def test_a_release_tampered_with_is_found(mine: Settings) -> None:
    release = current_release(mine)
    assert release is not None
    release.database.chmod(0o644)
    with duckdb.connect(str(release.database)) as connection:
        first = "(select min(invoice_id) from marts.fct_invoices)"
        changed = "update marts.fct_invoices set billed_amount = billed_amount + 1 where invoice_id = "
        assert connection.execute(changed + first).fetchone() == (1,)
    with pytest.raises(ledger.LedgerTampered, match="fct_invoices of release"):
        verify_ledger(mine)


def test_exports_of_a_closed_month_stay_the_same_bytes_whatever_is_published_later(mine: Settings) -> None:
    close_at(mine, "2024-09", "2024-10-20", tenants=("tnt_0002",))
    pipeline.run_all(mine)
    formats = ("csv", "parquet", "xlsx", "documents", "journal")

    def exported() -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for format in formats:
            folder = export_month(mine, "2024-09", format).path
            found |= {str(p.relative_to(folder.parent)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        return found

    before = exported()
    assert any(name.endswith(".xml") for name in before)
    close_at(mine, "2024-10", "2024-11-04")
    assert pipeline.run_all(mine).release is not None
    assert exported() == before


def test_analysts_see_the_records_of_every_closed_line_and_still_nothing_else(closed_sample: Settings) -> None:
    connection = open_release(closed_sample)
    _, off = run_query(
        connection,
        "select l.line_id from fct_invoice_lines as l left join (select line_id, sum(raw_rows) as raw_rows "
        "from invoice_line_records group by 1) as r on l.line_id = r.line_id "
        "where l.invoice_id in (select invoice_id from fct_invoices where status = 'issued') "
        "and l.meter != 'whatsapp_fee' and l.raw_rows is distinct from r.raw_rows",
    )
    assert off == []
    _, excluded = run_query(
        connection, "select count(*) from invoice_line_records where fate = 'excluded' and line_id is null"
    )
    assert excluded[0][0] > 0
    raw = closed_sample.raw_dir / "twilio_calls"
    for query in (f"select * from read_parquet('{raw}/*.parquet')", "copy (select 1) to '/tmp/stolen.csv'"):
        with pytest.raises(MeterhouseError):
            run_query(connection, query)


def _bytes_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_analysts_can_write_neither_ledger_nor_release(mine: Settings) -> None:
    ledgers, releases = ledger.ledger_dir(mine), mine.published_dir
    records = max(ledgers.glob(f"[0-9]*/{FILE_NAME}"))
    before = _bytes_below(ledgers), _bytes_below(releases)
    address = f"closed://{records.parent.name}/{FILE_NAME}"
    for statement in (
        f"copy (select 1 as x) to '{records.with_name('lines.parquet')}' (format parquet)",
        f"copy (select 1 as x) to '{records}' (format parquet)",
        f"copy (select 1 as p, 2 as x) to '{ledgers}/000099' (format parquet, partition_by (p))",
        f"copy (select 1 as x) to '{releases / 'current' / 'meterhouse.duckdb'}'",
        f"export database '{ledgers}/000099'",
        f"explain analyze copy (select 1 as x) to '{records}'",
        f"copy (select 1 as x) to '{address}' (format parquet)",
    ):
        with open_release(mine) as connection:
            with pytest.raises(MeterhouseError, match="only reads"):
                run_query(connection, statement)
            with pytest.raises((duckdb.Error, PermissionError)):  # nor if it were taken for a query
                connection.execute(statement).fetchall()
    for place in (str(ledgers), str(records), address, "closed://log"):
        # Hidden from whoever reads the text; the engine gives up at its log, hence a process of its own.
        hidden = f"from enable_' || 'logging(storage = ''file'', storage_path = ''{place}'')"
        code = (
            "from orchestration.publishing.analyst_sql import open_release; "
            "from orchestration.settings import load_settings; connection = open_release(load_settings()); "
            f"""print(connection.execute("from query('{hidden}')").fetchall(), flush=True); """
            "connection.execute('select count(*) from invoice_line_records')"
        )
        environment = os.environ | {"METERHOUSE_HOME": str(mine.home), "PYTHONPATH": str(PROJECT_DIR)}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode != 0, place
    assert (_bytes_below(ledgers), _bytes_below(releases)) == before
