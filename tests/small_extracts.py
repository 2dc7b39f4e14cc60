"""Extracts of a few rows as CSV, for tests that write what lands by hand."""

from __future__ import annotations

CALLS = "sid,account_sid,from,to,direction,status,start_time,duration,date_created\n"
MESSAGES = "id,org_id,conversation_id,direction,channel,sent_at,assistant_type\n"
WEBHOOKS = (
    "waba_id,wamid,status,timestamp,recipient_id,conversation_id,origin_type,"
    "expiration_timestamp,pricing_model,pricing_category,billable\n"
)


def exchange(name: str, day: str) -> str:
    """A customer's message and the assistant's reply a second later: one KIQ conversation."""
    return f"{name}1,org,{name},in,chat,{day}T10:00:00Z,\n{name}2,org,{name},out,chat,{day}T10:00:01Z,premium\n"


def conversation_status(wamid: str, status: str, epoch: int, conversation: str, to: str = "14155550100") -> str:
    """A webhook of the conversation era: `status` of a message in a conversation its recipient opened at `epoch`."""
    until = epoch + 86400
    return f"waba,{wamid},{status},{epoch},{to},{conversation},user_initiated,{until},CBP,user_initiated,true\n"


def inbound_call(sid: str, day: str, minutes: int) -> str:
    """A completed call to a local number of account AC1, at noon."""
    at = f"{day}T12:00:00Z"
    return f"{sid},AC1,+13105550100,+12125550100,inbound,completed,{at},{60 * minutes},{at}\n"
