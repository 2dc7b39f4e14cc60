"""An operator's day in the real UI, in a real browser: find the month, rerun it, break something, see red, fix it.

Every step keeps a screenshot (METERHOUSE_UI_ARTEFACTS, or var/ui-artefacts).
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from orchestration.publishing.release import current_release
from orchestration.settings import Settings
from tests.survival.servers import command
from tests.ui.conftest import Installation
from tests.ui.pages import FAILED_STEP, INVOICES, LINES, RELEASE, VERDICT, Ui

pytestmark = pytest.mark.needs_programs

MONTH = "2024-11"
GOOD_CHECK = "gen_07_amounts_are_quantity_times_price_rounded_once"
# A typing error in the price book: a price under a clause that does not exist.
SEED = "seeds/terms/price_updates.csv"
TYPED, MISTYPED = "kiq_conversation.usd.2022-01-01,kiq_conversation,,USD,0.00,", "KIQ-94"
RED_ASSET = "seeds/price_updates"
RED_CHECK = "relationships_price_updates_clause_id__clause_id__ref_clauses_"
BROKEN_EXTRACT = "translation_id,org_id,source,target,characters\nt-1,o-1,en,de,5\n"


def _content_hash(settings: Settings) -> str:
    release = current_release(settings)
    assert release is not None
    return release.content_hash


def _bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _published(settings: Settings) -> dict[str, tuple[str, str]]:
    """Every path under published/: where a link leads, or the hash of what a file holds."""
    found = {}
    for path in sorted(settings.published_dir.rglob("*")):
        name = str(path.relative_to(settings.published_dir))
        if path.is_symlink():
            found[name] = ("link", str(path.readlink()))
        elif path.is_file():
            found[name] = ("file", hashlib.sha256(path.read_bytes()).hexdigest())
    return found


def _mistype(settings: Settings) -> str:
    """Write the wrong clause into the price book; returns what stood there."""
    path = settings.project_dir / SEED
    before = path.read_text(encoding="utf-8")
    lines = before.splitlines(keepends=True)
    (number,) = [n for n, line in enumerate(lines) if line.startswith(TYPED)]
    assert ",KIQ-04," in lines[number]
    lines[number] = lines[number].replace(",KIQ-04,", f",{MISTYPED},")
    path.write_text("".join(lines), encoding="utf-8")
    return before


def _quality_page(installation: Installation) -> Path:
    done = command(installation.settings, "quality")
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def test_a_month_is_rerun_broken_and_fixed_in_the_ui(installation: Installation, ui: Ui) -> None:
    settings = installation.settings
    release = current_release(settings)
    assert release is not None
    before = _published(settings)
    manifest = json.loads((release.path / "manifest.json").read_text(encoding="utf-8"))

    # What is published shows before anything was run here.
    ui.open_graph()
    ui.shot("graph")
    ui.open_month(MONTH)
    assert release.release_id in ui.metadata("release_id")
    ui.shot("month")

    # The same again: green, and nothing changed.
    run_id = ui.launch_month(MONTH)
    assert ui.watch_run(run_id) == "Success"
    ui.shot("run-green")
    ui.open_check(LINES, GOOD_CHECK)
    expect(ui.page.get_by_text("Passed", exact=True).first).to_be_visible()
    ui.shot("check-green")
    ui.open_asset(VERDICT)
    assert manifest["content_hash"] in ui.metadata("candidate_hash")
    ui.shot("verdict-green")
    ui.open_asset(RELEASE)
    assert release.release_id in ui.metadata("release_id")
    assert manifest["content_hash"] in ui.metadata("content_hash")
    assert "true" in ui.metadata("nothing_changed")
    ui.shot("release")
    assert _published(settings) == before

    # A malformed extract, and a price under a clause that does not exist: the gate shuts.
    broken = settings.landing / "translations" / "mangled.csv"
    broken.write_text(BROKEN_EXTRACT, encoding="utf-8")
    price_book = _mistype(settings)
    run_id = ui.launch_month(MONTH)
    assert ui.watch_run(run_id) == "Failure"
    ui.filter_log(FAILED_STEP)
    expect(ui.page.get_by_text(re.compile("so nothing is published")).first).to_be_visible()
    ui.shot("run-red")
    ui.filter_log("refused translations/mangled.csv")
    expect(ui.page.get_by_text("refused translations/mangled.csv").first).to_be_visible()
    ui.shot("refused-file")
    ui.open_check(RED_ASSET, RED_CHECK)
    expect(ui.page.get_by_text("Failed", exact=True).first).to_be_visible()
    told = " ".join(ui.page.inner_text("body").split())
    assert f"clause_id={MISTYPED}" in told
    assert f"Correct these rows of {SEED}" in told
    ui.shot("check-red")
    ui.open_asset(VERDICT)
    assert "false" in ui.metadata("passed")
    ui.shot("verdict-red")
    assert f"clause_id={MISTYPED}" in ui.metadata("failed_1")
    page = _quality_page(installation)
    assert str(page) in ui.metadata("quality_page")
    ui.page.get_by_text("quality_page", exact=True).first.scroll_into_view_if_needed()
    ui.shot("verdict-red-failed-checks")
    ui.page.goto(page.as_uri())
    expect(ui.page.get_by_role("heading", name="1 of ")).to_be_visible()
    expect(ui.page.get_by_text("the gate refused it")).to_be_visible()
    ui.shot("quality-page-red")
    assert _published(settings) == before
    assert _content_hash(settings) == release.content_hash

    # Mended: green again, the invoices as they were to the byte, the refused file told among the findings.
    (settings.project_dir / SEED).write_text(price_book, encoding="utf-8")
    run_id = ui.launch_month(MONTH)
    assert ui.watch_run(run_id) == "Success"
    ui.shot("run-fixed")
    ui.open_check(RED_ASSET, RED_CHECK)
    expect(ui.page.get_by_text("Passed", exact=True).first).to_be_visible()
    ui.shot("check-fixed")
    ui.open_month(MONTH)
    fixed = current_release(settings)
    assert fixed is not None
    assert fixed.release_id in ui.metadata("release_id")
    ui.shot("month-fixed")
    ui.open(f"assets/{INVOICES}?view=events")
    expect(ui.page.get_by_text(MONTH).first).to_be_visible()
    for table in ("fct_invoices", "fct_invoice_lines"):
        was, now = (_bytes_of(r.path / "parquet" / table) for r in (release, fixed))
        assert was and was == now, table
    after = _published(settings)
    assert {name: after[name] for name in before if name != "current"} == {
        name: what for name, what in before.items() if name != "current"
    }
    ui.page.goto(_quality_page(installation).as_uri())
    expect(ui.page.get_by_role("heading", name="checks passed")).to_be_visible()
    ui.shot("quality-page-green")
