"""What lies in the landing folder, as assets that are observed: others write there."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import duckdb

from orchestration.graph.keys import LANDING_KEYS
from orchestration.graph.specs import landing_specs
from orchestration.graph.steps import in_plain_words
from orchestration.graph.tables import table
from orchestration.ingestion.landed_content import signatures_seen
from orchestration.ingestion.landing_folder import demand_landing, landed_paths, noted, signature
from orchestration.resources import Installation
from orchestration.settings import Settings
from orchestration.wording import storable_text


@dg.multi_observable_source_asset(name="look_at_landing", specs=landing_specs(), can_subset=True)
def landing(context: dg.AssetExecutionContext, installation: Installation) -> Iterator[dg.ObserveResult]:
    """Names, sizes and times of what lies there; reads no file and takes in nothing."""
    settings = installation.settings()
    with in_plain_words():
        seen = _seen(settings)
        demand_landing(settings)
    by_source: dict[str, list[Path]] = defaultdict(list)
    for source, path in landed_paths(settings):
        by_source[source].append(path)
    for name, key in LANDING_KEYS.items():
        if key not in context.selected_asset_keys:
            continue
        found = [(path, signature(path)) for path in by_source.get(name, [])]
        looks = [(path, look) for path, look in found if look is not None]
        new = [storable_text(path.name) for path, look in looks if seen.get(noted(path)) != look]
        newest = max((modified_ns / 10**9 for _, (_, modified_ns) in looks), default=None)
        rows = [
            {"file": storable_text(path.name), "bytes": size, "new": storable_text(path.name) in new}
            for path, (size, _) in looks
        ]
        yield dg.ObserveResult(
            asset_key=key,
            metadata={
                "files": len(looks),
                "bytes": sum(size for _, (size, _) in looks),
                "not_taken_in_yet": len(new),
                **({"newest": dg.MetadataValue.timestamp(datetime.fromtimestamp(newest, UTC))} if newest else {}),
                **({"lying_there": table(sorted(rows, key=lambda row: not row["new"]))} if rows else {}),
            },
        )


def _seen(settings: Settings) -> dict[str, tuple[int, int]]:
    try:
        return signatures_seen(settings)
    except duckdb.IOException as error:
        raise dg.Failure(
            "another process is writing to the warehouse, so it cannot be seen which files are new. Observe again when "
            "it is done.",
            allow_retries=False,
        ) from error
