"""JSON read by DuckDB, where that gives exactly the records json_records.py gives, five times as fast.

A relation here has a text column for every field of the source and a column `odd`, true on a row DuckDB
may have read differently: a number with a fraction (it goes through a double), a list or object where
a text belongs, a document of another shape. One odd row, or an error, and Python reads the file. What
DuckDB forgives and JSON does not, a comma before a closing bracket, prechecks.py looks for.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orchestration.ingestion.json_records import (
    JSON_API_ATTRIBUTES,
    JSON_API_TYPES,
    WEBHOOK_OBJECT,
    BadRecord,
    foreign_list_keys,
    parse,
    relations,
)
from orchestration.ingestion.prechecks import CheckedFile
from orchestration.ingestion.sources import Field, SourceSpec
from orchestration.sql_literals import sql_text

# A document smaller than this is read by Python before DuckDB has planned its query.
SMALL_DOCUMENT = 512 * 1024
LARGEST_OBJECT = 64 * 1024 * 1024
# Records of these need what is not in them: the manifest's date, the id of the document around them.
_NEEDS_CONTEXT = {"twilio_phone_numbers", "whatsapp_conversation_analytics", "whatsapp_pricing_analytics"}
# A list of plain words is written by DuckDB as json.dumps writes it.
_PLAIN_LIST = r"\[(\"[A-Za-z0-9 _.-]*\"(,\"[A-Za-z0-9 _.-]*\")*)?\]"
# What a number that is not whole looks like as a text of fewer than ten characters.
_SHORT_NUMBER = r"-?[0-9]e[+-]?[0-9]+|-?[0-9]*\..*|-(?i:nan|inf|infinity)"


def _as_json(field: Field) -> bool:
    """Whether the field is read as JSON, which tells a text from a number or a list, rather than as text."""
    return field.kind == "decimal" or field.name == "channels"


def _quoted(name: str) -> str:
    return f'"{name}"'


def _type(field: Field) -> str:
    return "JSON" if _as_json(field) else "VARCHAR"


def _struct(types: dict[str, str]) -> str:
    return f"STRUCT({', '.join(f'{_quoted(name)} {kind}' for name, kind in types.items())})"


class _Picked:
    """Select list and conditions that grow field by field."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.odd: list[str] = []

    def add(self, field: Field, value: str) -> None:
        """The field's text from SQL `value`, of the type `_type` says."""
        if not _as_json(field):
            self.values[field.name] = value
            self.odd.append(_odd_text(value) if field.kind == "text" else _odd_number(value))
            return
        text = f"cast({value} as varchar)"
        self.values[field.name] = (
            f"case when starts_with({text}, '\"') then json_extract_string({value}, '$') else {text} end"
        )
        self.odd.append(
            f"not (starts_with({text}, '\"') or regexp_full_match({text}, '-?[0-9]+|true|false|{_PLAIN_LIST}'))"
        )

    def relation(self, spec: SourceSpec, source: str, line_odd: list[str]) -> str:
        nothing = "cast(null as varchar)"
        listed = ", ".join(f'{self.values.get(f.name, nothing)} as "{f.name}"' for f in spec.fields)
        odd = " or ".join(f"coalesce({condition}, false)" for condition in (*line_odd, *self.odd)) or "false"
        return f"(select {listed}, {odd} as odd from {source})"


def _when_no_number(value: str) -> str:
    """The last arm of a case: a number that JSON has not. Two lengths cost less than looking through a list."""
    return f"when strlen({value}) = 3 or strlen({value}) = 8 then lower({value}) in ('nan', 'inf', 'infinity')"


def _odd_text(value: str) -> str:
    """A text that may have been a number with a fraction, a list, an object or no number at all.

    Nested so that an ordinary text costs two comparisons: as one condition it took longer than the parse.
    """
    return (
        f"case when {value} < ':' then "
        f"case when strlen({value}) < 10 then regexp_full_match({value}, '{_SHORT_NUMBER}') "
        f"else contains({value}, '.') end "
        f"when ({value} >= '[' and {value} < '\\') or ({value} >= '{{' and {value} < '|') then true "
        f"{_when_no_number(value)} end"
    )


def _odd_number(value: str) -> str:
    """A count or an instant that may have been a number with a fraction or an exponent.

    As long as ISO 8601 with milliseconds none is: those are not looked into.
    """
    return (
        f"case when {value} < ':' and strlen({value}) < 24 then contains({value}, '.') or contains({value}, 'e') "
        f"{_when_no_number(value)} end"
    )


def _read(path: Path, form: str, types: dict[str, str]) -> str:
    columns = ", ".join(f"{sql_text(name)}: {sql_text(kind)}" for name, kind in types.items())
    # Each thread has buffers of the largest object's size: small ones for lines, which are many.
    layout = (
        "format = 'newline_delimited'"
        if form == ".ndjson"
        else f"format = 'unstructured', maximum_object_size = {LARGEST_OBJECT}"
    )
    return (
        f"read_json({sql_text(str(path))}, {layout}, records = true, columns = {{{columns}}}, "
        "compression = 'uncompressed')"
    )


