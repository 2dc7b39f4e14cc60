"""What models note in `ops` for the models after them: kept from build to build until one is complete.

Models write them in their hooks; here they are created, and forgotten when nothing is left to do. A build that fails
leaves them: the next one adds to what is gathered, or makes anew what is made, and asks again.

| note | written by | asked by |
| --- | --- | --- |
| conversations_changed (made) | conversations_contested | conversations_followed, usage of conversations |
| conversations_decided_anew (gathered) | conversations_followed, conversations_reopened | usage of conversations |
| pieces_met (made) | conversations_reread | itself |
| pieces_to_reread (made) | conversations_reread | exchanges_reread |
| whatsapp_messages_met (made) | messages_gathered | itself |
| whatsapp_messages_as_they_were (gathered) | messages_gathered | units_mapped |
| whatsapp_units_met (made) | units_mapped | itself |
"""

from __future__ import annotations

import duckdb

# Asked by models that may run in a build where nothing was noted.
ASKED = {
    "whatsapp_messages_as_they_were": "waba_id varchar, wamid varchar, conversation_id varchar",
    "conversations_changed": "conversation_id varchar, org_id varchar, customer_id varchar, created_at timestamp, "
    "ended_at timestamp",
    "conversations_decided_anew": "conversation_id varchar",
    "pieces_to_reread": "first_part integer, last_part integer, piece_month date",
}
# Made by the hook of the very model that asks them.
MADE_ON_THE_WAY = ("pieces_met", "whatsapp_messages_met", "whatsapp_units_met")


def ensure_build_notes(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the relations models ask; safe to repeat."""
    for name, columns in ASKED.items():
        connection.execute(f"create table if not exists ops.{name} ({columns})")


def forget_build_notes(connection: duckdb.DuckDBPyConnection) -> None:
    """Of a build that is complete nothing is asked any more."""
    for name in ASKED:
        connection.execute(f"delete from ops.{name}")
    for name in MADE_ON_THE_WAY:
        connection.execute(f"drop table if exists ops.{name}")
