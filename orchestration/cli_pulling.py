"""The command that pulls extracts from APIs: progress, a line for every source, exit codes."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from orchestration.cli_options import Json
from orchestration.errors import MeterhouseError
from orchestration.settings import load_settings
from orchestration.wording import error_text


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("pull", epilog="Example: meterhouse pull --source calls --since 2024-11-01")(pull)


def pull(
    source: Annotated[
        list[str] | None,
        typer.Option(help="calls, recordings, ... or a source such as twilio_messages. Repeatable; default: all."),
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="First day, such as 2024-11-01; default: where the last pull ended.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Day to stop before, such as 2024-12-01; default: now.")] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also land records that landed before (if a file was lost).")
    ] = False,
    as_json: Json = False,
) -> None:
    """Pull extracts from Twilio and the platform. New and changed records are written into the landing folder."""
    from orchestration.pulling import with_its_library
    from orchestration.terminal import console_for, working

    settings = load_settings()
    with with_its_library():
        from orchestration.pulling.access import parse_day
        from orchestration.pulling.pull import PullRequest, pull_all

    request = PullRequest(
        tuple(source or ()),
        parse_day(since, "--since") if since else None,
        parse_day(until, "--until") if until else None,
        again,
    )
    with working(console_for(stderr=True), "pulling") as say:
        reports = pull_all(settings, request, say)
    if as_json:
        print(json.dumps([_plain(report) for report in reports]))
    else:
        for report in reports:
            print(_line(report))
    failed = [report.error for report in reports if report.error is not None]
    if failed:
        for error in failed[1:]:
            typer.echo(error_text(error), err=True)
        raise failed[0]


def _line(report: Any) -> str:
    read = f"{report.source}: {report.pages:,} pages, {report.records:,} records"
    if report.error is not None and not report.files:
        return f"{read} - FAILED, nothing landed"
    if not report.files:
        return f"{read}, nothing new"
    files = ", ".join(report.files)
    failed = " - then FAILED" if report.error is not None else ""
    return f"{read}, {report.landed:,} new or changed -> {files}{failed}"


def _plain(report: Any) -> dict[str, Any]:
    error: MeterhouseError | None = report.error
    return {
        "source": report.source,
        "pages": report.pages,
        "records": report.records,
        "landed": report.landed,
        "files": report.files,
        "error": None if error is None else {"message": str(error), "remedy": error.remedy},
    }
