"""`python -m benchmarks`: full runs, scenarios, peers, and the report on the figures they kept.

Parses and prints; the other modules decide what is measured and how.
"""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from benchmarks import report, results
from benchmarks.lines import LinesDiffer
from benchmarks.processes import CommandFailed
from orchestration.settings import PROJECT_DIR

app = typer.Typer(add_completion=False, rich_markup_mode=None, help=__doc__)
CONSOLE = Console(width=180)


@app.command()
def full(
    records: Annotated[str, typer.Option(help="Sizes in usage records, with commas.")] = "1000000,10000000",
) -> None:
    """Landing to published marts compared with the limit query, in pairs."""
    from benchmarks.full_run import measure

    for size in (int(text) for text in records.split(",")):
        with CONSOLE.status(f"{size:,} records") as status:
            figures = measure(size, status.update)
        kept = results.keep("full", str(size), figures.as_dict())
    report.print_full(CONSOLE)
    CONSOLE.print(f"Kept in {kept}; plot: {report.write_plot()}", soft_wrap=True)


@app.command(name="scenarios")
def run_scenarios(
    names: Annotated[list[str] | None, typer.Argument(help="Which; default: all.")] = None,
    records: Annotated[int, typer.Option(help="Usage records of the scenarios that take one size.")] = 1_000_000,
    month_records: Annotated[int, typer.Option(help="Usage records a month of the history.")] = 500_000,
    files: Annotated[int, typer.Option(help="Known files for the run with nothing new.")] = 4_500,
) -> None:
    """The other targets: forms, memory, history, late files, nothing new, queries, growth."""
    from benchmarks.scenarios import SCENARIOS, Sizes

    sizes = Sizes(records=records, month_records=month_records, files=files)
    for name in names or list(SCENARIOS):
        with CONSOLE.status(name) as status:
            rows = SCENARIOS[name](sizes, status.update)
        for row in rows:
            results.keep("scenarios", row.name, row.as_dict())
        report.print_rows(CONSOLE, rows)


@app.command(name="peers")
def run_peers(
    names: Annotated[list[str] | None, typer.Argument(help="Which; default: all.")] = None,
    records: Annotated[int, typer.Option(help="Usage records.")] = 1_000_000,
) -> None:
    """Other engines on the same input, each asked for the same lines."""
    from benchmarks.peers import PEERS, limit_figures, measure_peer, prepare

    failed: list[str] = []
    with CONSOLE.status("peers") as status:
        landing, limit = prepare(records, status.update)
        results.keep("peers", f"{records}/limit", limit_figures(limit))
        for name in names or list(PEERS):
            try:
                figures = measure_peer(name, landing, limit, status.update)
            except (LinesDiffer, CommandFailed) as trouble:
                failed.append(str(trouble))
                continue
            results.keep("peers", f"{records}/{name}", figures)
    report.print_peers(CONSOLE)
    for text in failed:
        CONSOLE.print(f"No time is printed. {text}", style="red", markup=False)
    if failed:
        raise typer.Exit(1)


@app.command(name="report")
def show_report(
    write: Annotated[bool, typer.Option("--write", help="Put them into docs/performance.md instead.")] = False,
) -> None:
    """The kept figures as Markdown tables."""
    if write:
        report.write_page(PROJECT_DIR / "docs" / "performance.md")
    else:
        print(report.markdown())


def main() -> None:
    """Run the app. Differing lines or a failed child end in a plain message and exit code 1, without a time."""
    try:
        app()
    except LinesDiffer as differ:
        CONSOLE.print(f"No time is printed. {differ}", style="red", markup=False)
        raise SystemExit(1) from None
    except CommandFailed as failed:
        CONSOLE.print(str(failed), style="red", markup=False)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
