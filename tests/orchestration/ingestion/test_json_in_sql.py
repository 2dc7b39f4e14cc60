"""DuckDB's reading of JSON is used only where it gives the very records Python's does."""

from __future__ import annotations

import json
import re
from itertools import product
from pathlib import Path

import duckdb
import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from orchestration.ingestion import json_in_sql
from orchestration.ingestion.json_records import Record, read_json
from orchestration.ingestion.prechecks import _JsonCheck, check_file, staging_dir
from orchestration.ingestion.refusal import RefusedFile
from orchestration.ingestion.sources import SOURCES
from orchestration.settings import Settings

Document = dict[str, object]
PAYLOADS = Path(__file__).parent / "payloads"


def by_python(settings: Settings, source: str, path: Path) -> list[Record] | None:
    """The records, all columns filled; None where some line is none or the file is refused."""
    spec, checked = SOURCES[source], check_file(path, settings)
    records: list[Record] = []
    try:
        for record, _, _ in read_json(spec, checked.plain_path, checked.form, checked.manifest):
            if record is None:
                return None
            records.append({name: record.get(name) for name in spec.typed_columns})
    except RefusedFile:
        return None
    return records


def by_duckdb(settings: Settings, source: str, path: Path) -> list[Record] | None:
    """The records; None where DuckDB leaves the file to Python."""
    spec = SOURCES[source]
    relation = json_in_sql.relation_of(spec, check_file(path, settings))
    if relation is None:
        return None
    with duckdb.connect() as connection:
        try:
            rows = connection.execute(f"select * from {relation}").fetchall()
        except (duckdb.Error, UnicodeDecodeError):
            return None
    names = list(spec.typed_columns)
    return None if any(odd for *_, odd in rows) else [dict(zip(names, row, strict=False)) for row in rows]


@pytest.fixture(autouse=True)
def _no_document_is_small(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    staging_dir(settings).mkdir(parents=True)
    monkeypatch.setattr(json_in_sql, "SMALL_DOCUMENT", 0)


def landed(settings: Settings, name: str, content: str) -> Path:
    path = settings.landing / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode())
    return path


CALL: Document = {
    "sid": "CA" + "1" * 32,
    "account_sid": "AC1",
    "status": "completed",
    "duration": 61,
    "price": "-0.00850",
}
STATUS: Document = {
    "id": "wamid.1",
    "status": "sent",
    "timestamp": "1730800000",
    "recipient_id": "5511",
    "conversation": {"id": "c1", "expiration_timestamp": "1730886400", "origin": {"type": "utility"}},
    "pricing": {"billable": True, "pricing_model": "CBP", "category": "utility"},
}
INBOUND: Document = {
    "id": "wamid.2",
    "from": "5512",
    "timestamp": "1730800001",
    "type": "text",
    "text": {"body": "2.50"},
}
RESOURCE: Document = {
    "type": "conversation",
    "id": "k1",
    "attributes": {"channels": ["chat", "sms"], "createdAt": "2024-11-05T10:00:00Z", "spam": False, "score": 1.5},
    "relationships": {"org": {"data": {"type": "org", "id": "o1"}}, "customer": {"data": {"id": "u1"}}},
}


def entry(*items: Document) -> Document:
    changes = [
        {"field": "messages", "value": {"statuses" if "status" in item else "messages": [item]}} for item in items
    ]
    return {"id": "waba1", "changes": changes}


def webhook(*items: Document) -> Document:
    return {"object": "whatsapp_business_account", "entry": [entry(*items)]}


CLEAN: dict[str, tuple[str, list[Document]]] = {
    "flat call": ("twilio_calls", [CALL, CALL | {"sid": None, "id": "CA2", "unknown": [1.5, {"a": 2}]}]),
    "pages of calls": ("twilio_calls", [{"calls": [CALL, CALL], "page": 0}, {"calls": [CALL], "page": 1}]),
    "webhooks": ("whatsapp_webhooks", [webhook(STATUS, STATUS, INBOUND), webhook(INBOUND), webhook(STATUS)]),
    "webhooks without either": ("whatsapp_webhooks", [webhook(STATUS), {"entry": [{"id": "w", "changes": []}]}]),
    "resource": ("kustomer_conversations", [RESOURCE, RESOURCE]),
    "data": ("kustomer_conversations", [{"data": RESOURCE}, {"data": RESOURCE}]),
    "data list": ("kustomer_conversations", [{"data": [RESOURCE, RESOURCE]}, {"data": [RESOURCE]}]),
    "flat conversation": ("kustomer_conversations", [{"id": "1", "org_id": 12, "channels": ["chat"], "spam": True}]),
    "list as text": ("kustomer_conversations", [{"id": "1", "org_id": "2", "channels": '["chat"]'}]),
}


