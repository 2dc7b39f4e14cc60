"""`make bench`: rows a second from landing to published marts, as a ratio to the limit query.

Both read the same flat Parquet files in the same call; a time is printed only when both give the
same quantities. Sizes in records: METERHOUSE_BENCH_RECORDS, default 1 and 10 million.
"""

from __future__ import annotations

import os
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from orchestration import duck, pipeline
from orchestration.sampling import generate
from orchestration.settings import Settings, load_settings

OURS = """
select 'kiq_conversation', sum(consumed_quantity)::bigint from marts.fct_kiq_conversations_monthly
union all select 'translated_character', sum(character_count)::bigint from marts.fct_translated_words_monthly
union all select 'voice_minute', sum(consumed_quantity)::bigint from marts.fct_voice_monthly
where meter = 'voice_minute'
union all select 'sms_segment', sum(consumed_quantity)::bigint from marts.fct_messaging_monthly
where meter = 'sms_segment'
union all select 'whatsapp_conversation', sum(consumed_quantity)::bigint from marts.fct_whatsapp_monthly
where meter = 'whatsapp_conversation'
order by 1
"""
# The labelled traps lie in files of their own; the limit query reads the bulk alone.
BULK_SOURCES = ("kustomer_messages", "kustomer_conversations", "translations", "twilio_calls", "twilio_messages")


def _only_bulk(landing: Path) -> None:
    """Leave bulk files and contract data: both sides then read the same usage."""
    usage = (*BULK_SOURCES, "whatsapp_webhooks", "twilio_recordings", "twilio_transcriptions", "carrier_penalties")
    for source in usage:
        for path in (landing / source).glob("*"):
            if "bulk" not in path.name:
                path.unlink()


def _limit(settings: Settings) -> tuple[float, list[tuple[str, int]]]:
    query = Path(__file__).with_name("limit_query.sql").read_text(encoding="utf-8")
    with duck.connect(":memory:", settings) as connection:
        started = time.perf_counter()
        rows = connection.execute(query.replace("{landing}", str(settings.landing))).fetchall()
        return time.perf_counter() - started, rows


def measure(records: int, console: Console) -> tuple[str, ...]:
    """One size: generate, read once to warm, limit query, full run. Returns a table row."""
    root = Path(tempfile.mkdtemp(prefix="meterhouse_bench_"))
    settings = Settings(home=root / "var", landing=root / "landing", memory_limit=load_settings().memory_limit)
    try:
        with console.status(f"generating {records:,} records"):
            report = generate(settings.landing, records=records, format="flat", tenants=200)
            _only_bulk(settings.landing)
        _limit(settings)
        limit_seconds, expected = _limit(settings)
        started = time.perf_counter()
        with console.status(f"landing to published marts, {records:,} records"):
            release = pipeline.run_all(settings).release
        seconds = time.perf_counter() - started
        assert release is not None
        with duck.connect(release.database, settings, read_only=True) as connection:
            found = connection.execute(OURS).fetchall()
        if found != expected:
            sys.exit(f"no time is printed: quantities differ, {found} against {expected}")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
        del report
        return (
            f"{records:,}",
            f"{limit_seconds:.2f}",
            f"{seconds:.1f}",
            f"{records / seconds:,.0f}",
            f"{seconds / limit_seconds:.1f}",
            f"{peak:.1f}",
        )
    finally:
        shutil.rmtree(root, ignore_errors=True)


def main() -> None:
    console = Console()
    sizes = [int(n) for n in os.environ.get("METERHOUSE_BENCH_RECORDS", "1000000,10000000").split(",")]
    table = Table("records", "limit query s", "ours s", "rows/s", "ours / limit", "peak GB", title="Flat Parquet")
    for size in sizes:
        table.add_row(*measure(size, console))
    console.print(table)
    console.print("Ours: pre-checks, raw store, fates, all data tests, Great Expectations, verdict, release.")


if __name__ == "__main__":
    main()
