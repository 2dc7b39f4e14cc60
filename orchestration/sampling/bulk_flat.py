"""Ordinary usage at scale: flat Parquet written by DuckDB in chunks, never held in memory.

Every value is a function of the seed and the row's number, so the same arguments give the same
rows whatever the chunk size. Same mix as usage.add_bulk. Asked for, some rows are sent twice and some
land with the files of the month after their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from orchestration.sampling.usage import month_start, next_start
from orchestration.sampling.world import World

CHUNK = 2_000_000


def _pick(modulus: str, salt: str) -> str:
    """A pseudo-random whole number below `modulus`, stable across DuckDB versions (md5, not hash)."""
    return f"(md5_number_lower(n::varchar || '{salt}') % ({modulus}))::bigint"


@dataclass(frozen=True)
class BulkRows:
    """Rows written of one source; `repeats` of them are exact copies of another."""

    rows: int
    repeats: int


@dataclass(frozen=True)
class _MonthRows:
    """The rows of one source and billing month: `size` numbers from `origin` on."""

    source: str
    month: date
    origin: int
    size: int
    seed: int

    def query(self, first: int, until: int, condition: str) -> str:
        """SELECT of the rows from `first` up to `until` (counted inside the month) that meet `condition`."""
        start, end = month_start(self.month), next_start(self.month)
        span = int((end - start).total_seconds()) - 10_800
        numbers = (self.origin + first, self.origin + until)
        rows = _rows(self.source, numbers, self.seed, f"{start:%Y-%m-%d}", span, condition)
        return _query(self.source, rows, self.seed, f"{self.month:%Y-%m}")


def write_bulk_flat(
    out: Path,
    world: World,
    records: int,
    seed: int,
    say: Callable[[str], None],
    *,
    repeat_share: float = 0.0,
    late_share: float = 0.0,
) -> dict[str, BulkRows]:
    """Write the bulk into `out/<source>/` and return what was written by source.

    `records` counts chat messages (four to a conversation), translations, calls, texts and statuses;
    repeats come on top. Late rows lie in the files of the month after their own; the last month has
    none after it and keeps its own.
    """
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'; set memory_limit = '1GB'; set threads = 2")
    connection.execute(
        "create table tenants (position bigint, org_id varchar, account_sid varchar, waba_id varchar, phone varchar)"
    )
    usable = [t for t in world.tenants if t.has_whatsapp and t.number not in (7, 8)]
    connection.executemany(
        "insert into tenants values (?, ?, ?, ?, ?)",
        [(i, t.org_id, t.account_sid, t.waba_id, t.phone(0)) for i, t in enumerate(usable)],
    )
    # One draw decides both, so a row is repeated, late, or neither.
    draw = f"md5_number_lower(n::varchar || 'f{seed}') % 1000000"
    repeated, late_end = round(repeat_share * 1_000_000), round((repeat_share + late_share) * 1_000_000)
    is_repeated, is_late = f"{draw} < {repeated}", f"{draw} between {repeated} and {late_end - 1}"
    written: dict[str, int] = {}
    originals: dict[str, int] = {}
    base = 0
    before: dict[str, _MonthRows] = {}
    for number, month in enumerate(world.months):
        share = records // len(world.months) + (1 if number < records % len(world.months) else 0)
        is_last = number == len(world.months) - 1
        for source, size in _sizes(share).items():
            # Four messages to a conversation: theirs are the numbers 4 n to 4 n + 3.
            own = _MonthRows(source, month, base * 4 if source == "kustomer_messages" else base, size, seed)
            folder = out / source
            folder.mkdir(parents=True, exist_ok=True)
            for part, first in enumerate(range(0, size, CHUNK)):
                say(f"{source} {month:%Y-%m}, {first:,} of {size:,}")
                until = min(first + CHUNK, size)
                path = folder / f"{month:%Y-%m}_bulk{part:04d}.parquet"
                queries = [own.query(first, until, f"not ({is_late})" if late_share and not is_last else "true")]
                if late_share and source in before:
                    earlier = before[source]
                    # The last part takes what the month before has more of.
                    earlier_until = earlier.size if until == size else min(until, earlier.size)
                    if first < earlier_until:
                        queries.append(earlier.query(first, earlier_until, is_late))
                if repeat_share:
                    queries.append(own.query(first, until, is_repeated))
                target = str(path).replace("'", "''")
                copied = connection.execute(f"copy ({' union all '.join(queries)}) to '{target}' (format parquet)")
                written[source] = written.get(source, 0) + int((copied.fetchone() or (0,))[0])
            originals[source] = originals.get(source, 0) + size
            before[source] = own
        base += share
    connection.close()
    return {source: BulkRows(rows, rows - originals[source]) for source, rows in written.items()}


def _sizes(share: int) -> dict[str, int]:
    """Rows by source of a month with `share` usage records."""
    conversations = share * 55 // 100 // 4
    return {
        "kustomer_conversations": conversations,
        "kustomer_messages": conversations * 4,
        "translations": share * 20 // 100,
        "twilio_calls": share * 10 // 100,
        "twilio_messages": share * 10 // 100,
        "whatsapp_webhooks": share * 5 // 100,
    }


def _rows(source: str, numbers: tuple[int, int], seed: int, start: str, span: int, condition: str) -> str:
    """FROM clause: the numbers in question, each with its tenant and instant."""
    # Skew: the square of a uniform draw favours the first tenants.
    tenants = "(select count(*) from tenants)"
    owner = "n // 4" if source == "kustomer_messages" else "n"
    draw = f"(md5_number_lower(({owner})::varchar || 't{seed}') % 1000000)::bigint"
    position = f"({draw} * {draw} * {tenants} // 1000000000000)"
    second = f"(md5_number_lower(({owner})::varchar || 's{seed}') % {span})::bigint"
    at = f"(timestamptz '{start} 00:30:00+00' + to_seconds({second}))"
    first, until = numbers
    return (
        f"(select n, {position} as position, {at} as instant from range({first}, {until}) as numbers(n) "
        f"where {condition}) as drawn inner join tenants using (position)"
    )


def _query(source: str, rows: str, seed: int, month: str) -> str:
    tag = f"'{seed}{source}{month}'"
    ident = f"md5(n::varchar || {tag})"
    if source == "kustomer_messages":
        conversation = f"md5((n // 4)::varchar || '{seed}kustomer_conversations{month}')"
        return (
            f"select left({ident}, 24) as id, org_id, left({conversation}, 24) as conversation_id, "
            "case when n % 2 = 0 then 'in' else 'out' end as direction, 'chat' as channel, "
            "instant + to_seconds(n % 4 * 20) as sent_at, "
            "case when n % 2 = 1 then 'ast_1' end as assistant_id, "
            f"case when n % 2 = 1 then 'premium' end as assistant_type, instant as updated_at from {rows}"
        )
    if source == "kustomer_conversations":
        return (
            f"select left({ident}, 24) as id, org_id, left(md5({ident}), 24) as customer_id, "
            "'[\"chat\"]' as channels, instant as created_at, instant + interval 30 minute as ended_at, "
            f"instant as updated_at from {rows}"
        )
    if source == "translations":
        return (
            f"select 'trl_' || left({ident}, 24) as translation_id, org_id, 'usr_1' as user_id, "
            f"'en' as source_lang, 'de' as target_lang, 4 + {_pick('297', 'c')} as character_count, "
            "'completed' as status, instant as requested_at, instant as completed_at, "
            f"instant as updated_at from {rows}"
        )
    if source == "twilio_calls":
        outside = f"(['+13105550102', '+14165550103', '+442071838750', '+18765550104'])[1 + {_pick('4', 'o')}]"
        return (
            f"select 'CA' || {ident} as sid, account_sid, "
            f"case when n % 2 = 0 then '+13105550100' else phone end as \"from\", "
            f'case when n % 2 = 0 then phone else {outside} end as "to", '
            "case when n % 2 = 0 then 'inbound' else 'outbound-api' end as direction, "
            f"'completed' as status, instant as start_time, instant + to_seconds(1 + {_pick('900', 'd')}) as end_time, "
            f"1 + {_pick('900', 'd')} as duration, '-0.0085' as price, 'USD' as price_unit, "
            f"instant as date_created, instant as date_updated from {rows}"
        )
    if source == "twilio_messages":
        return (
            f"select 'SM' || {ident} as sid, account_sid, phone as \"from\", '+13105550101' as \"to\", "
            "case when n % 5 < 2 then 'inbound' else 'outbound-api' end as direction, "
            "case when n % 5 < 2 then 'received' else 'delivered' end as status, "
            f"1 + {_pick('3', 'g')} as num_segments, 0::bigint as num_media, instant as date_created, "
            f"instant as date_sent, instant as date_updated from {rows}"
        )
    late_era = month >= "2024-11"
    category = (
        f"(['service', 'marketing', 'utility'])[1 + {_pick('3', 'k')}]"
        if late_era
        else f"(['user_initiated', 'business_initiated'])[1 + {_pick('2', 'k')}]"
    )
    recipient = f"(['5511987650002', '4915112345678', '919812345678', '14155550106'])[1 + {_pick('4', 'r')}]"
    return (
        f"select waba_id, 'wamid.' || {ident} as wamid, 'delivered' as status, instant as timestamp, "
        f"{recipient} as recipient_id, md5({ident}) as conversation_id, {category} as origin_type, "
        "instant + interval 24 hour as expiration_timestamp, 'CBP' as pricing_model, "
        f"{category} as pricing_category, true as billable, 'out' as direction from {rows}"
    )
