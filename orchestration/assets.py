"""All assets of the graph, by the stage usage goes through; each stage is a file of orchestration/graph."""

from __future__ import annotations

from typing import Any

import dagster as dg

from orchestration.graph.build import build_warehouse_asset
from orchestration.graph.clause_texts import ClauseTexts
from orchestration.graph.keys import RELEASE_KEY, VERDICT_KEY
from orchestration.graph.landing import landing
from orchestration.graph.published import invoices, release
from orchestration.graph.specs import Lineage, ledger_specs
from orchestration.settings import Settings

__all__ = ["RELEASE_KEY", "VERDICT_KEY", "all_assets", "invoices", "landing", "release"]


def all_assets(
    settings: Settings, manifest: dict[str, Any], lineage: Lineage
) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """Landing, warehouse and publishing, and what the ledger holds."""
    return [
        landing,
        build_warehouse_asset(manifest, ClauseTexts(settings.project_dir), lineage),
        release,
        invoices,
        *ledger_specs(manifest),
    ]
