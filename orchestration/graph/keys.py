"""Asset keys and groups: what a node of the dbt project is called in the graph and in which stage it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg

from orchestration.ingestion.sources import SOURCES

OWNERS = ["team:billing"]
VERDICT_KEY = dg.AssetKey(["quality", "verdict"])
RELEASE_KEY = dg.AssetKey(["publishing", "release"])
INVOICES_KEY = dg.AssetKey(["publishing", "invoices"])
INVOICES_MART = dg.AssetKey(["marts", "fct_invoices"])
LANDING_KEYS = {name: dg.AssetKey(["landing", name]) for name in SOURCES}
RAW_KEYS = {name: dg.AssetKey(["raw", name]) for name in SOURCES}
# What taking in writes of files rather than of usage, in schema raw as well.
BOOKS = {
    "receipts": "A receipt for every file examined: rows, hash, and what became of it.",
    "quarantine": "Rows that were refused, with their text, the reason and what to do.",
    "file_findings": "Files that were refused, with the reason and what to do.",
}
BOOK_KEYS = {name: dg.AssetKey(["raw", name]) for name in BOOKS}
# The stages, in the order usage goes through them.
STAGES = ("landing", "raw", "staging", "metering", "rating", "invoicing", "marts", "quality", "publishing")
# Seeds of prices and plans are read by rating; the registers and lists beside them are the terms it is rated by.
SEEDS_GROUP = "rating"
# Only say which records of a source arrived more than once, and where; the source itself is shown.
HIDDEN_SOURCES = {("ops", "contested_keys"), ("ops", "contested_rows")}


def group_of(node: dict[str, Any]) -> str:
    """The stage a model or seed stands in, by its folder."""
    if node["resource_type"] == "seed":
        return SEEDS_GROUP
    parts = Path(node["path"]).parts
    if parts[0] == "intermediate" or parts[:2] == ("marts", "quality"):
        return parts[1]
    return parts[0]


def key_of(unique_id: str, manifest: dict[str, Any]) -> dg.AssetKey | None:
    """The asset of a model, seed or source; None for a source that is not shown."""
    if unique_id.startswith("source."):
        source = manifest["sources"][unique_id]
        place = (source["schema"], source["name"])
        return None if place in HIDDEN_SOURCES else dg.AssetKey(list(place))
    node = manifest["nodes"][unique_id]
    return dg.AssetKey([node["schema"], node["name"]])


def by_month(node: dict[str, Any]) -> bool:
    """Whether the node's rows belong to billing months: it has a partition for each."""
    return node["resource_type"] == "model" and "billing_month" in node["columns"]
