"""What moved between releases: by how much, and because of which files and seed rows."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from orchestration import duck
from orchestration.publishing import changes, history
from orchestration.publishing.changes import find_causes, moved_with, write_changes
from orchestration.publishing.release import current_release
from orchestration.settings import Settings
from tests.conftest import SampleRun
from tests.project_copy import copy_of_project

OLD = "voice_minute.inbound_local.usd.2022-01-01,voice_minute,inbound_local,USD,0.015,"


@pytest.fixture
def repriced(sample_run: SampleRun, tmp_path: Path) -> Settings:
    """The sample, a price row of its project edited since it was published."""
    project = copy_of_project(tmp_path / "project")
    seed = project / "seeds" / "terms" / "price_updates.csv"
    text = seed.read_text()
    assert OLD in text
    seed.write_text(text.replace(OLD, OLD.replace("0.015", "0.016")))
    home = tmp_path / "var"
    shutil.copytree(sample_run.settings.home, home, symlinks=True)
    return replace(sample_run.settings, home=home, project_dir=project)


def test_a_seed_row_edited_is_named_by_the_lines_it_bears_on(repriced: Settings, tmp_path: Path) -> None:
    """One line is dearer by hand in the candidate: 0.05 more, named with the row that was and the row that is."""
    release = current_release(repriced)
    (published,) = history.publications(repriced)
    assert release is not None
    with duck.connect(repriced.warehouse_path, repriced) as connection:
        causes = find_causes(connection, repriced, published)
        assert causes.files == [] and not causes.project_changed
        assert [row.text.split(",")[0] + " " + row.text.split(",")[4] for row in causes.seed_rows] == [
            "price_updates.csv + voice_minute.inbound_local.usd.2022-01-01 0.016",
            "price_updates.csv - voice_minute.inbound_local.usd.2022-01-01 0.015",
        ]
        (line,) = connection.execute(
            "select line_id from marts.fct_invoice_lines where price_key = 'inbound_local' "
            "and meter = 'voice_minute' order by 1 limit 1"
        ).fetchone() or ("",)
        connection.execute("begin")
        connection.execute(
            "update marts.fct_invoice_lines set billed_amount = billed_amount + 0.05 where line_id = ?", [line]
        )
        connection.execute("commit")
        target = tmp_path / "released.duckdb"
        connection.execute(f"attach '{target}' as released; create schema released.marts")
        connection.execute("create table released.marts.fct_invoices as from marts.fct_invoices")
        write_changes(connection, repriced, "000002-x", published, release.database)
        connection.execute("detach released")
    with duckdb.connect(str(target), read_only=True) as connection:
        rows = connection.execute(
            f"select change, line_id, amount_moved::varchar, causes from marts.{changes.TABLE}"
        ).fetchall()
        (moved,) = moved_with(connection, "000002-x")
    ((change, moved_line, amount, told),) = rows
    assert (change, moved_line, amount) == ("changed", line, "0.050")
    assert "seed price_updates.csv + voice_minute.inbound_local.usd.2022-01-01" in told
    assert "seed price_updates.csv - voice_minute.inbound_local.usd.2022-01-01" in told
    assert (moved.change, moved.lines, moved.amount_moved) == ("changed", 1, "0.05")


def test_a_seed_row_is_no_cause_of_lines_whose_names_it_only_contains(sample_run: SampleRun, tmp_path: Path) -> None:
    """tnt_0001 stands in tnt_00012, and a meter in a note; a rate of a card is named by the lines it prices.

    A pool names no meter: it is of WhatsApp. A setting is of the meter it sets.
    """
    release = current_release(sample_run.settings)
    (published,) = history.publications(sample_run.settings)
    assert release is not None
    with duck.connect(sample_run.settings.warehouse_path, sample_run.settings, read_only=True) as connection:
        ((tenant, voice), (_, whatsapp)) = (
            connection.execute(
                "select tenant_id, line_id from marts.fct_invoice_lines where meter = ? and charge_category = 'usage' "
                "and starts_with(price_id, ?) order by all limit 1",
                found,
            ).fetchone()
            or ("", "")
            for found in (("voice_minute", ""), ("whatsapp_conversation", "meta_cbp_2024_11|"))
        )
    market, category = whatsapp.split("/")[3].split("|")
    project = copy_of_project(tmp_path / "project")
    terms = project / "seeds" / "terms"
    with (terms / "invoice_settings.csv").open("a") as text:
        text.write(f"{tenant}2,MH,O,Tax is added by the ledger system,,as {tenant} has it for voice_minute\n")
        text.write(f"{tenant},MH,O,Tax is added by the ledger system,,its own\n")
    pool, basis = "p,business,7,2024-10-01,2024-10-01,,false,a test", "kiq_basis,kiq_01,2024-10-01,KIQ-03,a test"
    for seed, row in (("plan_whatsapp_pools.csv", pool), ("billing_settings.csv", basis)):
        with (terms / seed).open("a") as text:
            text.write(f"{row}\n")
    rates = terms / "whatsapp_card_rates.csv"
    (rate,) = [
        row for row in rates.read_text().splitlines() if row.startswith(f"meta_cbp_2024_11,{market},{category},")
    ]
    rates.write_text(rates.read_text().replace(rate, f"{rate}1"))
    home = tmp_path / "var"
    shutil.copytree(sample_run.settings.home, home, symlinks=True)
    edited = replace(sample_run.settings, home=home, project_dir=project)

    target = tmp_path / "released.duckdb"
    with duck.connect(edited.warehouse_path, edited) as connection:
        connection.execute(
            "update marts.fct_invoice_lines set billed_amount = billed_amount + 1 where line_id in (?, ?)",
            [voice, whatsapp],
        )
        connection.execute(f"attach '{target}' as released; create schema released.marts")
        write_changes(connection, edited, "000002-x", published, release.database)
        connection.execute("detach released")
    with duckdb.connect(str(target), read_only=True) as connection:
        told = dict(connection.execute(f"select line_id, causes from marts.{changes.TABLE}").fetchall())
    own = f"seed invoice_settings.csv + {tenant},MH,O,Tax is added by the ledger system,,its own"
    assert told[voice] == own
    assert told[whatsapp].split("; ")[-3:] == [
        f"seed plan_whatsapp_pools.csv + {pool}",
        f"seed whatsapp_card_rates.csv + {rate}1",
        f"seed whatsapp_card_rates.csv - {rate}",
    ]


def test_models_that_changed_together_with_a_seed_are_a_cause_beside_it(repriced: Settings) -> None:
    """One price row edited is two seed rows, and no model; what an earlier version kept cannot tell them apart."""
    (published,) = history.publications(repriced)
    with duck.connect(repriced.warehouse_path, repriced, read_only=True) as connection:
        assert not find_causes(connection, repriced, published).project_changed
        (model,) = (repriced.project_dir / "models").rglob("int_gen_07__lines_rated.sql")
        model.write_text(f"{model.read_text()}\n-- another rule\n")
        causes = find_causes(connection, repriced, published)
        assert (causes.project_changed, len(causes.seed_rows)) == (True, 2)
        former = replace(published, models_sha256="")
        assert not find_causes(connection, repriced, former).project_changed


def test_the_first_release_has_nothing_before_it(sample_run: SampleRun) -> None:
    release = current_release(sample_run.settings)
    assert release is not None
    with duck.connect(release.database, sample_run.settings, read_only=True) as connection:
        assert moved_with(connection, release.release_id) == []
    (published,) = history.publications(sample_run.settings)
    assert published.release_id == release.release_id
    assert {p.name for p in (published.path / "seeds").iterdir()} >= {"price_updates.csv", "currencies.csv"}


def _moved(*rows: str) -> list[changes.Moved]:
    """What is told of lines of October in USD that moved: (change, causes, amount) each."""
    columns = ", ".join(f"{name} {kind}" for name, (kind, _) in changes.COLUMNS.items())
    with duckdb.connect() as connection:
        connection.execute(f"create schema marts; create table marts.{changes.TABLE} ({columns})")
        connection.execute("create table marts.fct_invoices as select 'USD' as currency_code, 2 as minor_unit")
        connection.execute(
            f"insert into marts.{changes.TABLE} by name "
            "select '000002-x' as release_id, date '2024-10-01' as billing_month, 'USD' as currency_code, * from ("
            f"values {', '.join(rows)}) as moved(change, causes, amount_moved)"
        )
        return moved_with(connection, "000002-x")


def test_causes_of_some_lines_are_not_told_as_those_of_all() -> None:
    """USD 1.50 + 2.00 = 3.50 came with calls.csv, 4.00 with words.csv: more, though of one line only."""
    added, changed = _moved(
        "('added', 'file calls.csv', 1.5), ('added', 'file calls.csv', 2), ('added', 'file words.csv', 4)",
        "('changed', 'file words.csv', -1)",
    )
    assert (added.lines, added.amount_moved) == (3, "7.50")
    assert added.causes == "file words.csv (1 of 3 lines); the others also because of file calls.csv"
    assert (changed.lines, changed.amount_moved, changed.causes) == (1, "-1.00", "file words.csv")


def test_the_causes_told_are_those_that_moved_most_and_not_the_first_by_name() -> None:
    """Nine calls of USD 0.30 are 2.70, the penalty is 2.00: what moved most lines and most money is named first."""
    (found,) = _moved(
        "('changed', 'file carrier_penalties/late.csv; file twilio_calls/late_1.json', 2)",
        *["('changed', 'file twilio_calls/late_1.json', 0.3)"] * 9,
    )
    assert found.causes == (
        "file twilio_calls/late_1.json (9 of 10 lines); the others also because of file carrier_penalties/late.csv"
    )


def test_what_goes_up_and_down_moved_as_much_and_of_equals_the_one_of_more_lines_is_first() -> None:
    """5.00 - 5.00 moved 10.00, against 3 x 3.00 = 9.00; then 2 x 1.00 against 1 x 2.00; then b against c."""
    up_and_down, lines, names = _moved(
        "('added', 'file z', 5), ('added', 'file z', -5), ('added', 'file a', 3), ('added', 'file a', 3)",
        "('added', 'file a', 3), ('changed', 'file z', 1), ('changed', 'file z', 1), ('changed', 'file a', 2)",
        "('removed', 'file c', -1), ('removed', 'file b', -1)",
    )
    assert up_and_down.causes.startswith("file z (2 of 5 lines)") and up_and_down.amount_moved == "9.00"
    assert lines.causes.startswith("file z (2 of 3 lines)")
    assert names.causes.startswith("file b (1 of 2 lines)")


def test_other_causes_are_named_once_up_to_a_bound() -> None:
    """What the first set holds is no other cause; a seed's row with a semicolon is one cause."""
    (few,) = _moved("('added', 'file a; file b', 5)", "('added', 'file a', 1)", "('added', 'file b', 1)")
    assert few.causes == "file a; file b (1 of 3 lines; the others because of some of these)"
    (many,) = _moved(
        "('added', 'file a and 2 more', 9)",
        "('added', 'file a; file b; seed s.csv + x,first; then y', 5)",
        "('added', 'file b; file c and 3 more', 4)",
        "('added', 'file d; file e', 3)",
    )
    assert many.causes == (
        "file a and 2 more (1 of 4 lines); the others also because of file b; seed s.csv + x,first; then y; file c "
        'and 2 more: meterhouse sql "select distinct causes from rpt_release_changes"'
    )
