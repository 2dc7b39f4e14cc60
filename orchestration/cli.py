"""The command line. Parses, prints and turns errors into plain words and exit codes; decides nothing.

Heavy libraries are imported inside the commands that need them.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestration import cli_closing, cli_pulling, clock
from orchestration.cli_options import Json
from orchestration.errors import MeterhouseError, WarehouseBusy
from orchestration.output import escape_what_has_no_code
from orchestration.settings import load_settings
from orchestration.wording import error_text, in_digits, visible

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Meterhouse: from raw usage to invoices. Exit codes: 0 done, 2 something for you to correct, "
    "3 gate refused, 4 build failed, 5 busy, 6 the ledger, a release or the build file is not as it was written, "
    "7 an API could not be read.",
)

# What a shell says of a program that Ctrl-C ended.
INTERRUPTED = 130


@app.command(epilog="Example: meterhouse sample --records 200000 --out landing")
def sample(
    out: Annotated[Path | None, typer.Option(help="Folder to write to; default: the landing folder.")] = None,
    tenants: Annotated[int, typer.Option(help="Number of tenants, at least 20.")] = 30,
    months: Annotated[int, typer.Option(help="Number of months, from 2024-09 on.")] = 3,
    records: Annotated[int, typer.Option(help="Ordinary usage records; contract data is added to them.")] = 200_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same files.")] = 20241101,
    format: Annotated[
        str, typer.Option(help="upstream (the vendors' own formats) or flat (Parquet and CSV).")
    ] = "upstream",
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Write even if other data is present; sample and real records are then billed together."
        ),
    ] = False,
) -> None:
    """Generate sample extracts of every source. They contain labeled traps.

    Refuses if other data is present or was billed.
    """
    from orchestration.sampling import generate
    from orchestration.sampling.room import demand_room
    from orchestration.terminal import console_for, working

    settings = load_settings()
    if out is None and settings.landing_url:
        raise MeterhouseError(
            f"sample extracts cannot be written to {settings.landing_url}",
            "Name a folder with --out, or unset METERHOUSE_LANDING.",
        )
    target = out or settings.landing
    if not force:
        demand_room(settings, target)
    with working(console_for(stderr=True), "generating sample data") as say:
        try:
            report = generate(
                target,
                tenants=tenants,
                months=months,
                records=records,
                seed=seed,
                format=format,
                progress=lambda text: say(f"generating sample data: {text}"),
            )
        except ValueError as error:
            raise MeterhouseError(str(error), "See meterhouse sample --help.") from error
    print(f"{report.records:,} records in {report.files} files under {target}; traps listed in {report.key_path}")


@app.command(epilog="Example: meterhouse run --month 2024-11")
def run(
    month: Annotated[list[str] | None, typer.Option(help="Recompute this month, such as 2024-11. Repeatable.")] = None,
    tenant: Annotated[
        list[str] | None,
        typer.Option(help="With --month: price and invoice it again for this tenant; default: all. Repeatable."),
    ] = None,
    reason: Annotated[str, typer.Option(help="With --month: why; recorded in ops.reruns.")] = "",
    as_json: Json = False,
) -> None:
    """Take in what landed, build, check and publish. If nothing is new, print that and do nothing."""
    from orchestration import pipeline, reporting
    from orchestration.publishing.release import current_release
    from orchestration.warehouse.writer_lock import in_doubt

    settings = load_settings()
    again = _again(month or [], tenant or [], reason)
    console = reporting.wide_console(stderr=as_json)
    started = time.monotonic()
    if again is None and not pipeline.has_work(settings) and not in_doubt(settings):
        served = current_release(settings)
        assert served is not None
        if as_json:
            print(json.dumps({"nothing_new": True, "release_id": served.release_id}))
        else:
            console.print(f"Nothing new: release {served.release_id} already contains everything that has landed.")
            reporting.print_invoices(console, settings, served, clock.utc_now().date())
            reporting.print_findings(console, settings, served, clock.utc_now().date())
            _where(console, settings)
        return
    from orchestration.dagster_runs import note_published
    from orchestration.terminal import working

    with working(console, "taking in") as say:
        # Where nobody sees it move, nothing need be drawn a hundred times.
        report = pipeline.run_all(settings, say if console.is_terminal else None, again)
        note_published(settings)
    served = current_release(settings)
    assert served is not None
    if as_json:
        summary = reporting.summary(settings, served)
        told = {"computed_again": list(again.months), "same_content": report.same_as_before} if again else {}
        print(json.dumps(summary | told))
        return
    today = clock.utc_now().date()
    reporting.print_invoices(console, settings, served, today)
    for line in pipeline.rerun_text(report):
        console.print(f"{line[0].upper()}{line[1:]}.")
    reporting.print_moved(console, settings, served)
    reporting.print_left_out(console, settings, served, _refused(settings), today)
    reporting.print_waiting(console, report.ingest.with_status("waiting"))
    console.print(f"Done in {time.monotonic() - started:.1f} s.")
    _where(console, settings)


def _again(months: list[str], tenants: list[str], reason: str) -> Any:
    """What to compute again, or None; months are checked and in order."""
    from orchestration.billing_month import parse_month
    from orchestration.warehouse.again import Again

    if not months:
        if tenants or reason:
            raise MeterhouseError("--tenant and --reason need a month to recompute", "Name the month: --month 2024-11.")
        return None
    found = sorted({f"{parse_month(month):%Y-%m}" for month in months})
    return Again(tuple(found), tuple(dict.fromkeys(tenants)), reason)


def _refused(settings: Any) -> list[Any]:
    from orchestration import duck
    from orchestration.ingestion.landing import Receipt

    with duck.connect(settings.warehouse_path, settings, read_only=True) as connection:
        rows = connection.execute(
            "select source, file_name, reason, remedy, row_number from raw.file_findings order by all"
        ).fetchall()
    return [
        Receipt(source, name, "refused", reason=reason, remedy=remedy, row_number=number)
        for source, name, reason, remedy, number in rows
    ]


def _where(console: Any, settings: Any) -> None:
    console.print(f"Published: {settings.published_dir / 'current' / 'meterhouse.duckdb'}", soft_wrap=True)
    console.print(f"Exports:   {settings.exports_dir} (meterhouse export --latest)", soft_wrap=True)
    console.print("Queries:   meterhouse sql      UI: make ui      Tables: docs/marts.md      Closing: docs/closing.md")
    program = Path(sys.executable).with_name("meterhouse")
    if shutil.which("meterhouse") is None and program.exists():
        activate = program.parent / "activate"
        console.print(f"meterhouse is {program}; run `. {activate}` once to use the short name", soft_wrap=True)


@app.command(epilog="Example: meterhouse status --json")
def status(as_json: Json = False) -> None:
    """Show what is published, with its open errors and warnings, and whether anything is new.

    Also shows the last verdict and who is writing right now.
    """
    from orchestration import pipeline
    from orchestration.publishing.findings_text import open_findings
    from orchestration.publishing.release import current_release
    from orchestration.warehouse.writer_lock import WRITTEN_BY_ANOTHER_HAND, in_doubt

    settings = load_settings()
    served = current_release(settings)
    found: dict[str, Any] = {"release_id": served.release_id if served else None, "errors": None, "warnings": None}
    if served is not None:
        found |= open_findings(settings, served, clock.utc_now().date())
    try:
        standing = pipeline.standing_verdict(settings)
        work, doubted = pipeline.work_to_do(settings), in_doubt(settings)
        found["anything_to_do"] = work is not None or doubted
        found["why"] = work.reason if work else (WRITTEN_BY_ANOTHER_HAND if doubted else None)
        found["verdict"] = None if standing is None else ("passed" if standing[1] else "failed")
        found["writing"] = None
    except WarehouseBusy as busy:
        # A run is going on, which is no fault: what is served is told, the rest once it has ended.
        found |= {"anything_to_do": None, "why": None, "verdict": None, "writing": str(busy)}
    if as_json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            if name != "why" or value:
                print(visible(f"{name.replace('_', ' ')}: {value}"))


@app.command(epilog="Example: meterhouse export --month 2024-11 --format csv")
def export(
    month: Annotated[str | None, typer.Option(help="Billing month, such as 2024-11.")] = None,
    format: Annotated[
        str,
        typer.Option(
            help="csv, parquet, xlsx, journal (postings of invoices), accrual (postings of what is not billed yet), or "
            "documents (a folder per tenant: PDF, e-invoice, lines)."
        ),
    ] = "csv",
    latest: Annotated[bool, typer.Option("--latest", help="The newest published month.")] = False,
    as_json: Json = False,
) -> None:
    """Export a month's invoices and lines for finance. The files are read back and compared to the release."""
    from orchestration.publishing.exports import export_month, latest_month
    from orchestration.publishing.totals_text import totals_text
    from orchestration.terminal import console_for, working

    settings = load_settings()
    if (month is None) != latest:
        raise MeterhouseError("give either a month or --latest", "Use --month 2024-11 or --latest.")
    with working(console_for(stderr=True), f"exporting {month or 'the latest month'} as {format}"):
        done = export_month(settings, month or latest_month(settings, clock.utc_now().date()), format)
    if as_json:
        told = {"path": str(done.path), "files": done.files, "totals": done.totals, "drafts": done.drafts}
        print(json.dumps({**told, "without_xml": done.without_xml}))
        return
    totals = totals_text(settings, done.totals)
    if done.drafts:
        totals += f", of which not yet issued: {totals_text(settings, done.drafts)}"
    if format == "documents":
        print(f"{done.path}: {len(done.files)} files, read back and reconciled; total {totals}")
    else:
        print(f"{done.path}: {', '.join(f'{n} ({rows} rows)' for n, rows in done.files.items())}; total {totals}")
    for number, reason in done.without_xml.items():
        print(visible(f"  {number} cannot have an e-invoice: {reason}"))


