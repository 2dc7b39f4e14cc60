"""One folder per tenant: PDF and e-invoice of each invoice, the tenant's lines and workbook, a manifest.

Nothing of one tenant is drawn from another's rows. The whole is written beside its place, read
back and reconciled, and only then renamed into it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from orchestration.documents.folder_names import safe_name
from orchestration.documents.invoice_facts import Invoice, check_invoice
from orchestration.documents.lines_csv import write_lines
from orchestration.documents.money import plain, totals_per_currency
from orchestration.documents.pdf import invoice_pdf
from orchestration.documents.reconcile import LINES, MANIFEST, WORKBOOK, reconcile
from orchestration.documents.ubl import as_if_issued, invoice_xml
from orchestration.documents.ubl_rules import validate
from orchestration.documents.workbook import write_workbook
from orchestration.errors import MeterhouseError
from orchestration.put_in_place import clear, put_in_place


def write_documents(invoices: Sequence[Invoice], target: Path) -> dict[str, Any]:
    """Write every tenant's documents below `target`, replacing what is there; returns the top manifest.

    An issued invoice that can have no e-invoice keeps its PDF; the manifest says why under `without_xml`, of drafts
    too, while it can still be corrected. Raises MeterhouseError when something does not reconcile; `target` then stays.
    """
    if not invoices:
        raise MeterhouseError("there is no invoice to write", "Choose a month with invoices.")
    for invoice in invoices:
        check_invoice(invoice)
    target.parent.mkdir(parents=True, exist_ok=True)
    building = target.with_name(f".{target.name}.building")
    clear(building)
    building.mkdir()
    try:
        manifest = _write_all(invoices, building)
        reconcile(building, invoices)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    put_in_place(building, target)
    return manifest


def _write_all(invoices: Sequence[Invoice], building: Path) -> dict[str, Any]:
    tenants: dict[str, Any] = {}
    for tenant_id in sorted({invoice.tenant_id for invoice in invoices}):
        mine = sorted((i for i in invoices if i.tenant_id == tenant_id), key=lambda i: i.invoice_id)
        folder = building / safe_name(tenant_id)
        try:
            folder.mkdir()
        except FileExistsError:  # a disk that ignores case: two tenants must never share a folder
            raise MeterhouseError(
                f"the folder of tenant {tenant_id} is another tenant's on this disk",
                "Write to a disk that distinguishes upper and lower case.",
            ) from None
        written = _write_tenant(mine, folder)
        tenants[folder.name] = {key: written[key] for key in ("tenant_id", "invoice_count", "line_count", "totals")}
        tenants[folder.name]["without_xml"] = {
            entry["invoice_number"] or entry["invoice_id"]: entry["without_xml"]
            for entry in written["invoices"]
            if entry["without_xml"]
        }
    manifest = {**_counts(invoices), "tenants": tenants, "files": _checksums(building)}
    _write_json(building / MANIFEST, manifest)
    return manifest


def _counts(invoices: Sequence[Invoice]) -> dict[str, Any]:
    return {
        "months": sorted({f"{invoice.billing_month:%Y-%m}" for invoice in invoices}),
        "invoice_count": len(invoices),
        "line_count": sum(len(invoice.lines) for invoice in invoices),
        "totals": totals_per_currency((i.currency_code, i.minor_unit, i.billed_amount) for i in invoices),
    }


def _write_tenant(invoices: Sequence[Invoice], folder: Path) -> dict[str, Any]:
    entries = [_write_invoice(invoice, folder) for invoice in invoices]
    write_lines(invoices, folder / LINES)
    write_workbook(invoices, folder / WORKBOOK)
    manifest = {
        **_counts(invoices),
        "tenant_id": invoices[0].tenant_id,
        "invoices": entries,
        "files": _checksums(folder),
    }
    _write_json(folder / MANIFEST, manifest)
    return manifest


def file_stem(invoice: Invoice) -> str:
    """Its number; a draft has none and is named by its id."""
    return safe_name(invoice.invoice_number or "") if invoice.is_issued else f"draft~{safe_name(invoice.invoice_id)}"


def _write_invoice(invoice: Invoice, folder: Path) -> dict[str, Any]:
    stem = file_stem(invoice)
    if (folder / f"{stem}.pdf").exists():
        raise MeterhouseError(
            f"two invoices of one tenant have the number {invoice.label}", "Give them different numbers."
        )
    (folder / f"{stem}.pdf").write_bytes(invoice_pdf(invoice))
    xml, reason = _e_invoice(invoice)
    if invoice.is_issued and not reason:
        (folder / f"{stem}.xml").write_bytes(xml)
    return {
        "invoice_id": invoice.invoice_id,
        "invoice_number": invoice.invoice_number,
        "document_type": invoice.document_type,
        "status": invoice.status,
        "currency_code": invoice.currency_code,
        "minor_unit": invoice.minor_unit,
        "total": plain(invoice.billed_amount, invoice.minor_unit),
        "line_count": len(invoice.lines),
        "content_sha256": invoice.content_sha256,
        "pdf": f"{stem}.pdf",
        "xml": f"{stem}.xml" if invoice.is_issued and not reason else None,
        "without_xml": reason or None,
    }


def _e_invoice(invoice: Invoice) -> tuple[bytes, str]:
    """The e-invoice, and why there can be none; a draft's is judged as it would be issued."""
    try:
        xml = invoice_xml(invoice if invoice.is_issued else as_if_issued(invoice))
        return xml, "; ".join(validate(xml))
    except MeterhouseError as refused:
        return b"", f"{refused}. {refused.remedy}"


def _checksums(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
