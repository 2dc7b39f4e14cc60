"""Tenant folders: each holds its own tenant's documents only, and nothing tampered with reconciles."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest
from pypdf import PdfReader

from orchestration.documents.folder_names import safe_name
from orchestration.documents.invoice_facts import Invoice
from orchestration.documents.pdf import invoice_pdf
from orchestration.documents.reconcile import reconcile
from orchestration.documents.tenant_folders import write_documents
from orchestration.documents.ubl import invoice_xml
from orchestration.documents.workbook import write_workbook
from orchestration.errors import MeterhouseError
from tests.orchestration.documents.rows import (
    ACME,
    DRAFT,
    GLOBEX,
    INVOICES,
    KUWAIT,
    LINES,
    NASTY,
    TOKYO,
    TOTALS,
    load,
    of,
)


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All documents of the month; never changed."""
    target = tmp_path_factory.mktemp("documents") / "2024-11"
    write_documents(load(), target)
    return target


@pytest.fixture
def written(pristine: Path, tmp_path: Path) -> Path:
    """A copy to tamper with."""
    return shutil.copytree(pristine, tmp_path / "2024-11")


def contents(target: Path) -> dict[str, bytes]:
    return {p.relative_to(target).as_posix(): p.read_bytes() for p in sorted(target.rglob("*")) if p.is_file()}


def test_one_tenant_s_endless_names_keep_no_other_from_its_documents(tmp_path: Path) -> None:
    endless = "W" * 3_000
    named = replace(of(ACME), bill_to_name=endless, bill_to_address=endless, bill_to_country=endless)
    draft = of(DRAFT)
    lines = tuple(replace(line, tenant_id=endless, invoice_id=endless) for line in draft.lines)
    of_endless_id = replace(draft, tenant_id=endless, invoice_id=endless, lines=lines)
    manifest = write_documents([named, of_endless_id, of(GLOBEX)], tmp_path / "2024-11")
    assert manifest["invoice_count"] == 3
    assert endless in (tmp_path / "2024-11" / safe_name(endless) / "lines.csv").read_text(encoding="utf-8")


def test_every_tenant_has_its_documents(pristine: Path) -> None:
    names = {
        tenant: sorted(p.name for p in (pristine / safe_name(tenant)).iterdir()) for tenant in (ACME, DRAFT, KUWAIT)
    }
    always = ["invoices.xlsx", "lines.csv", "manifest.json"]
    assert names[ACME] == ["INV-2024-0010.pdf", "INV-2024-0010.xml", *always]
    assert names[DRAFT] == ["draft~t-draft%2F2024-11%2Fpm.pdf", *always]
    assert names[KUWAIT] == ["INV-2024-0013.pdf", *always]
    assert len([p for p in pristine.iterdir() if p.is_dir()]) == 6


def test_the_manifests_carry_totals_counts_and_why_an_e_invoice_is_missing(pristine: Path) -> None:
    top = json.loads((pristine / "manifest.json").read_text(encoding="utf-8"))
    assert top["totals"] == TOTALS
    assert (top["invoice_count"], top["line_count"], top["months"]) == (6, 15, ["2024-11"])
    assert top["tenants"]["t-acme"]["totals"] == {"USD": "270.25"}
    assert "3 decimals" in top["tenants"]["t-kuwait"]["without_xml"]["INV-2024-0013"]
    assert top["tenants"]["t-draft"]["without_xml"] == {} == top["tenants"]["t-acme"]["without_xml"]
    for name, digest in top["files"].items():
        assert hashlib.sha256((pristine / name).read_bytes()).hexdigest() == digest
    assert set(top["files"]) == set(contents(pristine)) - {"manifest.json"}


def test_two_writes_are_equal_whatever_the_order_of_the_rows(pristine: Path, tmp_path: Path) -> None:
    write_documents(load(reversed(INVOICES), reversed(LINES))[::-1], tmp_path / "again")
    assert contents(tmp_path / "again") == contents(pristine)


def said_in(path: Path) -> str:
    """Every text a reader of any kind finds in a file, its name included."""
    if path.suffix == ".pdf":
        reader = PdfReader(BytesIO(path.read_bytes()))
        return f"{path.name} {reader.metadata} " + " ".join(page.extract_text() for page in reader.pages)
    if path.suffix == ".xlsx":
        book = openpyxl.load_workbook(path)
        cells = [str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row]
        return " ".join([path.name, str(book.properties), *cells])
    return f"{path.name} {path.read_text(encoding='utf-8')}"


