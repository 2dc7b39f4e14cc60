"""The sources Meterhouse accepts: columns, types and what upstream calls them.

One registry decides what a raw relation looks like; parsing, the raw store and the dbt sources
all follow it. No parsing and no I/O here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# text: as sent; id: text that must be there; int/decimal/bool/date: strict; rfc_instant: RFC 2822 or
# ISO 8601 with an offset; iso_instant: ISO 8601 with an offset; unix_instant: seconds since 1970.
Kind = Literal["text", "int", "decimal", "bool", "date", "rfc_instant", "iso_instant", "unix_instant"]

DUCKDB_TYPES: dict[str, str] = {
    "text": "VARCHAR",
    "int": "BIGINT",
    "decimal": "DECIMAL(18,6)",
    "bool": "BOOLEAN",
    "date": "DATE",
    "rfc_instant": "TIMESTAMP",
    "iso_instant": "TIMESTAMP",
    "unix_instant": "TIMESTAMP",
}

# Digits before the point that a number may have: more is a slip of the producer's, and one such number would stop
# the months of all tenants. Seconds, characters and segments have nine (32 years, a library): a tenant's month of
# a billion such records still is a BIGINT, and a price of 10 on 100,000 of them an amount of DECIMAL(18, 3).
# What is not of this kind says so: see _BYTES and below.
DIGITS: dict[str, int] = {"int": 9, "decimal": 10}
# Below a petabyte: 9,000 environments that full still sum up to a BIGINT.
_BYTES = 15
# Full-time users are multiplied by the bytes of a plan for each, some 10^9; a thousand orgs of a million are a BIGINT.
_PEOPLE = 6
# 400 terms are counted from each start: those of 999 months end within what a TIMESTAMP holds.
_MONTHS = 3
# What the vendor charged or counted is compared, never billed: as much as DECIMAL(18, 6) holds.
_COST = 12

IDENTITY_COLUMNS: dict[str, str] = {
    "file_sha256": "VARCHAR",
    "row_number": "BIGINT",
    "load_batch": "INTEGER",
    "part_number": "INTEGER",
}


@dataclass(frozen=True)
class Field:
    """One column of a source: its name, kind, whether a row without it is refused, other names it arrives under.

    `most_digits` is how many digits a number may have before the point, where its kind's own number does not fit.
    """

    name: str
    kind: Kind = "text"
    required: bool = False
    aliases: tuple[str, ...] = ()
    most_digits: int | None = None

    @property
    def digits(self) -> int:
        """How many digits a number of this column may have before the point; leading zeros are not counted."""
        return self.most_digits or DIGITS[self.kind]

    @property
    def duckdb_type(self) -> str:
        return DUCKDB_TYPES[self.kind]


@dataclass(frozen=True)
class SourceSpec:
    """One kind of extract: `list_key` names the array of a vendor's page, `system` the vendor.

    With `dated_by_manifest` JSON rows that say no `snapshot_date` have the day the file's manifest says.
    """

    name: str
    system: str
    fields: tuple[Field, ...]
    list_key: str | None = None
    sid_prefixes: tuple[str, ...] = ()
    dated_by_manifest: bool = False

    @property
    def columns(self) -> dict[str, str]:
        """Column name to DuckDB type of the raw relation, identity columns last."""
        return self.typed_columns | IDENTITY_COLUMNS

    @property
    def typed_columns(self) -> dict[str, str]:
        """Column name to DuckDB type of what the source itself says."""
        return {f.name: f.duckdb_type for f in self.fields}

    @property
    def instants(self) -> tuple[str, ...]:
        """The columns that hold a time."""
        return tuple(f.name for f in self.fields if f.kind.endswith("instant"))


def _t(*names: str) -> tuple[Field, ...]:
    return tuple(Field(n) for n in names)


def _id(name: str, *aliases: str) -> Field:
    return Field(name, required=True, aliases=aliases)


_CREATED = Field("date_created", "rfc_instant", required=True, aliases=("created_at",))
_UPDATED = Field("date_updated", "rfc_instant", aliases=("updated_at",))
_OUR_UPDATE = Field("updated_at", "iso_instant")
_PRICE = (Field("price", "decimal", most_digits=_COST), Field("price_unit"))
_STORED = Field("bytes", "int", required=True, most_digits=_BYTES)
_VALID = (Field("valid_from", "iso_instant", required=True), Field("valid_to", "iso_instant"))


def _specs() -> tuple[SourceSpec, ...]:
    account = _id("account_sid", "account_id")
    return (
        SourceSpec(
            "twilio_calls",
            "twilio",
            (
                _id("sid", "id"),
                account,
                Field("parent_call_sid", aliases=("parent_call_id",)),
                *_t("from", "to", "direction"),
                Field("status", required=True),
                Field("start_time", "rfc_instant"),
                Field("end_time", "rfc_instant"),
                Field("duration", "int"),
                *_PRICE,
                _CREATED,
                _UPDATED,
            ),
            list_key="calls",
            sid_prefixes=("CA",),
        ),
        SourceSpec(
            "twilio_messages",
            "twilio",
            (
                _id("sid", "id"),
                account,
                *_t("from", "to"),
                Field("direction", required=True),
                Field("status", required=True),
                Field("num_segments", "int"),
                Field("num_media", "int"),
                _CREATED,
                Field("date_sent", "rfc_instant"),
                _UPDATED,
                *_PRICE,
                Field("error_code"),
            ),
            list_key="messages",
            sid_prefixes=("SM", "MM"),
        ),
        SourceSpec(
            "twilio_recordings",
            "twilio",
            (
                _id("sid", "id"),
                account,
                Field("call_sid"),
                Field("duration", "int"),
                Field("status", required=True),
                Field("start_time", "rfc_instant"),
                _CREATED,
                _UPDATED,
                *_PRICE,
            ),
            list_key="recordings",
            sid_prefixes=("RE",),
        ),
        SourceSpec(
            "twilio_transcriptions",
            "twilio",
            (
                _id("sid", "id"),
                account,
                Field("recording_sid"),
                Field("duration", "int"),
                Field("status", required=True),
                _CREATED,
                _UPDATED,
                *_PRICE,
            ),
            list_key="transcriptions",
            sid_prefixes=("TR",),
        ),
        SourceSpec(
            "twilio_phone_numbers",
            "twilio",
            (
                _id("sid", "id"),
                account,
                _id("phone_number"),
                _CREATED,
                _UPDATED,
                Field("snapshot_date", "date"),
            ),
            list_key="incoming_phone_numbers",
            sid_prefixes=("PN",),
            dated_by_manifest=True,
        ),
        SourceSpec(
            "twilio_usage_records",
            "twilio",
            (
                account,
                _id("category"),
                Field("start_date", "date", required=True),
                Field("end_date", "date", required=True),
                Field("count", "decimal", most_digits=_COST),
                Field("usage", "decimal", most_digits=_COST),
                Field("usage_unit"),
                *_PRICE,
                Field("as_of", "iso_instant"),
            ),
            list_key="usage_records",
        ),
        SourceSpec(
            "whatsapp_webhooks",
            "whatsapp",
            (
                _id("waba_id"),
                _id("wamid"),
                Field("status"),
                Field("timestamp", "unix_instant", required=True),
                *_t("recipient_id", "conversation_id", "origin_type"),
                Field("expiration_timestamp", "unix_instant"),
                *_t("pricing_model", "pricing_type", "pricing_category"),
                Field("billable", "bool"),
                *_t("direction", "from"),
            ),
        ),
        SourceSpec(
            "whatsapp_conversation_analytics",
            "whatsapp",
            (
                _id("waba_id"),
                Field("start", "unix_instant", required=True),
                Field("end", "unix_instant", required=True),
                *_t(
                    "phone_number",
                    "country",
                    "conversation_type",
                    "conversation_direction",
                    "conversation_category",
                ),
                Field("conversation", "int"),
                Field("cost", "decimal", most_digits=_COST),
            ),
        ),
        SourceSpec(
            "whatsapp_pricing_analytics",
            "whatsapp",
            (
                _id("waba_id"),
                Field("start", "unix_instant", required=True),
                Field("end", "unix_instant", required=True),
                *_t("phone_number", "country", "pricing_type", "pricing_category", "tier"),
                Field("volume", "int"),
                Field("cost", "decimal", most_digits=_COST),
            ),
        ),
        SourceSpec(
            "kustomer_conversations",
            "kustomer",
            (
                _id("id"),
                _id("org_id"),
                *_t("customer_id", "channels"),
                Field("created_at", "iso_instant", required=True),
                Field("ended_at", "iso_instant"),
                Field("imported_at", "iso_instant"),
                Field("spam", "bool"),
                Field("merged_target_id"),
                Field("transferred_to_agent_at", "iso_instant"),
                _OUR_UPDATE,
            ),
        ),
        SourceSpec(
            "kustomer_messages",
            "kustomer",
            (
                _id("id"),
                _id("org_id"),
                _id("conversation_id"),
                Field("direction", required=True),
                Field("channel"),
                Field("sent_at", "iso_instant", required=True),
                *_t("assistant_id", "assistant_type"),
                _OUR_UPDATE,
            ),
        ),
        *_our_extracts(),
    )


def _our_extracts() -> tuple[SourceSpec, ...]:
    def ours(name: str, *fields: Field) -> SourceSpec:
        return SourceSpec(name, "meterhouse", (*fields, _OUR_UPDATE))

    return (
        ours(
            "translations",
            _id("translation_id"),
            _id("org_id"),
            *_t("user_id", "source_lang"),
            _id("target_lang"),
            Field("character_count", "int", required=True),
            Field("status", required=True),
            Field("requested_at", "iso_instant"),
            Field("completed_at", "iso_instant"),
        ),
        ours(
            "storage_snapshots",
            _id("org_id"),
            _id("environment_id"),
            Field("environment"),
            _id("meter"),
            _STORED,
            Field("taken_at", "iso_instant", required=True),
        ),
        ours(
            "seat_snapshots",
            _id("org_id"),
            Field("full_time_users", "int", required=True, most_digits=_PEOPLE),
            Field("taken_at", "iso_instant", required=True),
        ),
        ours(
            "number_events",
            _id("tenant_id"),
            _id("phone_number"),
            Field("number_type"),
            _id("event"),
            Field("occurred_at", "iso_instant", required=True),
        ),
        ours(
            "carrier_penalties",
            _id("notice_id"),
            _id("phone_number"),
            Field("amount", "decimal", required=True),
            _id("currency_code"),
            Field("violated_at", "iso_instant", required=True),
            Field("posted_at", "iso_instant", required=True),
            Field("status", required=True),
            Field("status_at", "iso_instant", required=True),
        ),
        ours(
            "tenants",
            _id("tenant_id"),
            _id("name"),
            *_t(
                "billing_currency",
                "bill_to_name",
                "bill_to_address",
                "bill_to_country",
                "payment_method_id",
                "whatsapp_payment_method_id",
                "reseller_id",
            ),
            Field("created_at", "iso_instant"),
        ),
        ours("account_map", _id("tenant_id"), _id("system"), _id("account_id"), _id("kind"), *_VALID),
        ours(
            "subscriptions",
            _id("tenant_id"),
            _id("plan_id"),
            Field("full_time_licences", "int", required=True, most_digits=_PEOPLE),
            Field("term_start", "date", required=True),
            Field("term_months", "int", required=True, most_digits=_MONTHS),
            *_VALID,
        ),
        ours(
            "order_overrides",
            _id("order_id"),
            _id("tenant_id"),
            _id("meter"),
            _id("field"),
            *_t("price_key", "value"),
            *_VALID,
        ),
        ours("storage_purchases", _id("tenant_id"), _id("meter"), _STORED, *_VALID),
        ours(
            "suspensions",
            _id("tenant_id"),
            _id("service"),
            Field("from", "iso_instant", required=True),
            Field("to", "iso_instant"),
        ),
        ours(
            "payments",
            _id("invoice_number"),
            Field("paid_at", "iso_instant", required=True),
            Field("amount", "decimal", required=True),
        ),
    )


SOURCES: dict[str, SourceSpec] = {spec.name: spec for spec in _specs()}