@pytest.mark.parametrize("case", CLEAN)
def test_clean_files_of_every_shape_are_read_by_duckdb(settings: Settings, case: str) -> None:
    source, documents = CLEAN[case]
    path = landed(settings, "a.ndjson", "".join(json.dumps(d) + "\n" for d in documents))
    found = by_duckdb(settings, source, path)
    assert found is not None
    assert found == by_python(settings, source, path)
    # As one indented document, where the vendor sends such.
    if case in ("pages of calls", "webhooks", "data list"):
        path = landed(settings, "a.json", json.dumps(documents[0], indent=2))
        found = by_duckdb(settings, source, path)
        assert found is not None
        assert found == by_python(settings, source, path)


@pytest.mark.parametrize("path", sorted(PAYLOADS.rglob("*.json")), ids=lambda p: p.name)
def test_real_payloads_are_read_alike(settings: Settings, path: Path) -> None:
    sources = ["whatsapp_webhooks"] if path.parent.name == "whatsapp" else [s for s in SOURCES if "twilio" in s]
    for source in sources:
        for name in ("a.json", "a.ndjson"):
            text = path.read_text()
            copied = landed(settings, name, text if name == "a.json" else " ".join(text.split("\n")))
            found = by_duckdb(settings, source, copied)
            assert found is None or found == by_python(settings, source, copied)


ODD = [
    '{"sid": "CA1", "price": 1.10}',
    '{"sid": "CA1", "status": 1e3}',
    '{"sid": "CA1", "status": 3e22}',
    '{"sid": "CA1", "status": -3E-300}',
    '{"sid": "CA1", "price": 1e3}',
    '{"sid": "CA1", "price": 123456789012.123457}',
    '{"sid": "CA1", "status": {"a": 1}}',
    '{"sid": "CA1", "status": [1.50]}',
    '{"sid": "CA1", "sid": "CA2"}',
    '{"sid": "CA1",}',
    '{"sid": "CA1", "x": [1, 2 , ]}',
    '{"sid": NaN}',
    '{"price": Infinity}',
    '{"sid": "CA1", "messages": []}',
    '{"sid": "CA1", "calls": [{"sid": "CA2"}]}',
    '{"calls": [{"sid": "CA2"}, null]}',
    '{"calls": []}',
    '{"sid": "SM' + "1" * 32 + '"}',
    '[{"sid": "CA1"}]',
    '{"sid": "CA1"}{"sid": "CA2"}',
    '{"sid": "CA1"} x',
    "5",
    "null",
    '"text"',
    '{"sid": "CA1"',
    '{"sid": "a\tb"}',
    '{"sid": 01}',
    '{"sid": "CA1"}\x0c',
    '\ufeff{"sid": "CA1"}',
    '{"sid": "\\ud800"}',
    '{"sid": "CA1"}\r{"sid": "CA2"}',
]


@pytest.mark.parametrize("line", ODD)
def test_what_duckdb_reads_otherwise_is_left_to_python(settings: Settings, line: str) -> None:
    for before, after in (("", ""), ('{"sid": "CA0"}\n', '\n{"sid": "CA9"}\n'), ('{"calls": [{"sid": "CA0"}]}\n', "")):
        path = landed(settings, "a.ndjson", before + line + after)
        found = by_duckdb(settings, "twilio_calls", path)
        python = by_python(settings, "twilio_calls", path)
        # A line without any field of the source has no required one either: typing sends it to Python.
        found = None if found is not None and any(set(record.values()) == {None} for record in found) else found
        assert found is None or found == python


def changes(**value: object) -> Document:
    return {"entry": [{"id": "waba1", "changes": [{"value": value}]}]}


NESTED: dict[str, tuple[str, Document]] = {
    "object of another kind": ("whatsapp_webhooks", webhook(STATUS) | {"object": "page"}),
    "object of another kind, no entries": ("whatsapp_webhooks", {"object": "page", "entry": []}),
    "no entries": ("whatsapp_webhooks", {"entry": []}),
    "entry null": ("whatsapp_webhooks", {"entry": None, "wamid": "w"}),
    "entry no list": ("whatsapp_webhooks", {"entry": {"id": "1"}}),
    "null entries": ("whatsapp_webhooks", {"entry": [None, entry(STATUS)]}),
    "null changes": ("whatsapp_webhooks", {"entry": [{"id": "1", "changes": [None, {"value": None}, {}]}]}),
    "null status": ("whatsapp_webhooks", changes(statuses=[None, STATUS])),
    "null message": ("whatsapp_webhooks", changes(messages=[INBOUND, None])),
    "statuses and messages": ("whatsapp_webhooks", changes(statuses=[STATUS], messages=[INBOUND, INBOUND])),
    "empty and messages": ("whatsapp_webhooks", changes(statuses=[], messages=[INBOUND])),
    "status that is a text": ("whatsapp_webhooks", changes(statuses=["sent"])),
    "fraction": ("whatsapp_webhooks", changes(statuses=[STATUS | {"recipient_id": 1.5}])),
    "pricing no object": ("whatsapp_webhooks", changes(statuses=[STATUS | {"pricing": "CBP"}])),
    "flat row": ("whatsapp_webhooks", {"waba_id": "1", "wamid": "w", "status": "sent", "timestamp": 1730800000}),
    "another type": ("kustomer_conversations", {"data": RESOURCE | {"type": "customer"}}),
    "data null": ("kustomer_conversations", {"data": None, "id": "1"}),
    "null in data": ("kustomer_conversations", {"data": [RESOURCE, None]}),
    "no data": ("kustomer_conversations", {"data": []}),
    "data in data": ("kustomer_conversations", {"data": [{"data": RESOURCE}]}),
    "no attributes": ("kustomer_conversations", {"data": {"id": "1", "org_id": "2"}}),
    "attributes no object": ("kustomer_conversations", RESOURCE | {"attributes": ["a"]}),
    "attributes null": ("kustomer_conversations", RESOURCE | {"attributes": None, "org_id": "3"}),
    "relation list": ("kustomer_conversations", RESOURCE | {"relationships": {"org": {"data": [{"id": "1"}]}}}),
    "relation null": (
        "kustomer_conversations",
        RESOURCE | {"relationships": {"org": None, "customer": {"data": None}}},
    ),
    "page of others": ("kustomer_conversations", {"data": RESOURCE, "messages": []}),
    "channels of numbers": ("kustomer_conversations", RESOURCE | {"attributes": {"channels": [1, 2.50]}}),
    "channels with a quote": ("kustomer_conversations", RESOURCE | {"attributes": {"channels": ['a"b', "\u00e9"]}}),
}


