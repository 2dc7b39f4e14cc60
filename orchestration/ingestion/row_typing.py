"""One SQL per source that types text strictly and says, for a bad row, which field and why.

The only place where text becomes instants, numbers and booleans. Nothing is guessed: a bare
local time, a fraction of a cent too many or a 30 February sends the row to quarantine.
"""

from __future__ import annotations

from orchestration.ingestion.sources import Field, SourceSpec

# An offset is less than a day, as the standard library has it; PostgreSQL writes whole hours without minutes. Places
# behind the microsecond are left out by the cast, not rounded: no instant moves into the next month.
_ISO = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?( ?UTC|Z|[+-]([01]\d|2[0-3])(:?[0-5]\d)?)$"
_RFC = r"^[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} [+-]([01]\d|2[0-3])[0-5]\d$"
# DuckDB's types of whole numbers, as Parquet writers choose them by the values there are.
WHOLE_NUMBERS = ("BIGINT", "INTEGER", "SMALLINT", "TINYINT", "UBIGINT", "UINTEGER", "USMALLINT", "UTINYINT")
# Its types of binary fractions. pandas makes a DOUBLE of whole numbers of which some are not set; it has a value of its
# own for each of up to 15 digits, as a FLOAT has not.
FLOATS = ("DOUBLE", "FLOAT")
# What the vendor charges us: never a reason to hold back usage (GEN-06).
COST_FIELDS = frozenset({"price", "cost", "count", "usage"})

# The first and the last microsecond of the years 1 to 9999, since 1970: what a calendar, and every reader of ours, has.
# Year 0, and hours from these years that an offset moves out of them, are no time anybody meant.
EARLIEST, LATEST = -62_135_596_800_000_000, 253_402_300_799_999_999

_EXPECTED = {
    "bool": "true or false",
    "date": "a date such as 2024-11-30",
    "rfc_instant": "an RFC 2822 or ISO 8601 time with an offset",
    "iso_instant": "an ISO 8601 time with an offset (a bare local time is ambiguous)",
    "unix_instant": "seconds since 1970",
}


def expected(field: Field) -> str | None:
    """What a value of the field has to be, in words; None where any text will do."""
    match field.kind:
        case "int":
            return f"a whole number from 0 to {largest(field):,}"
        case "decimal":
            return f"a decimal with at most {field.digits} digits before the point and 6 after it"
    return _EXPECTED.get(field.kind)


def largest(field: Field) -> int:
    """The largest whole number that the field takes."""
    return int(10**field.digits) - 1


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
        if kind == "int" and base in WHOLE_NUMBERS:
            return f"case when {column} between 0 and {largest(field)} then try_cast({column} as bigint) end"
        if kind == "int" and base == "DOUBLE":
            is_whole = f"{column} between 0 and {largest(field)} and {column} = trunc({column})"
            return f"case when {is_whole} then try_cast({column} as bigint) end"
        if kind == "decimal" and base in FLOATS:
            return f"try_cast({column} as {field.duckdb_type})"
    text = _trimmed(column if base == "VARCHAR" else f"cast({column} as varchar)")
    match kind:
        case "int":
            digits = f"'^0*\\d{{1,{field.digits}}}$'"
            return f"case when regexp_matches({text}, {digits}) then try_cast({text} as bigint) end"
        case "decimal":
            return (
                f"case when regexp_matches({text}, '^-?0*\\d{{1,{field.digits}}}(\\.\\d{{1,6}}0*)?$') "
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


def _trimmed(text: str) -> str:
    """SQL: `text` without blanks around it, null where nothing is left.

    Trimming costs five times what the two comparisons do, and hardly any text needs it.
    """
    return f"case when suffix({text}, ' ') or {text} < '!' then nullif(trim({text}), '') else {text} end"


def typing_select(
    spec: SourceSpec,
    column_types: dict[str, str],
    relation: str,
    *,
    row_number: str = "row_number",
    odd: str = "",
) -> str:
    """SQL giving the typed columns, `row_number` and the first bad field of each row of `relation`.

    `column_types` maps the registry's column names that `relation` has to their DuckDB types.
    `row_number` and `odd` are SQL over `relation`: the row's number, and whether it is no row to be typed.
    """
    values, sent, checks = [], [], []
    if odd:
        sent.append(f"{odd} as is_odd")
        checks.append("when is_odd then 'odd'")
    for position, field in enumerate(spec.fields):
        quoted = f'"{field.name}"'
        missing, bad = f"'{field.name}|missing'", f"'{field.name}|bad'"
        if field.name not in column_types:
            values.append(f"cast(null as {field.duckdb_type}) as {quoted}")
            if field.required:
                checks.append(f"when true then {missing}")
            continue
        source, column_type = f"source_rows.{quoted}", column_types[field.name]
        values.append(f"{typed(field, source, column_type)} as {quoted}")
        # The value is computed once, below; only a null one has its text looked at again.
        nothing = f"when {quoted} is null and {_trimmed(f'cast(sent_{position} as varchar)')} is null then {missing}"
        if field.required:
            checks.append(nothing)
        is_checked = field.kind != "text" and field.name not in COST_FIELDS
        if is_checked and not (column_type == field.duckdb_type and field.kind in ("bool", "date")):
            something = f"{_trimmed(f'cast(sent_{position} as varchar)')} is not null"
            checks.append(f"when {quoted} is null and {something} then {bad}")
        if field.kind.endswith("instant"):
            out_of_bounds = f"{quoted} < make_timestamp({EARLIEST}) or {quoted} > make_timestamp({LATEST})"
            checks.append(f"when {out_of_bounds} then '{field.name}|far'")
        sent.append(f"{source} as sent_{position}")
    fault = f"case {' '.join(checks)} end" if checks else "cast(null as varchar)"
    names = ", ".join(f'"{field.name}"' for field in spec.fields)
    inner = ", ".join([*values, f"{row_number} as row_number", *sent])
    return f"select {names}, row_number, {fault} as fault from (select {inner} from {relation} as source_rows)"
