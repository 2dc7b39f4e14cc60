"""The steps that publish, and the month's invoices as published."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from orchestration import clock, duck
from orchestration.graph import figures
from orchestration.graph.keys import INVOICES_KEY, INVOICES_MART, OWNERS, RELEASE_KEY, VERDICT_KEY
from orchestration.graph.steps import WRITER_POOL, in_plain_words, months_of, sole_writer
from orchestration.graph.tables import moved_metadata
from orchestration.partitions import FIRST_MONTH, billing_months
from orchestration.publishing.changes import moved_with
from orchestration.publishing.findings_text import findings_text
from orchestration.publishing.newest_month import published_months
from orchestration.publishing.release import Release, current_release, publish
from orchestration.quality_page.shown import page_metadata
from orchestration.resources import Installation
from orchestration.settings import Settings


@dg.asset(
    key=RELEASE_KEY,
    deps=[VERDICT_KEY],
    group_name="publishing",
    owners=OWNERS,
    kinds={"duckdb", "parquet"},
    description="The read-only release for analysts and finance. Publishing is refused without a passing verdict on "
    "exactly this candidate, whatever was selected.",
    pool=WRITER_POOL,
)
def release(context: dg.AssetExecutionContext, installation: Installation) -> Iterator[Any]:
    settings = installation.settings()
    with sole_writer(settings, context.log), in_plain_words():
        published = publish(settings)
    for line in findings_text(settings, published, clock.utc_now().date()):
        context.log.warning(line)
    if published.is_new:
        context.log.info(f"serving release {published.release_id}")
        months = set(months_of(context))
        for month, told in figures_by_month(settings, published).items():
            # Those the run was started for are told of by their own step.
            if month not in months:
                yield dg.AssetMaterialization(INVOICES_KEY, metadata=told, partition=month)
    else:
        context.log.info(f"nothing changed: release {published.release_id} stays served")
    yield dg.MaterializeResult(metadata={**release_metadata(settings, published), **page_metadata(settings)})


def release_metadata(settings: Settings, published: Release) -> dict[str, Any]:
    """What a release is and what moved with it; that nothing did where it is the one before."""
    with duck.connect(published.database, settings, read_only=True) as connection:
        moved = moved_with(connection, published.release_id)
    return {
        "release_id": published.release_id,
        "content_hash": published.content_hash,
        "database": dg.MetadataValue.path(str(published.database)),
        "nothing_changed": not published.is_new,
        **(moved_metadata(moved) if published.is_new else {"lines_moved": 0}),
    }


def figures_by_month(settings: Settings, published: Release) -> dict[str, dict[str, Any]]:
    """Figures of every month of a release, by month."""
    with duck.connect(published.database, settings, read_only=True) as connection:
        months = published_months(connection)
        found = figures.invoice_figures(connection, months)
    # A partition starts where the seeds can price; what is older has none.
    of_release = {"release_id": published.release_id}
    return {month: {**told, **of_release} for month, told in found.items() if month >= FIRST_MONTH}


@dg.asset(
    key=INVOICES_KEY,
    # The mart as well: its months say which months a backfill of these is for.
    deps=[RELEASE_KEY, INVOICES_MART],
    partitions_def=billing_months,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="publishing",
    owners=OWNERS,
    kinds={"duckdb"},
    description="A billing month's published invoices: how many there are, what they add up to, and what became of "
    "every record of the month. Reads the release, computes nothing.",
)
def invoices(context: dg.AssetExecutionContext, installation: Installation) -> None:
    settings = installation.settings()
    served = current_release(settings)
    if served is None:
        raise dg.Failure("nothing is published yet: run the job publish_release first", allow_retries=False)
    with duck.connect(served.database, settings, read_only=True) as connection:
        found = figures.invoice_figures(connection, context.partition_keys)
    for month, told in found.items():
        if not told["invoices"]:
            context.log.info(f"{month} has no invoices: nothing was used, or the month is not rated yet")
        context.add_asset_metadata({**told, "release_id": served.release_id}, partition_key=month)