def _item_types(spec: SourceSpec) -> dict[str, str]:
    """Keys of a flat record, and those that would make it something else."""
    types = {name: _type(field) for field in spec.fields for name in (field.name, *field.aliases)}
    shapes = [*foreign_list_keys(spec.name), *([spec.list_key] if spec.list_key else [])]
    if spec.name == "whatsapp_webhooks":
        shapes.append("entry")
    if spec.name in JSON_API_TYPES:
        shapes += ["data", "attributes"]
    return types | dict.fromkeys(shapes, "JSON")


def _pick_flat(spec: SourceSpec, prefix: str) -> tuple[_Picked, list[str]]:
    picked = _Picked()
    named = set()
    for field in spec.fields:
        names = [f"{prefix}{_quoted(name)}" for name in (field.name, *field.aliases)]
        picked.add(field, f"coalesce({', '.join(names)})" if len(names) > 1 else names[0])
        named |= {field.name, *field.aliases}
    other = [f"{prefix}{_quoted(name)} is not null" for name in _item_types(spec) if name not in named]
    if spec.sid_prefixes:
        sid = picked.values["sid"]
        own = " or ".join(f"starts_with({sid}, {sql_text(start)})" for start in spec.sid_prefixes)
        other.append(f"strlen({sid}) = 34 and not ({own})")
    return picked, other


def _flat(spec: SourceSpec, path: Path, form: str) -> str:
    picked, other = _pick_flat(spec, "")
    return picked.relation(spec, _read(path, form, _item_types(spec)), other)


def _unnested(list_sql: str, line_odd: str) -> str:
    """Items of a list, or one null to carry an odd line whose list is empty."""
    return f"unnest(case when {line_odd} then [null] else {list_sql} end)"


def _page(spec: SourceSpec, path: Path, form: str) -> str:
    assert spec.list_key
    key = _quoted(spec.list_key)
    types = {spec.list_key: f"{_struct(_item_types(spec))}[]"}
    types |= dict.fromkeys(foreign_list_keys(spec.name), "JSON")
    line_odd = " or ".join(
        [f"{key} is null", f"list_count({key}) <> len({key})"]
        + [f"{_quoted(name)} is not null" for name in foreign_list_keys(spec.name)]
    )
    items = (
        f"(select line_odd, {_unnested(key, 'line_odd')} as item from "
        f"(select {key}, coalesce({line_odd}, true) as line_odd from {_read(path, form, types)}))"
    )
    picked, other = _pick_flat(spec, "item.")
    return picked.relation(spec, items, ["line_odd", *other])


def _json_api(spec: SourceSpec, path: Path, form: str, within: str) -> str:
    """Resources: `within` is '' where each document is one, 'data' or 'data[]' where it holds one or a list."""
    fields = {f.name: f for f in spec.fields}
    attributes = JSON_API_ATTRIBUTES[spec.name]
    related = _struct({"data": _struct({"id": "VARCHAR"})})
    resource = {
        "type": "VARCHAR",
        "id": "VARCHAR",
        "attributes": _struct({key: _type(fields[name]) for key, name in attributes.items()}),
        "relationships": _struct({key: related for key, _ in relations(spec.name)}),
        "data": "JSON",
    }
    foreign = dict.fromkeys(foreign_list_keys(spec.name), "JSON")
    if not within:
        source, prefix = _read(path, form, resource | foreign), ""
        other = [f"{_quoted(name)} is not null" for name in ("data", *foreign)]
    else:
        listed = within.endswith("[]")
        types = {"data": _struct(resource | foreign) + ("[]" if listed else "")}
        lines = _read(path, form, types | foreign)
        odd = ["data is null", *(f"{_quoted(name)} is not null" for name in foreign)]
        if listed:
            odd.append("list_count(data) <> len(data)")
        line_odd = f"coalesce({' or '.join(odd)}, true)"
        item = _unnested("data", "line_odd") if listed else "data"
        source = f"(select line_odd, {item} as item from (select data, {line_odd} as line_odd from {lines}))"
        prefix = "item."
        other = ["line_odd", *(f"item.{_quoted(name)} is not null" for name in ("data", *foreign))]
    other += [f"{prefix}attributes is null", f"{prefix}type <> {sql_text(JSON_API_TYPES[spec.name])}"]
    picked = _Picked()
    picked.add(fields["id"], f"{prefix}id")
    for key, name in attributes.items():
        picked.add(fields[name], f"{prefix}attributes.{_quoted(key)}")
    for key, name in relations(spec.name):
        picked.add(fields[name], f"{prefix}relationships.{_quoted(key)}.data.id")
    return picked.relation(spec, source, other)


# Where each field stands in a status and in a message of a webhook.
_STATUS = {
    "wamid": "id",
    "status": "status",
    "timestamp": "timestamp",
    "recipient_id": "recipient_id",
    "conversation_id": "conversation.id",
    "origin_type": "conversation.origin.type",
    "expiration_timestamp": "conversation.expiration_timestamp",
    "pricing_model": "pricing.pricing_model",
    "pricing_type": "pricing.type",
    "pricing_category": "pricing.category",
    "billable": "pricing.billable",
}
_MESSAGE = {"wamid": "id", "timestamp": "timestamp", "from": "from"}


