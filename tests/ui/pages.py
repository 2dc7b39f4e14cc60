"""What the tests click and read in the Dagster UI. All names and selectors of it stand here, and nowhere else."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect

CHROMIUM_ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LOCATION = "orchestration.definitions"
MONTH_JOB = "monthly_invoices"
# Group names of the asset graph, in no order.
STAGES = ("landing", "raw", "staging", "metering", "rating", "invoicing", "marts", "quality", "publishing")
INVOICES = "publishing/invoices"
RELEASE = "publishing/release"
VERDICT = "quality/verdict"
LINES = "marts/fct_invoice_lines"
# The message of the event that carries a failed step's reason.
FAILED_STEP = 'Execution of step "build_and_judge" failed'
# A run's worker loads everything anew, and the machine may be busy.
RUN_MILLISECONDS = 300_000
PAGE_MILLISECONDS = 60_000


class Ui:
    """One browser page on the UI of one installation; every screenshot is numbered in the order taken."""

    def __init__(self, page: Page, address: str, artefacts: Path) -> None:
        self.page = page
        self._address = address
        self._artefacts = artefacts
        self._shots = 0
        expect.set_options(timeout=PAGE_MILLISECONDS)
        page.set_default_timeout(PAGE_MILLISECONDS)
        page.set_default_navigation_timeout(PAGE_MILLISECONDS)

    def shot(self, name: str) -> Path:
        """Keep what the operator sees now."""
        self._shots += 1
        path = self._artefacts / f"{self._shots:02d}-{name}.png"
        self.page.screenshot(path=path)
        return path

    def open(self, path: str) -> None:
        self.page.goto(f"{self._address}/{path}")

    def open_graph(self) -> None:
        """The global asset graph, once every stage is drawn."""
        self.open("asset-groups")
        for stage in STAGES:
            expect(self.page.get_by_text(stage, exact=True).first).to_be_visible()

    def open_month(self, month: str) -> None:
        """The month among the partitions of the invoices, once its metadata is shown."""
        self.open(f"assets/{INVOICES}?view=partitions&partition={month}")
        expect(self.page.get_by_text("Latest materialization")).to_be_visible()

    def open_asset(self, asset: str) -> None:
        """An asset's overview, once its metadata is shown."""
        self.open(f"assets/{asset}")
        expect(self.page.get_by_text("Latest materialization")).to_be_visible()
        expect(self.page.get_by_placeholder("Filter metadata keys")).to_be_visible()

    def open_check(self, asset: str, check: str) -> None:
        """One check of an asset, once its latest result is shown."""
        self.open(f"assets/{asset}?view=checks&checkDetail={check}")
        expect(self.page.get_by_text("Evaluation result")).to_be_visible()

    def metadata(self, key: str) -> str:
        """Value of a metadata entry of the page's table, as it is shown."""
        row = self.page.get_by_role("row").filter(has=self.page.get_by_text(key, exact=True)).last
        expect(row).to_be_visible()
        return " ".join(row.inner_text().split())

    def launch_month(self, month: str) -> str:
        """Materialise the month through the dialog, as an operator does; returns the run's id."""
        self.open(f"locations/{LOCATION}/jobs/{MONTH_JOB}")
        self.page.get_by_role("button", name="Materialize all").click()
        dialog = self.page.get_by_role("dialog")
        chosen = dialog.get_by_placeholder(re.compile(r"^ex: "))
        chosen.fill(month)
        chosen.press("Tab")
        launch = dialog.get_by_role("button", name="Launch 1 run")
        expect(launch).to_be_enabled()
        expect(dialog.get_by_text("Loading pipeline")).to_have_count(0)
        self.shot("dialog")
        with self.page.expect_response(lambda response: _is_launch(response.request.post_data)) as answered:
            launch.click()
        return _run_id(answered.value.text())

    def watch_run(self, run_id: str) -> str:
        """The run's page from start to end; returns `Success` or `Failure`, as it is shown."""
        self.open(f"runs/{run_id}")
        expect(self.page.get_by_text(re.compile(r"^(Starting|Started|Queued|Success|Failure)$")).first).to_be_visible()
        self.shot("run-under-way")
        ended = self.page.get_by_text(re.compile(r"^(Success|Failure|Canceled)$")).first
        expect(ended).to_be_visible(timeout=RUN_MILLISECONDS)
        # How long it took is told last.
        expect(self.page.get_by_text(re.compile(r"^\d+:\d\d:\d\d$")).first).to_be_visible()
        return ended.inner_text()

    def filter_log(self, text: str) -> None:
        """Cut the run's log down to events whose message has `text`."""
        box = self.page.get_by_placeholder("Filter…")
        box.fill(text)
        box.press("Enter")


def _is_launch(body: str | None) -> bool:
    return (body is not None and "LaunchPartitionBackfill" in body) or (body is not None and "LaunchPipeline" in body)


def _run_id(answer: str) -> str:
    found = re.search(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", answer)
    assert found is not None, f"no run was launched: {answer[:500]}"
    return found.group()