@pytest.mark.parametrize("case", NESTED)
@pytest.mark.parametrize("among", [False, True])
def test_nested_documents_are_read_alike_or_left_to_python(settings: Settings, case: str, among: bool) -> None:
    source, document = NESTED[case]
    clean = [webhook(STATUS)] if source == "whatsapp_webhooks" else [{"data": RESOURCE}]
    documents = [*clean, document, *clean] if among else [document]
    path = landed(settings, "a.ndjson", "\n".join(json.dumps(d) for d in documents))
    found = by_duckdb(settings, source, path)
    assert found is None or found == by_python(settings, source, path)
    path = landed(settings, "a.json", json.dumps(document))
    found = by_duckdb(settings, source, path)
    assert found is None or found == by_python(settings, source, path)


NAMES = ["sid", "id", "account_sid", "account_id", "status", "price", "duration", "date_created", "created_at", "extra",
         "calls", "messages"]  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from(["", " ", "a", " a ", "1.5", "1e5", "-0", "[1]", "{", "NaN", "inf", '["a"]', "\\", '"', "\n", "é",
                     "2024-11-05T10:00:00Z", "CA" + "0" * 32, "SM" + "0" * 32, "1234567890123456789012", "3e22"]),
    st.text(max_size=8),
)  # fmt: skip
TOKENS = st.one_of(
    TEXTS.map(json.dumps),
    TEXTS.map(lambda text: json.dumps(text, ensure_ascii=False)),
    st.integers().map(str),
    st.sampled_from(["null", "true", "false", "-0", "0.1", "1.10", "1e3", "-0.0085", "12345678901234567890", "1E400",
                     "123456789012345678901234567890", "NaN", "-Infinity", "inf", "01", "+1", '["chat","sms"]', "[1]",
                     "[]", "{}", '[{"sid":"CA1","account_sid":"A"}]', '[{"sid":"CA1","calls":[]}]', "[null]"]),
)  # fmt: skip
SPACES = st.sampled_from(["", "", "", " ", "\t", "\r"])


@st.composite
def lines(draw: st.DrawFn) -> str:
    members = draw(st.lists(st.tuples(st.sampled_from(NAMES), TOKENS, SPACES), max_size=6))
    body = ",".join(f'{space}"{name}":{space}{token}' for name, token, space in members)
    ending = draw(st.sampled_from(["", "", "", "", "", "", "", "", ",", "}", " ", "x"]))
    return "{" + body + "}" if ending == "" else "{" + body + ending + "}"


@given(st.lists(lines(), min_size=1, max_size=4))
@example(['{"sid":"","duration":1.10}'])
@example(['{"sid":"CA1","duration":9007199254740993.0,"date_created":1e3}'])
@hypothesis_settings(max_examples=300, deadline=None)
def test_any_lines_are_read_alike_or_left_to_python(
    tmp_path_factory: pytest.TempPathFactory, content: list[str]
) -> None:
    root = tmp_path_factory.mktemp("lines")
    settings = Settings(home=root / "var", landing=root / "landing")
    staging_dir(settings).mkdir(parents=True)
    try:
        path = landed(settings, "a.ndjson", "\n".join(content))
    except UnicodeEncodeError:
        return
    try:
        found = by_duckdb(settings, "twilio_calls", path)
    except RefusedFile:
        return
    if found is None or any(record["sid"] is None for record in found):
        return
    assert found == by_python(settings, "twilio_calls", path)


def test_a_comma_before_a_closing_bracket_is_noticed_wherever_the_pieces_end() -> None:
    for text in map("".join, product(",}] a", repeat=5)):
        is_strict = re.search(r",[ \t\r\n]*[}\]]", text) is None
        for cut in range(5):
            check = _JsonCheck("a.ndjson")
            for piece in (text[:cut], text[cut:]):
                check.feed(piece.encode())
            assert check.is_strict == is_strict, (text[:cut], text[cut:])
