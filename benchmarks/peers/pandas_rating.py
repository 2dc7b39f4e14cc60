"""pandas with Arrow-backed columns, from Parquet, reading only the columns it needs."""

from __future__ import annotations

import time

import pandas as pd
import peer_io
import pyarrow.dataset as ds

landing, parameters, out = peer_io.arguments()
started = time.perf_counter()


def read(source: str, *columns: str) -> pd.DataFrame:
    files = sorted(str(path) for path in (landing / source).glob("*bulk*.parquet"))
    table = ds.dataset(files, format="parquet").to_table(columns=list(columns))
    return table.to_pandas(types_mapper=pd.ArrowDtype)


def month(instants: pd.Series) -> pd.Series:
    return instants.dt.year.astype("int64") * 12 + instants.dt.month.astype("int64")


def summed(frame: pd.DataFrame, meter: str, keys: list[str], quantity: str) -> pd.DataFrame:
    found = frame.groupby(["account", "month", *keys], observed=True)[quantity].sum().reset_index(name="quantity")
    return found.assign(meter=meter)


messages = read("kustomer_messages", "conversation_id", "org_id", "direction", "assistant_type", "sent_at")
messages["asked_at"] = messages["sent_at"].where(messages["direction"] == "in")
is_reply = (messages["direction"] == "out") & (messages["assistant_type"] == "premium").fillna(False)
messages["replied_at"] = messages["sent_at"].where(is_reply)
conversations = messages.groupby("conversation_id", sort=False).agg(
    account=("org_id", "first"), asked_at=("asked_at", "min"), replied_at=("replied_at", "min")
)
del messages
conversations = conversations[(conversations["replied_at"] > conversations["asked_at"]).fillna(False)]
conversations = conversations.assign(month=month(conversations["replied_at"]), quantity=1)
parts = [summed(conversations, "kiq_conversation", [], "quantity").assign(price_key="")]
del conversations

texts = read("translations", "translation_id", "org_id", "completed_at", "character_count", "status")
texts = texts[texts["status"] == "completed"].drop_duplicates("translation_id")
texts = texts.assign(account=texts["org_id"], month=month(texts["completed_at"]))
words = summed(texts, "translated_word", [], "character_count").assign(price_key="")
words["quantity"] = (words["quantity"] + 4) // 5
parts.append(words)
del texts

calls = read("twilio_calls", "sid", "account_sid", "direction", "to", "start_time", "duration", "status")
calls = calls[(calls["status"] == "completed") & (calls["duration"] > 0)].drop_duplicates("sid")
calls = calls.assign(
    account=calls["account_sid"],
    month=month(calls["start_time"]),
    is_inbound=calls["direction"] == "inbound",
    called=calls["to"].str.slice(0, 5),
    minutes=(calls["duration"] + 59) // 60,
)
legs = summed(calls, "voice_minute", ["is_inbound", "called"], "minutes")
codes = peer_io.area_codes(parameters)
legs["price_key"] = [
    peer_io.voice_key(is_inbound, called, codes)
    for is_inbound, called in zip(legs["is_inbound"], legs["called"], strict=True)
]
parts.append(legs)
del calls

sms = read("twilio_messages", "sid", "account_sid", "direction", "date_sent", "num_segments", "num_media", "status")
billable = ["received", "sent", "delivered", "undelivered", "read", "partially_delivered"]
sms = sms[(sms["num_media"] == 0) & sms["status"].isin(billable)].drop_duplicates("sid")
sms = sms.assign(
    account=sms["account_sid"],
    month=month(sms["date_sent"]),
    price_key=(sms["direction"] == "inbound").map({True: "inbound", False: "outbound"}),
)
parts.append(summed(sms, "sms_segment", ["price_key"], "num_segments"))
del sms

tenants = peer_io.accounts(parameters)
statuses = read(
    *("whatsapp_webhooks", "conversation_id", "waba_id", "recipient_id", "pricing_category"),
    *("expiration_timestamp", "status", "billable"),
)
statuses = statuses[statuses["status"].isin(["delivered", "read"]) & statuses["billable"]]
opened = statuses.groupby("conversation_id", sort=False).agg(
    account=("waba_id", "first"),
    expires_at=("expiration_timestamp", "min"),
    recipient=("recipient_id", "first"),
    category=("pricing_category", "first"),
)
opened = opened.reset_index()
opened["opened_at"] = opened["expires_at"] - pd.Timedelta(hours=24)
opened = opened.assign(month=month(opened["opened_at"]), quantity=1).sort_values(["opened_at", "conversation_id"])
is_user = opened["category"].isin(["user_initiated", "service"])
rank = opened[is_user].groupby(["account", "month"]).cumcount()
pools = {
    (tenant, int(text[:4]) * 12 + int(text[5:])): size for (tenant, text), size in peer_io.pools(parameters).items()
}
pairs = opened.loc[is_user, ["account", "month"]].drop_duplicates()
pairs["pool"] = [pools.get((tenants[a], m), 0) for a, m in zip(pairs["account"], pairs["month"], strict=True)]
sizes = opened.loc[is_user, ["account", "month"]].merge(pairs, on=["account", "month"], how="left")["pool"].to_numpy()
opened["is_pooled"] = False
opened.loc[rank.index, "is_pooled"] = rank.to_numpy() < sizes
opened["prefix"] = opened["recipient"].str.slice(0, 4)
chats = summed(opened, "whatsapp_conversation", ["prefix", "category", "is_pooled"], "quantity")
markets = peer_io.market_prefixes(parameters)
chats["price_key"] = [f"{markets[p]}|{c}" for p, c in zip(chats["prefix"], chats["category"], strict=True)]
parts.append(chats)

usage = pd.concat([part.assign(is_pooled=part.get("is_pooled", False)) for part in parts])
usage["tenant"] = usage["account"].map(tenants)
keys = ["tenant", "month", "meter", "price_key", "is_pooled"]
lines = usage.groupby(keys)["quantity"].sum().reset_index()
prices = {
    (meter, key, int(text[:4]) * 12 + int(text[5:])): price
    for (meter, key, text), price in peer_io.prices(parameters).items()
}
lines["price"] = [
    0 if pooled else prices[meter, key, number]
    for meter, key, number, pooled in zip(
        lines["meter"], lines["price_key"], lines["month"], lines["is_pooled"], strict=True
    )
]
lines["cents"] = (lines["quantity"].astype("int64") * lines["price"] + peer_io.CENT_STEPS // 2) // peer_io.CENT_STEPS
lines["month"] = [f"{(number - 1) // 12}-{(number - 1) % 12 + 1:02d}" for number in lines["month"]]
seconds = time.perf_counter() - started
answer = lines[["tenant", "month", "meter", "price_key", "quantity", "price", "cents"]]
peer_io.finish(out, answer.itertuples(index=False, name=None), seconds, version=pd.__version__, reads="Parquet")
