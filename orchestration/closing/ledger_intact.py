"""Whether the ledger still holds what was published on it: asked before anything is built or closed on it."""

from __future__ import annotations

from orchestration.closing import ledger
from orchestration.closing.ledger import Entry, LedgerTampered
from orchestration.closing.ledger_relations import RELATIONS
from orchestration.publishing import history
from orchestration.settings import Settings


def demand_no_entry_lost(settings: Settings, found: list[Entry]) -> None:
    """Raise LedgerTampered if entries were cut off the end: the chain proves only its order, publications the rest."""
    heads = {ledger.GENESIS, *(entry.sha256 for entry in found)}
    lost = [p for p in history.publications(settings) if p.ledger_head not in heads]
    if lost:
        raise LedgerTampered(
            f"release {lost[0].release_id} is based on ledger entry {lost[0].ledger_head[:12]}, which is missing",
            f"Restore {ledger.ledger_dir(settings)} from a backup made after {lost[-1].published_at}.",
        )


def entries_to_build_on(settings: Settings) -> list[Entry]:
    """All entries, none of them lost, with the files the models read as they were written.

    Without this a month whose close is lost would be a draft again, and be numbered anew. Raises LedgerTampered.
    """
    found = ledger.entries(settings)
    demand_no_entry_lost(settings, found)
    read = {file_name for file_name, _ in RELATIONS.values()}
    for entry in found:
        ledger.check_files(settings, entry, read)
    return found