@app.command(epilog='Example: meterhouse sql "select * from fct_invoices limit 5"')
def sql(
    query: Annotated[str | None, typer.Argument(help="One query; without it, a prompt opens.")] = None,
    as_json: Json = False,
) -> None:
    """Query the newest release, read-only. Queries can read and write nothing else."""
    from orchestration.publishing.analyst_sql import open_release, run_query

    connection = open_release(load_settings())
    if query is not None:
        _print_rows(*run_query(connection, query), as_json=as_json)
        return
    print("One query per line, an empty line to quit. Tables: docs/marts.md")
    while line := _line_typed():
        try:
            _print_rows(*run_query(connection, line), as_json=as_json)
        except MeterhouseError as error:
            print(visible(str(error)))


def _line_typed() -> str:
    """The next line of the prompt; nothing where it was left, or where what was piped in has ended."""
    try:
        return input("meterhouse> ").strip()
    except EOFError:
        print()
        return ""


def _print_rows(columns: list[str], rows: list[tuple[Any, ...]], *, as_json: bool) -> None:
    if as_json:
        twice = next((name for number, name in enumerate(columns) if name in columns[:number]), None)
        if twice is not None:
            raise MeterhouseError(
                f"two columns are named {twice!r}", "Give them different names: select 1 as a, 2 as b."
            )
        named = [dict(zip(columns, map(_for_json, row), strict=True)) for row in rows]
        print(json.dumps(named, default=in_digits, allow_nan=False))
        return
    from orchestration.terminal import show_rows

    show_rows(columns, rows)


