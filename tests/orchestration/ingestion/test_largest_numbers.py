"""A number no producer can mean is held back like any other bad value; the largest that is taken stops no build."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from orchestration import clock, duck, pipeline
from orchestration.ingestion.landing import ingest_landing
from orchestration.ingestion.sources import SOURCES, Field
from orchestration.publishing.release import require_release
from orchestration.settings import Settings

Land = Callable[[str, str, "str | bytes"], Path]
AT = "2024-10-10T12:00:00Z"
KNOWN = "2024-01-01T00:00:00Z"
BOUNDED = [
    (spec.name, field)
    for spec in SOURCES.values()
    for field in spec.fields
    if field.kind in ("int", "decimal") and field.name not in ("price", "cost", "count", "usage")
]


def record(source: str, field: Field, number: int, value: str) -> dict[str, str]:
    """A record whose every needed column is filled, with `value` in `field`."""
    values = {"text": f"k{number}", "int": "1", "decimal": "1", "bool": "true", "date": "2024-10-01"}
    values |= dict.fromkeys(("rfc_instant", "iso_instant"), AT) | {"unix_instant": "1728561600"}
    spec = SOURCES[source]
    return {f.name: values[f.kind] for f in spec.fields if f.required or f.kind == "text"} | {field.name: value}


def land_all(settings: Settings, land: Land, source: str, field: Field, values: list[str]) -> None:
    """The same rows as CSV, as a flat JSON line each, as typed Parquet."""
    rows = [record(source, field, number, value) for number, value in enumerate(values)]
    names = list(rows[0])
    quoted = ",".join(names) + "\n" + "".join(",".join(row.values()) + "\n" for row in rows)
    land(source, "a.csv", quoted)
    numeric = {f.name for f in SOURCES[source].fields if f.kind in ("int", "decimal")}
    lines = (
        "{" + ", ".join(f'"{n}": {v if n in numeric else json.dumps(v)}' for n, v in row.items()) + "}" for row in rows
    )
    land(source, "b.ndjson", "\n".join(lines))
    kinds = {"int": "bigint", "decimal": "decimal(18, 6)", "bool": "boolean", "date": "date", "text": "varchar"}
    types = {f.name: kinds.get(f.kind, "timestamptz") for f in SOURCES[source].fields}
    path = settings.landing / source / "c.parquet"
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        listed = ", ".join(
            (f'to_timestamp("{n}"::bigint)' if row_is_unix else f'"{n}"::{types[n]}') + f' as "{n}"'
            for n in names
            for row_is_unix in (rows[0][n] == "1728561600",)
        )
        connection.execute(
            f"copy (select {listed} from read_csv('{settings.landing / source / 'a.csv'}', all_varchar = true)) "
            f"to '{path}' (format parquet)"
        )


@pytest.mark.parametrize(("source", "field"), BOUNDED, ids=lambda part: part if isinstance(part, str) else part.name)
def test_one_beyond_the_largest_is_held_back_in_every_form(
    settings: Settings, land: Land, source: str, field: Field
) -> None:
    point = ".999999" if field.kind == "decimal" else ""
    largest, beyond = "9" * field.digits + point, "1" + "0" * field.digits
    land_all(settings, land, source, field, [largest, beyond, "0"])
    report = ingest_landing(settings)
    assert [(r.rows_accepted, r.rows_quarantined, r.reason) for r in report.receipts] == [(2, 1, "")] * 3
    with duck.connect(settings.warehouse_path, settings) as connection:
        kept = connection.execute(
            f"""select "{field.name}"::varchar, count(*) from raw.{source} group by 1"""
        ).fetchall()
        held = connection.execute("select row_number, field, reason, remedy, raw_text from raw.quarantine").fetchall()
    zero = "0.000000" if point else "0"
    assert sorted(kept) == [(zero, 3), (largest, 3)]
    assert [(number, name) for number, name, *_ in held] == [(2, field.name)] * 3
    for _, _, reason, remedy, text in held:
        assert beyond in text
        assert remedy
        assert (str(field.digits) if point else f"{int(largest):,}") in reason


def test_a_file_of_plausible_numbers_is_linked_and_one_with_an_absurd_one_typed(settings: Settings, land: Land) -> None:
    field = next(f for f in SOURCES["translations"].fields if f.name == "character_count")
    for values in (["999999999", "1"], ["1000000000", "1"]):
        land_all(settings, land, "translations", field, values)
        ingest_landing(settings)
    linked = sorted((settings.raw_dir / "translations").glob("*/p*.parquet"))
    assert len(linked) == 1


def test_leading_zeros_are_no_digits(settings: Settings, land: Land) -> None:
    land("seat_snapshots", "a.csv", f"org_id,full_time_users,taken_at\no1,{'0' * 30}12,{AT}\n")
    assert ingest_landing(settings).receipts[0].rows_accepted == 1


def test_neither_absurd_nor_the_largest_numbers_stop_the_months_of_others(
    settings: Settings, land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aa has the largest number everywhere, and a dozen of them; bb one call beyond, and one of 61 s: 2 minutes."""
    both = ("aa", "bb")
    land(
        "tenants",
        "a.csv",
        "tenant_id,name,billing_currency,payment_method_id,updated_at\n"
        + "".join(f"{t},{t},USD,pm,{KNOWN}\n" for t in both),
    )
    land(
        "account_map",
        "a.csv",
        "tenant_id,system,account_id,kind,valid_from,valid_to,updated_at\n"
        + "".join(
            f"{t},{s},{a}{t},platform,{KNOWN},,{KNOWN}\n"
            for t in both
            for s, a in (("twilio", "AC"), ("kustomer", "org"))
        ),
    )
    land(
        "subscriptions",
        "a.csv",
        "tenant_id,plan_id,full_time_licences,term_start,term_months,valid_from,updated_at\n"
        + f"aa,professional,999999,2024-01-01,999,{KNOWN},{KNOWN}\nbb,professional,3,2024-01-01,12,{KNOWN},{KNOWN}\n",
    )
    call = "{sid},AC{t},+13105550100,+12125550100,inbound,completed,{at},{seconds},{at}\n"
    land(
        "twilio_calls",
        "a.csv",
        "sid,account_sid,from,to,direction,status,start_time,duration,date_created\n"
        + call.format(sid="CA1", t="bb", at=AT, seconds=61)
        + call.format(sid="CA2", t="bb", at=AT, seconds=999999999999999999)
        + "".join(call.format(sid=f"CB{n}", t="aa", at=AT, seconds=999999999) for n in range(12)),
    )
    land(
        "translations",
        "a.csv",
        "translation_id,org_id,target_lang,character_count,status,requested_at,completed_at\n"
        + "".join(f"t{n},orgaa,de,999999999,completed,{AT},{AT}\n" for n in range(12)),
    )
    land(
        "storage_snapshots",
        "a.csv",
        "org_id,environment_id,environment,meter,bytes,taken_at,updated_at\n"
        + "".join(f"orgaa,e{n},production,data,999999999999999,2024-10-31T23:00:00Z,{KNOWN}\n" for n in range(12)),
    )
    land("storage_purchases", "a.csv", "tenant_id,meter,bytes,valid_from,valid_to,updated_at\n"
         + f"aa,attachment_storage,999999999999999,{KNOWN},,{KNOWN}\n")  # fmt: skip
    land(
        "seat_snapshots",
        "a.csv",
        f"org_id,full_time_users,taken_at,updated_at\norgaa,999999,2024-10-31T23:00:00Z,{KNOWN}\n",
    )
    land(
        "carrier_penalties",
        "a.csv",
        "notice_id,phone_number,amount,currency_code,violated_at,posted_at,status,status_at,updated_at\n"
        + f"n1,+12125550100,9999999999.999999,USD,{AT},{AT},upheld,{AT},{AT}\n",
    )
    land(
        "number_events",
        "a.csv",
        f"tenant_id,phone_number,number_type,event,occurred_at,updated_at\naa,+12125550100,local,added,{KNOWN},{KNOWN}\n",
    )
    monkeypatch.setattr(clock, "utc_now", lambda: datetime(2024, 11, 5, tzinfo=UTC))
    report = pipeline.run_all(settings)
    assert report.verdict is not None
    assert report.verdict.passed
    assert sum(r.rows_quarantined for r in report.ingest.receipts) == 1
    with duck.connect(require_release(settings).database, settings, read_only=True) as connection:
        lines = connection.execute(
            "select distinct meter from marts.fct_invoice_lines where tenant_id = 'aa' order by 1"
        ).fetchall()
        minutes = connection.execute(
            "select tenant_id, sum(pricing_quantity)::bigint from marts.fct_invoice_lines "
            "where meter like 'voice%' group by 1 order by 1"
        ).fetchall()
    # ceil(999,999,999 / 60) = 16,666,667, twelve times.
    assert minutes == [("aa", 200_000_004), ("bb", 2)]
    assert {"carrier_penalty", "data_storage", "translated_word"} <= {meter for (meter,) in lines}
