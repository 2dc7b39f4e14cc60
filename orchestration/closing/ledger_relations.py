"""Schema `ledger` of the warehouse: views over the ledger's Parquet files, read by the dbt models.

Only shapes are decided here. Columns an older entry lacks read as null.
"""

from __future__ import annotations

import duckdb

from orchestration.closing.ledger import Entry, ledger_dir
from orchestration.ingestion.raw_schema import columns_ddl
from orchestration.settings import Settings
from orchestration.sql_literals import sql_text

LINES = {
    "invoice_id": "varchar",
    "line_id": "varchar",
    "tenant_id": "varchar",
    "billing_month": "date",
    "usage_month": "date",
    "meter": "varchar",
    "price_key": "varchar",
    "clause_id": "varchar",
    "price_id": "varchar",
    "price_origin": "varchar",
    "is_placeholder_price": "boolean",
    "consumed_quantity": "bigint",
    "consumed_unit": "varchar",
    "included_quantity": "bigint",
    "drawn_quantity": "bigint",
    "pricing_quantity": "bigint",
    "pricing_unit": "varchar",
    "unit_price": "decimal(18,8)",
    "rated_amount": "decimal(36,8)",
    "billed_amount": "decimal(18,3)",
    "currency_code": "varchar",
    "charge_category": "varchar",
    "charge_class": "varchar",
    "corrects_line_id": "varchar",
    "corrects_invoice_number": "varchar",
    "raw_rows": "bigint",
    "service": "varchar",
    "meter_description": "varchar",
    "explanation": "varchar",
}
INVOICES = {
    "invoice_id": "varchar",
    "invoice_number": "varchar",
    "document_type": "varchar",
    "status": "varchar",
    "tenant_id": "varchar",
    "tenant_name": "varchar",
    "billing_month": "date",
    "payment_method_id": "varchar",
    "currency_code": "varchar",
    "minor_unit": "integer",
    "billed_amount": "decimal(18,3)",
    "line_count": "bigint",
    "issued_at": "timestamp",
    "due_on": "date",
    "issuing_entity": "varchar",
    "seller_name": "varchar",
    "seller_address": "varchar",
    "seller_city": "varchar",
    "seller_postal_code": "varchar",
    "seller_country": "varchar",
    "seller_company_id": "varchar",
    "seller_tax_id": "varchar",
    "bill_to_name": "varchar",
    "bill_to_address": "varchar",
    "bill_to_country": "varchar",
    "buyer_tax_id": "varchar",
    "tax_category_code": "varchar",
    "tax_exemption_reason": "varchar",
    "content_sha256": "varchar",
}
# What a close covers: one row for all tenants (tenant_id null), one per tenant left out of it,
# one per tenant closed later by name.
CLOSINGS = {
    "sequence": "integer",
    "billing_month": "date",
    "tenant_id": "varchar",
    "is_left_out": "boolean",
    "closed_at": "timestamp",
}
RELATIONS = {
    "closed_lines": ("lines.parquet", LINES),
    "closed_invoices": ("invoices.parquet", INVOICES),
    "closings": ("closings.parquet", CLOSINGS),
}


def ensure_ledger_relations(connection: duckdb.DuckDBPyConnection, settings: Settings, found: list[Entry]) -> None:
    """Create the views of schema ledger over the files of `found`; typed and empty where there are none."""
    connection.execute("create schema if not exists ledger")
    for relation, (file_name, columns) in RELATIONS.items():
        paths = [
            sql_text(str(ledger_dir(settings) / entry.folder_name / file_name))
            for entry in found
            if file_name in entry.files
        ]
        typed_empty = ", ".join(f"cast(null as {kind}) as {name}" for name, kind in columns.items())
        selected = f"select {typed_empty} where false"
        if paths:
            read = f"read_parquet([{', '.join(paths)}], union_by_name = true, hive_partitioning = false)"
            selected += f" union all by name select * from {read}"
        connection.execute(f"create or replace view ledger.{relation} as {selected}")


def table_ddl(name: str, columns: dict[str, str]) -> str:
    """DDL of a temporary table of these columns."""
    return f"create or replace temp table {name} ({columns_ddl(columns)})"