def _for_json(value: Any) -> Any:
    """What JSON has no form for as text: numbers that are not finite, and keys of a map that are no text."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {in_digits(key): _for_json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_for_json(inner) for inner in value]
    return value


@app.command(epilog="Example: meterhouse ui --port 3000")
def ui(port: Annotated[int, typer.Option(help="Port on 127.0.0.1.", min=1, max=65535)] = 3000) -> None:
    """Start the Dagster UI on this machine only."""
    from orchestration.dagster_runs import catch_up
    from orchestration.recovery.servers import serve
    from orchestration.recovery.start_up import start_up

    settings = load_settings()
    start_up(settings, print)
    catch_up(settings)
    print(f"http://127.0.0.1:{port} - press Ctrl-C to stop", flush=True)
    raise typer.Exit(serve(settings, port, print))


@app.command(epilog="Example: meterhouse docs")
def docs(
    clauses: Annotated[
        bool, typer.Option("--clauses", help="Instead, write docs/clauses.md from the clause register.")
    ] = False,
) -> None:
    """Build dbt's documentation as a single static page. It covers every model and column."""
    settings = load_settings()
    if clauses:
        from orchestration.warehouse.clause_register import write_page
        from orchestration.warehouse.dbt_build import parse_manifest

        print(write_page(settings.project_dir, parse_manifest(settings)))
        return
    from orchestration.warehouse.dbt_build import build_docs

    print(build_docs(settings))