def _tree(paths: Iterator[str]) -> str:
    """The struct type that holds texts at the given dotted paths."""
    root: dict[str, Any] = {}
    for path in paths:
        node = root
        *parents, leaf = path.split(".")
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = "VARCHAR"

    def written(node: dict[str, Any]) -> str:
        return _struct({name: kind if isinstance(kind, str) else written(kind) for name, kind in node.items()})

    return written(root)


def _at(prefix: str, path: str) -> str:
    return ".".join([prefix, *(_quoted(step) for step in path.split("."))])


def _webhook(spec: SourceSpec, path: Path, form: str) -> str:
    value = _struct(
        {"statuses": f"{_tree(iter(_STATUS.values()))}[]", "messages": f"{_tree(iter(_MESSAGE.values()))}[]"}
    )
    entry = _struct({"id": "VARCHAR", "changes": f"{_struct({'value': value})}[]"})
    foreign = dict.fromkeys(foreign_list_keys(spec.name), "JSON")
    lines = _read(path, form, {"object": "VARCHAR", "entry": f"{entry}[]"} | foreign)
    line_odd = " or ".join(
        ["entry is null", f"coalesce(object <> {sql_text(WEBHOOK_OBJECT)}, false)"]
        + [f"{_quoted(name)} is not null" for name in foreign]
    )
    entries = (
        f"(select line_odd, {_unnested('entry', 'line_odd')} as entry from "
        f"(select entry, ({line_odd}) as line_odd from {lines}))"
    )
    changes = (
        f"(select line_odd, entry.id as waba_id, {_unnested('entry.changes', 'line_odd')} as change from {entries})"
    )
    # Statuses and messages never come in one change; where they do, or one is null, their order is Python's to say.
    mixed = (
        "coalesce(len(change.value.statuses) > 0 and len(change.value.messages) > 0, false) "
        "or coalesce(list_count(change.value.statuses) <> len(change.value.statuses), false) "
        "or coalesce(list_count(change.value.messages) <> len(change.value.messages), false)"
    )
    judged = f"(select waba_id, change, line_odd or {mixed} as line_odd from {changes})"
    items = (
        f"(select line_odd, waba_id, {_unnested('change.value.statuses', 'line_odd')} as status, "
        f"unnest(change.value.messages) as message from {judged})"
    )
    fields = {f.name: f for f in spec.fields}
    picked = _Picked()
    picked.add(fields["waba_id"], "waba_id")
    for name in dict.fromkeys((*_STATUS, *_MESSAGE)):
        found = [_at("status", _STATUS[name])] if name in _STATUS else []
        found += [_at("message", _MESSAGE[name])] if name in _MESSAGE else []
        picked.add(fields[name], f"coalesce({', '.join(found)})" if len(found) > 1 else found[0])
    picked.values["direction"] = "case when status is null then 'in' else 'out' end"
    kept = f"(select * from {items} where line_odd or status is not null or message is not null)"
    return picked.relation(spec, kept, ["line_odd"])


def _shape(spec: SourceSpec, document: Any, path: Path, form: str) -> str | None:
    if not isinstance(document, dict):
        return None
    if spec.list_key and isinstance(document.get(spec.list_key), list):
        return _page(spec, path, form)
    if spec.name == "whatsapp_webhooks" and document.get("entry") is not None:
        return _webhook(spec, path, form)
    if spec.name in JSON_API_TYPES and document.get("data") is not None:
        return _json_api(spec, path, form, "data[]" if isinstance(document["data"], list) else "data")
    if spec.name in JSON_API_TYPES and document.get("attributes") is not None:
        return _json_api(spec, path, form, "")
    return _flat(spec, path, form)


def _first_document(path: Path) -> Any:
    with path.open(encoding="utf-8", newline="\n") as lines:
        for line in lines:
            if line.strip():
                return parse(line)
    return None


def relation_of(spec: SourceSpec, checked: CheckedFile) -> str | None:
    """SQL for the file's records as text columns and `odd`; None where Python should read it at once."""
    if not checked.is_strict or spec.name in _NEEDS_CONTEXT:
        return None
    path = checked.plain_path
    if checked.form == ".ndjson":
        try:
            return _shape(spec, _first_document(path), path, checked.form)
        except (ValueError, BadRecord):
            return None
    # One document: reading it to see its shape is what we want to avoid, so only the bulky shapes are tried.
    if not SMALL_DOCUMENT <= path.stat().st_size <= LARGEST_OBJECT:
        return None
    if spec.list_key:
        return _page(spec, path, checked.form)
    if spec.name == "whatsapp_webhooks":
        return _webhook(spec, path, checked.form)
    return _json_api(spec, path, checked.form, "data[]") if spec.name in JSON_API_TYPES else None
