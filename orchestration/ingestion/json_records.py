"""JSON as vendors emit it, exploded to flat records with a source's columns.

Numbers stay the text they were sent as: a parser that makes floats of them would change money.
What the values mean is judged later, by row_typing.py.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from orchestration.ingestion.refusal import RefusedFile
from orchestration.ingestion.sources import SOURCES, SourceSpec
from orchestration.wording import storable_text

Record = dict[str, str | None]

JSON_API_ATTRIBUTES = {
    "kustomer_conversations": {
        "channels": "channels",
        "createdAt": "created_at",
        "endedAt": "ended_at",
        "importedAt": "imported_at",
        "spam": "spam",
        "transferredToAgentAt": "transferred_to_agent_at",
        "updatedAt": "updated_at",
    },
    "kustomer_messages": {
        "direction": "direction",
        "channel": "channel",
        "sentAt": "sent_at",
        "assistantType": "assistant_type",
        "updatedAt": "updated_at",
    },
}
JSON_API_RELATIONS = {
    "org": "org_id",
    "customer": "customer_id",
    "conversation": "conversation_id",
    "assistant": "assistant_id",
    "mergedTarget": "merged_target_id",
}
WEBHOOK_OBJECT = "whatsapp_business_account"
NESTED_TOO_DEEPLY = "lists and objects nested deeper than any vendor sends them"
JSON_API_TYPES = {"kustomer_conversations": "conversation", "kustomer_messages": "message"}


class BadRecord(Exception):
    """One record that cannot be read; the rest of its file can."""


class _Doubled(dict[str, Any]):
    """An object that names a key twice. Which value is meant nobody can say, so it is no record once it is asked."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        counted = Counter(key for key, _ in pairs)
        self._twice = {key for key, times in counted.items() if times > 1}

    def _ask(self, key: str) -> None:
        if key in self._twice:
            raise BadRecord(f"names {key!r} twice")

    def __getitem__(self, key: str) -> Any:
        self._ask(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self._ask(key)
        return super().get(key, default)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _Doubled(pairs)


def parse(text: str) -> Any:
    """JSON with every number kept as text; refuses NaN and the infinities, which JSON does not have."""

    def refuse(constant: str) -> Any:
        raise ValueError(f"{constant} is not JSON")

    try:
        return json.loads(text, parse_float=str, parse_int=_whole, parse_constant=refuse, object_pairs_hook=_object)
    except RecursionError as error:
        raise ValueError(f"has {NESTED_TOO_DEEPLY}") from error


def _whole(text: str) -> str:
    return "0" if text == "-0" else text


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _get(node: Any, *keys: str) -> Any:
    for key in keys:
        if not isinstance(node, dict):
            return None
        node = node.get(key)
    return node


def _listed(node: Any, key: str) -> list[Any]:
    """The list at `key`, empty where there is none; what stands there instead of one is not passed over (GEN-05)."""
    found = _get(node, key)
    if found is None:
        return []
    if not isinstance(found, list):
        raise BadRecord(f"has a {key!r} that is not a list")
    return found


def _objects(node: Any, key: str) -> Iterator[dict[str, Any]]:
    """The objects in the list at `key`. A null among them holds nothing; anything else may hold records nobody sees."""
    for item in _listed(node, key):
        if isinstance(item, dict):
            yield item
        elif item is not None:
            raise BadRecord(f"has something in {key!r} that is not an object")


def _wrong_type(spec: SourceSpec, what: str) -> RefusedFile:
    return RefusedFile(
        f"this is {what}, not an extract of {spec.name}",
        f"Move it to the landing folder of its own source, or deliver {spec.name} here.",
    )


def _flat(spec: SourceSpec, node: dict[str, Any]) -> Record:
    record: Record = {}
    for field in spec.fields:
        # A key that is null says no more than one that is not there: the next name may.
        for name in (field.name, *field.aliases):
            if name in node:
                record[field.name] = _text(node[name])
                if node[name] is not None:
                    break
    if not record:
        raise BadRecord(f"contains none of the fields of {spec.name}")
    sid = record.get("sid")
    if spec.sid_prefixes and sid and len(sid) == 34 and not sid.startswith(spec.sid_prefixes):
        raise _wrong_type(spec, f"a resource with sid {storable_text(sid[:2])}...")
    return record


def _json_api(spec: SourceSpec, node: dict[str, Any]) -> Record:
    kind = node.get("type")
    if kind is not None and kind != JSON_API_TYPES[spec.name]:
        raise _wrong_type(spec, f"a JSON:API resource of type {kind!r}")
    record: Record = {"id": _text(node.get("id"))}
    attributes = node.get("attributes")
    if isinstance(attributes, dict):
        for key, name in JSON_API_ATTRIBUTES[spec.name].items():
            record[name] = _text(attributes.get(key))
    relationships = node.get("relationships")
    if isinstance(relationships, dict):
        for key, name in relations(spec.name):
            if relationships.get(key) is not None:
                record[name] = _text(_get(relationships[key], "data", "id"))
    return record


@cache
def relations(source: str) -> tuple[tuple[str, str], ...]:
    """(relationship, column) of each JSON:API relationship the source has a column for."""
    columns = SOURCES[source].columns
    return tuple((key, name) for key, name in JSON_API_RELATIONS.items() if name in columns)


def _webhook(spec: SourceSpec, envelope: dict[str, Any]) -> Iterator[Record]:
    if envelope.get("object") not in (None, WEBHOOK_OBJECT):
        raise _wrong_type(spec, f"a webhook of object {envelope['object']!r}")
    for entry in _objects(envelope, "entry"):
        for change in _objects(entry, "changes"):
            value = change.get("value")
            if not isinstance(value, dict | None):
                raise BadRecord("has a 'value' that is not an object")
            for status in _listed(value, "statuses"):
                yield {
                    "waba_id": _text(_get(entry, "id")),
                    "wamid": _text(_get(status, "id")),
                    "status": _text(_get(status, "status")),
                    "timestamp": _text(_get(status, "timestamp")),
                    "recipient_id": _text(_get(status, "recipient_id")),
                    "conversation_id": _text(_get(status, "conversation", "id")),
                    "origin_type": _text(_get(status, "conversation", "origin", "type")),
                    "expiration_timestamp": _text(_get(status, "conversation", "expiration_timestamp")),
                    "pricing_model": _text(_get(status, "pricing", "pricing_model")),
                    "pricing_type": _text(_get(status, "pricing", "type")),
                    "pricing_category": _text(_get(status, "pricing", "category")),
                    "billable": _text(_get(status, "pricing", "billable")),
                    "direction": "out",
                }
            for message in _listed(value, "messages"):
                yield {
                    "waba_id": _text(_get(entry, "id")),
                    "wamid": _text(_get(message, "id")),
                    "timestamp": _text(_get(message, "timestamp")),
                    "direction": "in",
                    "from": _text(_get(message, "from")),
                }


def _analytics(spec: SourceSpec, document: dict[str, Any]) -> Iterator[Record]:
    key = spec.name.removeprefix("whatsapp_")
    block = document[key]
    if not isinstance(block, dict):
        raise BadRecord(f"has a {key!r} that is not an object")
    for group in _objects(block, "data"):
        for point in _objects(group, "data_points"):
            yield _flat(spec, {**point, "waba_id": document.get("id")})


@cache
def foreign_list_keys(source: str) -> tuple[str, ...]:
    """Keys of the lists in other sources' pages: what holds one is not of this source."""
    own = SOURCES[source].list_key
    return tuple(spec.list_key for spec in SOURCES.values() if spec.list_key and spec.list_key != own)


def records_of(spec: SourceSpec, document: Any, manifest: dict[str, Any]) -> Iterator[Record]:
    """Flat records of one JSON document: a page, a resource, an envelope or a flat row.

    Raises BadRecord for a document that holds no record of the source, RefusedFile for another resource.
    """
    if isinstance(document, list):
        for item in document:
            yield from records_of(spec, item, manifest)
        return
    if not isinstance(document, dict):
        raise BadRecord("is not a JSON object")
    for foreign_key in foreign_list_keys(spec.name):
        if foreign_key in document and isinstance(document[foreign_key], list):
            raise _wrong_type(spec, f"a page of {foreign_key}")
    if spec.list_key and isinstance(document.get(spec.list_key), list):
        for item in document[spec.list_key]:
            yield from records_of(spec, item, manifest)
    elif spec.name == "whatsapp_webhooks" and document.get("entry") is not None:
        yield from _webhook(spec, document)
    elif spec.system == "whatsapp" and document.get(spec.name.removeprefix("whatsapp_")) is not None:
        yield from _analytics(spec, document)
    elif spec.name in JSON_API_ATTRIBUTES and document.get("data") is not None:
        for item in document["data"] if isinstance(document["data"], list) else [document["data"]]:
            yield from records_of(spec, item, manifest)
    elif spec.name in JSON_API_ATTRIBUTES and document.get("attributes") is not None:
        yield _json_api(spec, document)
    else:
        record = _flat(spec, document)
        if spec.dated_by_manifest and not record.get("snapshot_date"):
            record["snapshot_date"] = _text(manifest.get("extracted_on"))
        yield record


def read_json(
    spec: SourceSpec, path: Path, form: str, manifest: dict[str, Any]
) -> Iterator[tuple[Record | None, str, str]]:
    """Records of a `.json` or `.ndjson` file as (record or None, what is wrong, raw text of the bad one)."""
    if form == ".json":
        text = path.read_text(encoding="utf-8-sig")
        try:
            document = parse(text)
        except ValueError as error:
            line = getattr(error, "lineno", None)
            raise RefusedFile(
                f"not valid JSON: {error}",
                "Deliver the document again as the vendor sent it; nothing from it was loaded.",
                row_number=line,
            ) from error
        try:
            for record in records_of(spec, document, manifest):
                yield record, "", ""
        except BadRecord as error:
            raise RefusedFile(f"the document {error}", f"Deliver an extract of {spec.name}.") from error
        except RecursionError as error:
            raise RefusedFile(f"the document has {NESTED_TOO_DEEPLY}", f"Deliver an extract of {spec.name}.") from error
        return
    with path.open(encoding="utf-8-sig", newline="\n") as lines:
        for line in lines:
            if not line.strip():
                continue
            try:
                found = list(records_of(spec, parse(line), manifest))
            except (ValueError, BadRecord) as error:
                yield None, f"line is not a record: {error}", line.rstrip("\n")
                continue
            except RecursionError:
                yield None, f"line is not a record: has {NESTED_TOO_DEEPLY}", line.rstrip("\n")
                continue
            for record in found:
                yield record, "", ""