@app.command(epilog="Example: meterhouse doctor")
def doctor() -> None:
    """Check folders, versions, release, build file and ledger. For every problem, print what to do."""
    from orchestration.doctor import examine

    found = list(examine(load_settings()))
    for finding in found:
        print(visible(finding.shown))
    problems = [finding.problem for finding in found if finding.problem]
    if problems:
        print("\n".join(map(error_text, problems)), file=sys.stderr)
        raise typer.Exit(max(problem.exit_code for problem in problems))


@app.command(epilog="Example: meterhouse quality --open")
def quality(
    show: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    release: Annotated[
        str | None, typer.Option(help="Id of a kept release whose verdict to show instead of the last one.")
    ] = None,
    data_docs: Annotated[
        bool, typer.Option("--data-docs", help="Also build Great Expectations' own pages; takes some seconds.")
    ] = False,
) -> None:
    """Write the last verdict as an HTML page.

    It shows every check, what the check observed, the keys of failing rows and what to do.
    """
    from orchestration.quality_page.page import write_kept_release_page, write_verdict_page

    settings = load_settings()
    page = write_kept_release_page(settings, release) if release else write_verdict_page(settings)
    print(page)
    if data_docs:
        from orchestration.quality_page.data_docs import build_data_docs

        print(f"{build_data_docs(settings, page)} (Great Expectations' own pages, without their styles from the web)")
    if show:
        typer.launch(page.as_uri())


cli_closing.register(app)
cli_pulling.register(app)


def _demand_text(arguments: list[str]) -> None:
    """Raise MeterhouseError for what no ledger, no database and no file takes as text."""
    for argument in arguments:
        if not argument.isascii() and any("\ud800" <= character <= "\udfff" for character in argument):
            raise MeterhouseError(
                f"{argument!r} contains bytes that are not UTF-8 text", "Type it again in a terminal set to UTF-8."
            )


def main() -> None:
    """Entry point: a person's mistake is a plain message and an exit code, never a traceback."""
    escape_what_has_no_code()
    try:
        _demand_text(sys.argv[1:])
        # A command that ends with typer.Exit, or by Ctrl-C, has its code handed back, not raised.
        if code := app(standalone_mode=False):
            if code == INTERRUPTED:
                print("interrupted: what was being done is not finished", file=sys.stderr)
            raise SystemExit(code)
    except typer.Abort:
        raise SystemExit(INTERRUPTED) from None
    except MeterhouseError as error:
        print(error_text(error), file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except Exception as error:
        # The parser's own errors, whichever copy of it typer carries, know how to show themselves.
        if hasattr(error, "show") and hasattr(error, "exit_code"):
            error.show()
            raise SystemExit(error.exit_code) from None
        from orchestration.damaged_file import damaged
        from orchestration.recovery.full_disk import explained
        from orchestration.recovery.no_rights import refused

        if (told := explained(error, load_settings()) or refused(error) or damaged(error)) is None:
            raise
        print(error_text(told), file=sys.stderr)
        raise SystemExit(told.exit_code) from None


def entry() -> None:
    """The program: `main`, and after a run an end at once."""
    main()
    if sys.argv[1:2] != ["run"] or "multiprocessing.synchronize" in sys.modules:
        # Servers are ended, and semaphores that dbt took given back, by an ordinary end alone.
        return
    # Everything is written and closed: taking the project's objects apart one by one would take 0.2 s more.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    entry()
