"""The same usage as gz NDJSON, flat and in the shapes upstream really sends, and as CSV; and how DuckDB reads them.

Made from the flat Parquet landing, so every form holds the same records.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import duckdb

from benchmarks.landing import USAGE

PARQUET, FLAT_JSON, UPSTREAM, CSV = "parquet", "flat_json", "upstream", "csv"
PAGE = 1000

_ISO = "strftime({0} at time zone 'UTC', '%Y-%m-%dT%H:%M:%SZ')"
_RFC = "strftime({0} at time zone 'UTC', '%a, %d %b %Y %H:%M:%S +0000')"
_UNIX = "(epoch_us({0}) // 1000000)::varchar"
_INSTANTS = {
    "kustomer_messages": ("sent_at", "updated_at"),
    "kustomer_conversations": ("created_at", "ended_at", "updated_at"),
    "translations": ("requested_at", "completed_at", "updated_at"),
    "twilio_calls": ("start_time", "end_time", "date_created", "date_updated"),
    "twilio_messages": ("date_created", "date_sent", "date_updated"),
    "whatsapp_webhooks": ("timestamp", "expiration_timestamp"),
}
_COUNTS = {"twilio_calls": ("duration",), "twilio_messages": ("num_segments", "num_media")}
_RESOURCES = {
    "twilio_calls": "sid account_sid from to direction status start_time end_time duration price price_unit "
    "date_created date_updated",
    "twilio_messages": "sid account_sid from to direction status num_segments num_media date_created date_sent "
    "date_updated",
}
_LIST_KEYS = {"twilio_calls": "calls", "twilio_messages": "messages"}
# What the limit query reads of each source: JSON columns, and the types it gives them.
_READ = {
    "kustomer_messages": "org_id varchar, conversation_id varchar, direction varchar, assistant_type varchar, "
    "sent_at timestamptz",
    "translations": "translation_id varchar, org_id varchar, completed_at timestamptz, character_count bigint, "
    "status varchar",
    "twilio_calls": "sid varchar, account_sid varchar, direction varchar, to varchar, start_time timestamptz, "
    "duration bigint, status varchar",
    "twilio_messages": "sid varchar, account_sid varchar, direction varchar, status varchar, num_segments bigint, "
    "num_media bigint, date_sent timestamptz",
    "whatsapp_webhooks": "waba_id varchar, conversation_id varchar, recipient_id varchar, pricing_category varchar, "
    "status varchar, billable boolean, expiration_timestamp bigint",
}


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def relation_of(landing: Path, source: str) -> str:
    """SQL for a FROM clause that reads the bulk files of a source, flat JSON or Parquet."""
    folder = landing / source
    if any(folder.glob("*bulk*.parquet")):
        return f"read_parquet({_quoted(str(folder / '*bulk*.parquet'))})"
    pairs = (column.rsplit(" ", 1) for column in _READ[source].split(", "))
    columns = "{" + ", ".join(f"{_quoted(name)}: {_quoted(kind)}" for name, kind in pairs) + "}"
    rows = f"read_json({_quoted(str(folder / '*bulk*.ndjson.gz'))}, format = 'newline_delimited', columns = {columns})"
    if source == "whatsapp_webhooks":
        instant = "to_timestamp(expiration_timestamp) as expiration_timestamp"
        return f"(select * replace ({instant}) from {rows})"
    return rows


def nothing_queries(landing: Path) -> list[str]:
    """Queries in which DuckDB parses every bulk file of `landing`, documents with their own structure, into nothing."""
    queries = []
    for source in USAGE:
        files = _quoted(str(landing / source / "*bulk*.ndjson.gz"))
        reading = f"read_json({files}, format = 'newline_delimited', maximum_object_size = 67108864)"
        queries.append(f"select count(columns(*)) from {reading}")
    return queries


def in_form(parquet_landing: Path, form: str) -> Path:
    """The landing folder in another form, made once beside the first; contract files are linked."""
    if form == PARQUET:
        return parquet_landing
    folder = parquet_landing.with_name(f"{parquet_landing.name}_{form}")
    if (folder / ".complete").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    for source_folder in sorted(path for path in parquet_landing.iterdir() if path.is_dir()):
        (folder / source_folder.name).mkdir(parents=True)
        for path in sorted(source_folder.iterdir()):
            target = folder / source_folder.name / path.name
            if path.suffix == ".parquet":
                _convert(path, target.with_suffix(".csv" if form == CSV else ".ndjson.gz"), source_folder.name, form)
            else:
                os.link(path, target)
    shutil.copy2(parquet_landing / ".complete", folder / ".complete")
    return folder


def _convert(path: Path, target: Path, source: str, form: str) -> None:
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'; set memory_limit = '8GB'; set threads = 2")
        rows = f"(select *, file_row_number as n from read_parquet({_quoted(str(path))}, file_row_number = true))"
        if form == CSV:
            columns = f"select * exclude (n, file_row_number) {_texts(source, _ISO)} from {rows}"
            connection.execute(f"copy ({columns}) to {_quoted(str(target))} (format csv, header true)")
            return
        # Translations are our own extract: flat in either form.
        query = _upstream(source, rows) if form == UPSTREAM and source != "translations" else _flat(source, rows)
        connection.execute(f"copy ({query}) to {_quoted(str(target))} (format json, compression gzip)")


def _texts(source: str, instant: str) -> str:
    changed = [f'{instant.format(name)} as "{name}"' for name in _INSTANTS[source]]
    changed += [f"{name}::varchar as {name}" for name in _COUNTS.get(source, ())]
    return f"replace ({', '.join(changed)})"


def _flat(source: str, rows: str) -> str:
    instant = _UNIX if source == "whatsapp_webhooks" else _ISO
    return f"select * exclude (n, file_row_number) {_texts(source, instant)} from {rows}"


def _object(**fields: str) -> str:
    """SQL for a JSON object; the values are SQL."""
    return "{" + ", ".join(f"'{name}': {value}" for name, value in fields.items()) + "}"


def _upstream(source: str, rows: str) -> str:
    if source in _LIST_KEYS:
        return _pages(source, rows)
    if source == "whatsapp_webhooks":
        return _posts(rows)
    return _json_api(source, rows)


def _pages(source: str, rows: str) -> str:
    """Twilio list pages of a thousand resources, dates in RFC 2822 and counts as text."""
    key = _LIST_KEYS[source]
    texts = f"select * exclude (file_row_number) {_texts(source, _RFC)} from {rows}"
    fields = {name: f'"{name}"' for name in _RESOURCES[source].split()}
    resource = _object(**fields, api_version="'2010-04-01'", uri="'/2010-04-01/' || sid || '.json'")
    return (
        f"select list({resource} order by n) as {key}, n // {PAGE} as page, {PAGE} as page_size, "
        f"null as next_page_uri, '/2010-04-01/Accounts/{key}.json?Page=' || (n // {PAGE}) as uri "
        f"from ({texts}) group by n // {PAGE} order by page"
    )


def _posts(rows: str) -> str:
    """Webhook POSTs of three entries each, instants as seconds in text."""
    status = _object(
        id="wamid",
        status="status",
        timestamp='"timestamp"',
        recipient_id="recipient_id",
        conversation=_object(
            id="conversation_id", origin=_object(type="origin_type"), expiration_timestamp="expiration_timestamp"
        ),
        pricing=_object(billable="billable", pricing_model="pricing_model", category="pricing_category"),
    )
    value = _object(messaging_product="'whatsapp'", metadata=_object(phone_number_id="'1099'"), statuses=f"[{status}]")
    entry = _object(id="waba_id", changes=f"[{_object(field=_quoted('messages'), value=value)}]")
    return (
        f"select 'whatsapp_business_account' as object, list({entry} order by n) as entry "
        f"from (select * {_texts('whatsapp_webhooks', _UNIX)} from {rows}) group by n // 3 order by min(n)"
    )


def _json_api(source: str, rows: str) -> str:
    """Lists of a thousand JSON:API resources; an empty relation is null."""
    kind = "conversation" if source == "kustomer_conversations" else "message"

    def relation(name: str, column: str) -> str:
        data = _object(data=_object(type=_quoted(name), id=column))
        return f"case when {column} is not null then {data} end"

    if kind == "message":
        attributes = {
            "direction": "direction",
            "channel": "channel",
            "sentAt": "sent_at",
            "assistantType": "assistant_type",
        }
        relations = {"org": "org_id", "conversation": "conversation_id", "assistant": "assistant_id"}
    else:
        attributes = {"channels": "channels::json", "createdAt": "created_at", "endedAt": "ended_at"}
        relations = {"org": "org_id", "customer": "customer_id"}
    resource = _object(
        type=_quoted(kind),
        id="id",
        attributes=_object(**attributes, updatedAt="updated_at"),
        relationships=_object(**{name: relation(name, column) for name, column in relations.items()}),
    )
    return (
        f"select list({resource} order by n) as data from (select * {_texts(source, _ISO)} from {rows}) "
        f"group by n // {PAGE} order by min(n)"
    )
