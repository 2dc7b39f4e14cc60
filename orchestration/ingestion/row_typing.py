"""One SQL per source that types text strictly and says, for a bad row, which field and why.

The only place where text becomes instants, numbers and booleans. Nothing is guessed: a bare
local time, a fraction of a cent too many or a 30 February sends the row to quarantine.
"""

from __future__ import annotations

from orchestration.ingestion.sources import Field, SourceSpec

_ISO = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,6})?( ?UTC|Z|[+-]\d{2}:?\d{2})$"
_RFC = r"^[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} [+-]\d{4}$"
# What the vendor charges us: never a reason to hold back usage (GEN-06).
COST_FIELDS = frozenset({"price", "cost", "count", "usage"})

EXPECTED = {
    "int": "a whole number of 0 or more",
    "decimal": "a decimal with at most 6 places",
    "bool": "true or false",
    "date": "a date such as 2024-11-30",
    "rfc_instant": "an RFC 2822 or ISO 8601 time with an offset",
    "iso_instant": "an ISO 8601 time with an offset (a bare local time is ambiguous)",
    "unix_instant": "seconds since 1970",
}


def _in_utc(instant: str) -> str:
    """SQL: the UTC timestamp of a TIMESTAMPTZ. `at time zone 'UTC'` says the same at ten times the cost."""
    return f"make_timestamp(epoch_us({instant}))"


def _iso(text: str) -> str:
    return f"case when regexp_matches({text}, '{_ISO}') then {_in_utc(f'try_cast({text} as timestamptz)')} end"


def typed(field: Field, column: str, column_type: str) -> str:
    """SQL for the typed value of `column`; null where it is empty or cannot be read."""
    kind = field.kind
    base = column_type.split("(")[0].upper()
    if base != "VARCHAR":
        if kind.endswith("instant") and base == "TIMESTAMP WITH TIME ZONE":
            # Null for the infinite ones, which are no time.
            return _in_utc(column)
        if kind == "unix_instant" and base in ("BIGINT", "INTEGER", "UINTEGER", "UBIGINT"):
            return f"case when {column} between 0 and 99999999999 then make_timestamp({column}::bigint * 1000000) end"
        if kind == "bool" and base == "BOOLEAN":
            return column
        if kind == "date" and base == "DATE":
            return column
        if kind == "int" and base in ("BIGINT", "INTEGER", "SMALLINT", "UBIGINT", "UINTEGER"):
            return f"case when {column} >= 0 then try_cast({column} as bigint) end"
    text = f"nullif(trim(cast({column} as varchar)), '')"
    match kind:
        case "int":
            return f"case when regexp_matches({text}, '^\\d{{1,18}}$') then try_cast({text} as bigint) end"
        case "decimal":
            return (
                f"case when regexp_matches({text}, '^-?\\d{{1,12}}(\\.\\d{{1,6}})?$') "
                f"then try_cast({text} as decimal(18, 6)) end"
            )
        case "bool":
            return (
                f"case when lower({text}) in ('true', '1', 't') then true "
                f"when lower({text}) in ('false', '0', 'f') then false end"
            )
        case "date":
            return f"case when regexp_matches({text}, '^\\d{{4}}-\\d{{2}}-\\d{{2}}$') then try_cast({text} as date) end"
        case "rfc_instant":
            rfc = f"try_strptime({text}, '%a, %d %b %Y %H:%M:%S %z')"
            return f"case when regexp_matches({text}, '{_RFC}') then {_in_utc(rfc)} else {_iso(text)} end"
        case "iso_instant":
            return _iso(text)
        case "unix_instant":
            return (
                f"case when regexp_matches({text}, '^\\d{{1,11}}$') "
                f"then make_timestamp(try_cast({text} as bigint) * 1000000) end"
            )
    return text


def _present(field: Field, column: str) -> str:
    return f"nullif(trim(cast({column} as varchar)), '') is not null"


def typing_select(spec: SourceSpec, column_types: dict[str, str], relation: str) -> str:
    """SQL giving the typed columns, `row_number` and the first bad field of each row of `relation`.

    `column_types` maps the registry's column names that `relation` has to their DuckDB types;
    `relation` also has `row_number`.
    """
    values, checks = [], []
    for field in spec.fields:
        quoted = f'"{field.name}"'
        if field.name not in column_types:
            values.append(f"cast(null as {field.duckdb_type}) as {quoted}")
            if field.required:
                checks.append(f"when true then '{field.name}|missing'")
            continue
        source = f"source_rows.{quoted}"
        value = typed(field, source, column_types[field.name])
        values.append(f"{value} as {quoted}")
        if field.required:
            checks.append(f"when not ({_present(field, source)}) then '{field.name}|missing'")
        plain_type = column_types[field.name] == field.duckdb_type and not field.kind.endswith("instant")
        if field.kind != "text" and field.name not in COST_FIELDS and not (plain_type and field.kind != "int"):
            checks.append(f"when {_present(field, source)} and ({value}) is null then '{field.name}|bad'")
    fault = f"case {' '.join(checks)} end" if checks else "cast(null as varchar)"
    return f"select {', '.join(values)}, row_number, {fault} as fault from {relation} as source_rows"
