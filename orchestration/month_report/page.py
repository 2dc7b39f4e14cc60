"""Writing the month report: facts into the template, the page whole or not at all."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from orchestration.billing_month import month_name
from orchestration.month_report import figures, plots, whole_page
from orchestration.month_report.facts import MonthFacts, gather_facts
from orchestration.month_report.whole_page import write_whole
from orchestration.settings import Settings

SHOWN_ROWS = 20
_HERE = Path(__file__).resolve().parent


def write_month_report(settings: Settings, month: date, target: Path) -> Path:
    """Write the report of the billing month that `month` lies in to the file `target` and return it.

    One HTML page that needs nothing but itself; the same release and ledger give the same bytes. Raises
    MeterhouseError when nothing is published or the month has no invoice; what was at `target` then stays.
    """
    return write_whole(render_month_report(gather_facts(settings, month)), target)


def render_month_report(facts: MonthFacts) -> str:
    """The page as text."""
    environment = whole_page.environment(_HERE)
    for name in ("whole", "quantity", "percent", "gigabytes", "size", "month_short", "words", "heading"):
        environment.filters[name] = getattr(figures, name)
    environment.filters["month_name"] = month_name
    environment.globals.update(bar=plots.bar, signed_bar=plots.signed_bar, level_bar=plots.level_bar)
    environment.filters["money"] = lambda amount, currency: figures.money(amount, facts.minor_units.get(currency, 2))
    environment.filters["moved"] = lambda amount, currency: figures.moved(amount, facts.minor_units.get(currency, 2))
    return environment.get_template("page.html.j2").render(facts=facts, shown_rows=SHOWN_ROWS)