def test_nothing_of_another_tenant_is_in_any_file_of_a_tenant(pristine: Path) -> None:
    traces = {
        found.tenant_id: {
            found.tenant_id,
            found.tenant_name,
            found.bill_to_name,
            found.invoice_number or found.invoice_id,
        }
        for found in load()
    }
    for tenant in traces:
        for path in (pristine / safe_name(tenant)).iterdir():
            said = said_in(path)
            foreign = {trace for other, those in traces.items() if other != tenant for trace in those}
            assert [trace for trace in foreign if trace in said] == [], path
    assert ACME in said_in(pristine / ACME / "INV-2024-0010.pdf")  # the scan does find what is there


def test_every_line_of_the_csv_says_whether_it_is_a_draft(pristine: Path) -> None:
    for tenant, status in ((DRAFT, "draft"), (ACME, "issued")):
        with (pristine / tenant / "lines.csv").open(newline="", encoding="utf-8") as text:
            assert {row["status"] for row in csv.DictReader(text)} == {status}


def test_text_in_the_csv_never_runs_as_a_formula(pristine: Path) -> None:
    with (pristine / safe_name(NASTY) / "lines.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["price_key"] for row in rows] == ["'=cmd", "'@sum"]
    assert rows[1]["meter_description"].startswith("'+1")
    assert [row["billed_amount"] for row in rows] == ["-0.950", "-10.000"]


def test_what_was_written_reconciles_with_the_manifests_and_the_rows(pristine: Path) -> None:
    assert reconcile(pristine)["totals"] == TOTALS
    assert reconcile(pristine, load())["totals"] == TOTALS


def seal(target: Path, folder: str) -> None:
    """Give tampered files the checksums they have, as somebody careful would."""
    inner = target / folder / "manifest.json"
    manifest = json.loads(inner.read_text(encoding="utf-8"))
    manifest["files"] = {n: hashlib.sha256((target / folder / n).read_bytes()).hexdigest() for n in manifest["files"]}
    inner.write_text(json.dumps(manifest), encoding="utf-8")
    top = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    top["files"] = {n: hashlib.sha256((target / n).read_bytes()).hexdigest() for n in top["files"]}
    (target / "manifest.json").write_text(json.dumps(top), encoding="utf-8")


def one_cent_more(found: Invoice) -> Invoice:
    """The invoice with its first line, and so its total, a cent higher."""
    first, *others = found.lines
    dearer = replace(first, billed_amount=first.billed_amount + Decimal("0.01"))
    return replace(found, billed_amount=found.billed_amount + Decimal("0.01"), lines=(dearer, *others))


def tamper_pdf(folder: Path) -> None:
    (folder / "INV-2024-0010.pdf").write_bytes(invoice_pdf(one_cent_more(of(ACME))))


def tamper_pdf_lines(folder: Path) -> None:
    first, second, *others = of(ACME).lines
    moved = Decimal("0.01")
    lines = (
        replace(first, billed_amount=first.billed_amount + moved),
        replace(second, billed_amount=second.billed_amount - moved),
    )
    (folder / "INV-2024-0010.pdf").write_bytes(invoice_pdf(replace(of(ACME), lines=(*lines, *others))))


def tamper_pdf_number(folder: Path) -> None:
    (folder / "INV-2024-0010.pdf").write_bytes(invoice_pdf(replace(of(ACME), invoice_number="INV-2024-0099")))


def tamper_xml(folder: Path) -> None:
    (folder / "INV-2024-0010.xml").write_bytes(invoice_xml(one_cent_more(of(ACME))))


def tamper_xml_rules(folder: Path) -> None:
    path = folder / "INV-2024-0010.xml"
    path.write_bytes(path.read_bytes().replace(b">0.0085<", b">-0.0085<"))


def tamper_csv(folder: Path) -> None:
    path = folder / "lines.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",8.510,", ",8.520,"), encoding="utf-8")


def tamper_workbook(folder: Path) -> None:
    write_workbook([one_cent_more(of(ACME))], folder / "invoices.xlsx")


def tamper_workbook_lines(folder: Path) -> None:
    """A cent moved from one line to the next: every sum stays."""
    first, second, *others = of(ACME).lines
    cent = Decimal("0.01")
    moved = (
        replace(first, billed_amount=first.billed_amount + cent),
        replace(second, billed_amount=second.billed_amount - cent),
    )
    write_workbook([replace(of(ACME), lines=(*moved, *others))], folder / "invoices.xlsx")


def in_pounds(found: Invoice) -> Invoice:
    lines = tuple(replace(line, currency_code="GBP") for line in found.lines)
    return replace(found, currency_code="GBP", lines=lines)


def tamper_pdf_currency(folder: Path) -> None:
    (folder / "INV-2024-0010.pdf").write_bytes(invoice_pdf(in_pounds(of(ACME))))


def tamper_xml_currency(folder: Path) -> None:
    (folder / "INV-2024-0010.xml").write_bytes(invoice_xml(in_pounds(of(ACME))))


def tamper_pdf_more_lines(folder: Path) -> None:
    """A line that bills nothing, behind all others: no figure of the invoice is another."""
    (free,) = [line for line in of(ACME).lines if not line.billed_amount]
    added = replace(free, line_id=f"{free.line_id}/more", service="Unheard of")
    more = replace(of(ACME), lines=(*of(ACME).lines, added), line_count=7)
    (folder / "INV-2024-0010.pdf").write_bytes(invoice_pdf(more))


def tamper_csv_twice(folder: Path) -> None:
    path = folder / "lines.csv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join([*lines, lines[1]]), encoding="utf-8")


def tamper_top_totals(folder: Path) -> None:
    path = folder.parent / "manifest.json"
    top = json.loads(path.read_text(encoding="utf-8"))
    top["totals"]["USD"] = "269.86"
    path.write_text(json.dumps(top), encoding="utf-8")


def tamper_totals(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"USD": "270.25"', '"USD": "270.26"'), encoding="utf-8")


@pytest.mark.parametrize("sealed", [True, False], ids=["with new checksums", "with old checksums"])
@pytest.mark.parametrize(
    ("tamper", "complaint"),
    [
        (tamper_pdf, r"t-acme/INV-2024-0010\.pdf: total reads 270\.26, expected 270\.25"),
        (tamper_pdf_lines, r"t-acme/INV-2024-0010\.pdf: line 1 reads 72\.01, expected 72\.00"),
        (tamper_pdf_number, r"t-acme/INV-2024-0010\.pdf: title and number reads InvoiceINV-2024-0099"),
        (tamper_xml, r"t-acme/INV-2024-0010\.xml: total reads 270\.26, expected 270\.25"),
        (tamper_xml_rules, r"t-acme/INV-2024-0010\.xml: broken rules reads .*BR-27"),
        (tamper_csv, r"t-acme/lines\.csv: sum of invoice INV-2024-0010 reads 270\.26, expected 270\.25"),
        (tamper_workbook, r"t-acme/invoices\.xlsx: invoice t-acme/2024-11/pm reads 270\.26, expected 270\.25"),
        (tamper_workbook_lines, r"t-acme/invoices\.xlsx: line 1 reads 72\.01, expected 72\.00"),
        (tamper_pdf_currency, r"t-acme/INV-2024-0010\.pdf: currency reads GBP, expected USD"),
        (tamper_xml_currency, r"t-acme/INV-2024-0010\.xml: currency reads GBP, expected USD"),
        (tamper_pdf_more_lines, r"t-acme/INV-2024-0010\.pdf: line 7 reads 0\.00, expected nothing"),
        (tamper_csv_twice, r"t-acme/lines\.csv: lines\.csv contains line 1 twice"),
        (tamper_top_totals, r"manifest\.json: totals reads .*269\.86.*, expected .*269\.85"),
        (tamper_totals, r"t-acme/manifest\.json: totals reads .*270\.26.*, expected .*270\.25"),
    ],
)
def test_a_tampered_file_is_named_with_its_figures(
    written: Path, tamper: Callable[[Path], None], complaint: str, sealed: bool
) -> None:
    tamper(written / ACME)
    if sealed:
        seal(written, ACME)
    with pytest.raises(MeterhouseError, match=complaint):
        reconcile(written)


def test_a_change_without_figures_breaks_the_checksum(written: Path) -> None:
    with (written / ACME / "INV-2024-0010.pdf").open("ab") as file:
        file.write(b"% harmless")
    with pytest.raises(MeterhouseError, match=r"t-acme/INV-2024-0010\.pdf: sha256"):
        reconcile(written)


@pytest.mark.parametrize(
    "name", ["INV-2024-0010.pdf", "INV-2024-0010.xml", "lines.csv", "invoices.xlsx", "manifest.json"]
)
def test_a_missing_file_is_missed(written: Path, name: str) -> None:
    (written / ACME / name).unlink()
    with pytest.raises(MeterhouseError, match=f"t-acme/{name}"):
        reconcile(written)


def test_a_file_that_was_never_written_is_noticed(written: Path) -> None:
    (written / ACME / "extra.pdf").write_bytes(b"")
    with pytest.raises(MeterhouseError, match="extra"):
        reconcile(written)


def test_documents_of_other_rows_do_not_reconcile(pristine: Path) -> None:
    rows = [one_cent_more(found) if found.tenant_id == GLOBEX else found for found in load()]
    with pytest.raises(MeterhouseError, match=r"t-globex/INV-2024-0011\.pdf: total reads 5\.55, expected 5\.56"):
        reconcile(pristine, rows)
    with pytest.raises(MeterhouseError, match="invoices reads"):
        reconcile(pristine, load()[1:])
    renumbered = [replace(i, invoice_number="INV-2024-0099") if i.tenant_id == GLOBEX else i for i in load()]
    with pytest.raises(MeterhouseError, match="number reads INV-2024-0011, expected INV-2024-0099"):
        reconcile(pristine, renumbered)


def test_a_wrong_total_is_never_written_and_what_stood_there_stays(written: Path) -> None:
    before = contents(written)
    wrong = [replace(of(ACME), billed_amount=Decimal("270.26"))]
    with pytest.raises(MeterhouseError, match=r"its lines add up to 270\.25"):
        write_documents(wrong, written)
    assert contents(written) == before
    assert [p.name for p in written.parent.iterdir()] == [written.name]


def test_a_file_that_lay_there_steps_aside_and_leaves_nothing_behind(tmp_path: Path) -> None:
    for _ in range(2):
        (tmp_path / "m").touch()
        write_documents([of(TOKYO)], tmp_path / "m")
        assert [path.name for path in tmp_path.iterdir()] == ["m"]
        shutil.rmtree(tmp_path / "m")


def test_a_new_write_replaces_the_old_one_whole(written: Path) -> None:
    write_documents([of(TOKYO)], written)
    assert [p.name for p in sorted(written.iterdir())] == ["manifest.json", "t-tokyo"]
    assert reconcile(written)["totals"] == {"JPY": "11811"}


def test_a_refused_tax_category_holds_back_one_e_invoice_and_says_so(tmp_path: Path) -> None:
    taxed = replace(of(ACME), tax_category_code="S")
    manifest = write_documents([taxed, of(GLOBEX)], tmp_path / "m")
    assert "Tax is calculated by the ERP" in manifest["tenants"]["t-acme"]["without_xml"]["INV-2024-0010"]
    assert (tmp_path / "m" / GLOBEX / "INV-2024-0011.xml").exists()
    assert not (tmp_path / "m" / ACME / "INV-2024-0010.xml").exists()


def test_an_e_invoice_that_breaks_a_rule_is_held_back_with_the_rule(tmp_path: Path) -> None:
    manifest = write_documents([replace(of(ACME), tax_category_code="AE")], tmp_path / "m")
    assert "BR-AE-02" in manifest["tenants"]["t-acme"]["without_xml"]["INV-2024-0010"]


def test_a_tenant_without_an_address_gets_its_pdf_and_the_rule_why_no_e_invoice(tmp_path: Path) -> None:
    """A tenant seen only in the account map is described by nobody, and is invoiced all the same."""
    bare = [dict(row, bill_to_address=None, bill_to_country=None) for row in INVOICES if row["tenant_id"] == ACME]
    manifest = write_documents(load(bare, [row for row in LINES if row["tenant_id"] == ACME]), tmp_path / "m")
    assert "BR-11" in manifest["tenants"]["t-acme"]["without_xml"]["INV-2024-0010"]
    assert (tmp_path / "m" / ACME / "INV-2024-0010.pdf").exists()


def test_two_invoices_with_one_number_are_refused(tmp_path: Path) -> None:
    twin = replace(of(ACME), invoice_id="t-acme/2024-11/other")
    with pytest.raises(MeterhouseError, match="INV-2024-0010"):
        write_documents([of(ACME), twin], tmp_path / "m")


def test_no_invoice_is_no_month(tmp_path: Path) -> None:
    with pytest.raises(MeterhouseError, match="no invoice"):
        write_documents([], tmp_path / "m")


def test_what_keeps_a_draft_from_an_e_invoice_is_told_while_it_can_be_mended(tmp_path: Path) -> None:
    draft = of(DRAFT)
    manifest = write_documents([replace(draft, bill_to_country="USA")], tmp_path / "m")
    assert "names 'USA' as the buyer's country" in manifest["tenants"]["t-draft"]["without_xml"][draft.invoice_id]
    assert not list((tmp_path / "m").rglob("*.xml"))
