"""What the command line published, as events of the graph: so that the UI shows one history, whoever ran."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg

from orchestration import duck
from orchestration.graph import checks, figures
from orchestration.graph.keys import INVOICES_KEY, RELEASE_KEY, VERDICT_KEY, by_month
from orchestration.graph.published import figures_by_month, release_metadata
from orchestration.partitions import FIRST_MONTH
from orchestration.publishing.newest_month import published_months
from orchestration.publishing.release import Release, release_verdict
from orchestration.settings import Settings
from orchestration.warehouse.dbt_build import project_of

Event = dg.AssetMaterialization | dg.AssetCheckEvaluation


def events_of_release(settings: Settings, served: Release) -> Iterator[Event]:
    """The release's marts and invoices by month, its checks, and last the verdict: it says that all is noted."""
    manifest = project_of(settings).raw
    verdict = release_verdict(served)
    with duck.connect(served.database, settings, read_only=True) as connection:
        months = [month for month in published_months(connection) if month >= FIRST_MONTH]
        tables = figures.tables_there(connection)
        for node in manifest["nodes"].values():
            relation = f"{node['schema']}.{node['name']}"
            if node["schema"] != "marts" or relation not in tables:
                continue
            key = dg.AssetKey(["marts", node["name"]])
            if not by_month(node):
                yield dg.AssetMaterialization(key, metadata=figures.row_count(connection, relation))
                continue
            for month, found in figures.month_figures(connection, relation, months).items():
                yield dg.AssetMaterialization(key, metadata=found, partition=month)
    for evaluation in checks.evaluations(verdict, checks.check_specs(manifest)):
        yield evaluation.event
    for month, found in figures_by_month(settings, served).items():
        yield dg.AssetMaterialization(INVOICES_KEY, metadata=found, partition=month)
    yield dg.AssetMaterialization(RELEASE_KEY, metadata=release_metadata(settings, served))
    yield dg.AssetMaterialization(
        VERDICT_KEY,
        metadata={"passed": verdict.passed, "candidate_hash": served.content_hash, "checks": len(verdict.checks)},
    )
