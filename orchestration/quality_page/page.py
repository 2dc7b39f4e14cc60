"""Writing the verdict page: facts into the template, in the style of the month report, whole or not at all."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment

from orchestration.month_report import figures, whole_page
from orchestration.month_report.whole_page import write_whole
from orchestration.publishing.release import release_verdict
from orchestration.quality.circumstances import Circumstances
from orchestration.quality_page.facts import VerdictFacts, gather_facts, kept_release, last_verdict
from orchestration.settings import Settings

_HERE = Path(__file__).resolve().parent


def page_path(settings: Settings, candidate_hash: str) -> Path:
    """Where the page of a verdict on the candidate of that hash lies."""
    return settings.quality_dir / f"{candidate_hash[:12]}.html"


def write_verdict_page(settings: Settings, target: Path | None = None) -> Path:
    """Write the page of the last verdict, passed or failed, and return where: `target`, or its own place.

    One HTML page that needs nothing but itself. Raises MeterhouseError when nothing was judged yet,
    WarehouseBusy while a run is writing; what was there before then stays.
    """
    verdict, known = last_verdict(settings)
    page = render_verdict_page(gather_facts(settings, verdict, known))
    return write_whole(page, target or page_path(settings, verdict.candidate_hash))


def write_kept_release_page(settings: Settings, release_id: str) -> Path:
    """Write the page of a kept release's verdict and return where. Raises MeterhouseError for an unknown release."""
    release = kept_release(settings, release_id)
    verdict = release_verdict(release)
    page = render_verdict_page(gather_facts(settings, verdict, Circumstances()))
    return write_whole(page, page_path(settings, verdict.candidate_hash))


def render_verdict_page(facts: VerdictFacts) -> str:
    """The page as text; equal facts give equal text."""
    return str(_environment().get_template("verdict.html.j2").render(facts=facts))


@cache
def _environment() -> Environment:
    # The month report's tables and style, and what is added to them here.
    environment = whole_page.environment(_HERE, _HERE.parent / "month_report")
    environment.filters["whole"] = figures.whole
    return environment
