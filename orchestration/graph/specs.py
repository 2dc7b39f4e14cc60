"""The assets themselves: one for what lands of each source, each raw relation, seed and model, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import TopologicalSorter
from typing import Any

import dagster as dg

from orchestration.graph.clause_texts import ClauseTexts
from orchestration.graph.keys import (
    BOOK_KEYS,
    BOOKS,
    LANDING_KEYS,
    OWNERS,
    RAW_KEYS,
    VERDICT_KEY,
    by_month,
    group_of,
    key_of,
)
from orchestration.ingestion.sources import IDENTITY_COLUMNS, SOURCES
from orchestration.partitions import billing_months

IDENTITY_TEXTS = {
    "file_sha256": "Hash of the landed file the row came in.",
    "row_number": "The row's number in its file, starting at 1.",
    "load_batch": "Number of the run that took it in.",
    "part_number": "Number of the raw-store part that contains it.",
}
Lineage = Mapping[str, Mapping[str, list[tuple[str, str]]]]


def landing_specs() -> list[dg.AssetSpec]:
    """What lies in landing/<source>: written by others, observed here."""
    return [
        dg.AssetSpec(
            LANDING_KEYS[name],
            group_name="landing",
            owners=OWNERS,
            kinds={"file", spec.system},
            description=f"Extracts of {name} as delivered to landing/{name}, in any order and each at least once. "
            "Others write them; observe this asset to see which files are there and which of them are new.",
            metadata={"dagster/column_schema": _raw_schema(name, identity=False)},
        )
        for name, spec in SOURCES.items()
    ]


def raw_specs() -> list[dg.AssetSpec]:
    """Typed rows of every source, and the books about files."""
    sources = [
        dg.AssetSpec(
            RAW_KEYS[name],
            deps=[LANDING_KEYS[name]],
            group_name="raw",
            owners=OWNERS,
            kinds={"duckdb", "parquet"},
            description=f"Typed rows of every accepted file of {name}, with a receipt per file. "
            "A bad file or row does not stop the others.",
            metadata={
                "dagster/column_schema": _raw_schema(name),
                "dagster/relation_identifier": f"raw.{name}",
            },
            skippable=True,
        )
        for name in SOURCES
    ]
    books = [
        dg.AssetSpec(
            BOOK_KEYS[name],
            deps=list(LANDING_KEYS.values()),
            group_name="raw",
            owners=OWNERS,
            kinds={"duckdb"},
            description=text,
            metadata={"dagster/relation_identifier": f"raw.{name}"},
            skippable=True,
        )
        for name, text in BOOKS.items()
    ]
    return [*sources, *books]


def ledger_specs(manifest: dict[str, Any]) -> list[dg.AssetSpec]:
    """What was closed: appended by the close, read by the models of corrections."""
    return [
        dg.AssetSpec(
            dg.AssetKey([raw["schema"], raw["name"]]),
            group_name="invoicing",
            owners=OWNERS,
            kinds={"parquet"},
            description=" ".join(raw["description"].split()),
        )
        for raw in manifest["sources"].values()
        if raw["schema"] == "ledger"
    ]


def node_specs(manifest: dict[str, Any], texts: ClauseTexts, lineage: Lineage) -> list[dg.AssetSpec]:
    """One for each seed and model, each after what it reads."""
    specs = {}
    for unique_id, node in manifest["nodes"].items():
        if node["resource_type"] not in ("model", "seed"):
            continue
        deps = [key_of(dep, manifest) for dep in dict.fromkeys(node["depends_on"].get("nodes", []))]
        key = dg.AssetKey([node["schema"], node["name"]])
        specs[key] = dg.AssetSpec(
            key,
            deps=[dep for dep in deps if dep is not None],
            group_name=group_of(node),
            owners=OWNERS,
            kinds={"dbt", "duckdb", "seed" if node["resource_type"] == "seed" else node["config"]["materialized"]},
            description=texts.described(node["name"], node["description"]),
            metadata={
                "dagster/column_schema": _node_schema(node),
                "dagster/relation_identifier": f"{node['schema']}.{node['name']}",
                **_lineage_metadata(lineage.get(unique_id), manifest),
            },
            partitions_def=billing_months if by_month(node) else None,
            skippable=True,
        )
    graph = {key: {dep.asset_key for dep in spec.deps} & specs.keys() for key, spec in specs.items()}
    return [specs[key] for key in TopologicalSorter(graph).static_order()]


def verdict_spec(marts: list[dg.AssetKey]) -> dg.AssetSpec:
    return dg.AssetSpec(
        VERDICT_KEY,
        deps=marts,
        group_name="quality",
        owners=OWNERS,
        kinds={"greatexpectations", "dbt"},
        description="All checks of the candidate combined into one verdict, bound to its content hash: dbt data tests, "
        "dbt unit tests of exactly this project, and Great Expectations suites. Publishing requires it.",
    )


def _raw_schema(name: str, *, identity: bool = True) -> dg.TableSchema:
    fields = SOURCES[name].fields
    columns = [
        dg.TableColumn(
            field.name,
            type=field.duckdb_type,
            description=f"Also arrives as {', '.join(field.aliases)}." if field.aliases else None,
            constraints=dg.TableColumnConstraints(nullable=not field.required),
        )
        for field in fields
    ]
    if identity:
        columns += [
            dg.TableColumn(column, type=kind, description=IDENTITY_TEXTS[column])
            for column, kind in IDENTITY_COLUMNS.items()
        ]
    return dg.TableSchema(columns)


def _node_schema(node: dict[str, Any]) -> dg.TableSchema:
    kinds = node["config"].get("column_types") or {}
    return dg.TableSchema(
        [
            dg.TableColumn(
                column["name"],
                type=column.get("data_type") or kinds.get(column["name"]) or "",
                description=column["description"],
                constraints=dg.TableColumnConstraints(
                    nullable=not any(c["type"] in ("not_null", "primary_key") for c in column.get("constraints", []))
                ),
            )
            for column in node["columns"].values()
        ]
    )


def _lineage_metadata(columns: Mapping[str, list[tuple[str, str]]] | None, manifest: dict[str, Any]) -> dict[str, Any]:
    if not columns:
        return {}
    found = {}
    for column, parents in columns.items():
        deps = [(key_of(parent, manifest), name) for parent, name in parents]
        found[column] = [dg.TableColumnDep(asset_key=key, column_name=name) for key, name in deps if key is not None]
    return {"dagster/column_lineage": dg.TableColumnLineage(found)}
