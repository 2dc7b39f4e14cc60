"""Great Expectations' Data Docs, built offline from the results of the run itself.

A file data context of the library's own lies under the state folder; it is made anew each time. The library's
pages pull styles and scripts from the web: those are taken out, so that a page asks nothing of any network,
and a plain style and a link to our own page are put in. Takes the seconds the library needs to load, so
nothing of a run waits for it.
"""

from __future__ import annotations

import os
import re
import shutil
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from orchestration import clock, duck
from orchestration.errors import MeterhouseError
from orchestration.quality import circumstances
from orchestration.settings import Settings

_SITE = Path("gx/uncommitted/data_docs/local_site")
_FROM_THE_WEB = re.compile(
    r'<link\b[^>]*\bhref="https?://[^>]*>|<script\b[^>]*\bsrc="https?://[^>]*>\s*</script>|'
    r"""<img\b[^>]*\bsrc="https?://[^>]*>|(?<=url\()(['"])https?://[^'"]*(?=\1)""",
    re.IGNORECASE | re.DOTALL,
)
# What is not content: its newsletter, and buttons and windows that need the scripts.
_BESIDE_THE_POINT = re.compile(r"<footer\b.*?</footer>|<button\b.*?</button>", re.DOTALL)
# In place of the library's web styles: enough for its tables and marks to be read.
_STYLE = """<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 1rem auto; max-width: 72rem; padding: 0 1rem; color: #1c2127; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; }
th, td { border-bottom: 1px solid #d9dee3; padding: .3rem .6rem; text-align: left; vertical-align: top; }
th { white-space: nowrap; } td { overflow-wrap: anywhere; }
h5, h6 { font-size: 1rem; } .modal, [onclick] { display: none; }
i { font-style: normal; font-weight: 600; white-space: nowrap; }
.fa-check-circle::before { content: "passed"; color: #2f6b4a; }
.fa-times::before, .fa-exclamation-triangle::before { content: "failed"; color: #a5443c; }
.meterhouse-note { border: 1px solid #5b6570; padding: .5rem .75rem; }
</style>"""


def build_data_docs(settings: Settings, our_page: Path) -> Path:
    """Build Data Docs of the last verdict's suites and return the path of their index.

    `our_page` is linked from every page. Raises MeterhouseError where no results of the suites are kept.
    """
    with duck.connect(settings.warehouse_path, settings, read_only=True) as connection:
        results = circumstances.results_by_suite(connection)
        judged_at = circumstances.read(connection).judged_at
    if not results:
        raise MeterhouseError(
            "no results of the suites are kept",
            "They are kept by the next run that judges something: run `meterhouse run`.",
        )
    root = settings.quality_dir / "great_expectations"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    _build(root, results, datetime.strptime(judged_at, clock.TOLD).replace(tzinfo=UTC))
    pages = sorted((root / _SITE).rglob("*.html"))
    index = root / _SITE / "index.html"
    for page in pages:
        # The index lists its pages by a script from the web.
        _take_off_the_web(page, our_page, [p for p in pages if p != index] if page == index else [])
    return index


def _build(root: Path, results: dict[str, list[dict[str, Any]]], judged_at: datetime) -> None:
    import logging

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    import great_expectations as gx
    from great_expectations.core import ExpectationSuite, ExpectationSuiteValidationResult
    from great_expectations.core.expectation_validation_result import expectationValidationResultSchema
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.data_context.types.resource_identifiers import (
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )

    context = gx.get_context(mode="file", project_root_dir=root)
    context.variables.progress_bars = {"globally": False}
    run = RunIdentifier(run_name=judged_at.strftime("%Y%m%d-%H%M%S"), run_time=judged_at)
    for name, told in sorted(results.items()):
        found = [expectationValidationResultSchema.load(row) for row in told]
        context.suites.add(ExpectationSuite(name, expectations=[row.expectation_config for row in found]))
        passed = sum(bool(row.success) for row in found)
        whole = ExpectationSuiteValidationResult(
            success=passed == len(found),
            results=found,
            suite_name=name,
            statistics={
                "evaluated_expectations": len(found),
                "successful_expectations": passed,
                "unsuccessful_expectations": len(found) - passed,
                "success_percent": passed * 100 / len(found),
            },
            meta={"run_id": run, "great_expectations_version": gx.__version__},
        )
        key = ValidationResultIdentifier(ExpectationSuiteIdentifier(name), run, f"candidate-{name}")
        context.validation_results_store.set(key, whole)
    context.build_data_docs()


def _take_off_the_web(page: Path, our_page: Path, listed: list[Path]) -> None:
    def link(target: Path, text: str) -> str:
        return f'<a href="{escape(os.path.relpath(target, page.parent))}">{escape(text)}</a>'

    note = (
        '<div class="meterhouse-note"><p>Great Expectations draws this page with styles and scripts from the web. '
        "They are left out here, so the page looks plain and makes no network requests. Every check of the verdict, "
        f"including dbt's: {link(our_page, 'our page')}.</p>"
    )
    for folder, title in (("validations", "Results"), ("expectations", "Expectations")):
        mine = [p for p in listed if p.relative_to(page.parent).parts[0] == folder]
        rows = "".join(f"<li>{link(p, p.stem.removeprefix('candidate-'))}</li>" for p in mine)
        note += f"<p>{title}:</p><ul>{rows}</ul>" if mine else ""
    text = _BESIDE_THE_POINT.sub("", _FROM_THE_WEB.sub("", page.read_text(encoding="utf-8")))
    text = text.replace("</head>", f"{_STYLE}</head>", 1)
    page.write_text(
        re.sub(r"(<body\b[^>]*>)", lambda found: f"{found.group()}{note}</div>", text, count=1), encoding="utf-8"
    )
