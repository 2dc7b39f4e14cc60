"""polars, lazy and streaming, from Parquet."""

from __future__ import annotations

import time

import peer_io
import polars as pl

landing, parameters, out = peer_io.arguments()
started = time.perf_counter()


def scan(source: str) -> pl.LazyFrame:
    return pl.scan_parquet(f"{landing}/{source}/*bulk*.parquet")


def month(column: str) -> pl.Expr:
    return (pl.col(column).dt.year() * 12 + pl.col(column).dt.month()).alias("month")


is_reply = (pl.col("direction") == "out") & (pl.col("assistant_type") == "premium")
conversations = (
    scan("kustomer_messages")
    .select(
        pl.col("conversation_id").hash().alias("conversation"),
        "org_id",
        pl.when(pl.col("direction") == "in").then("sent_at").alias("asked_at"),
        pl.when(is_reply).then("sent_at").alias("replied_at"),
    )
    .group_by("conversation")
    .agg(pl.col("org_id").first().alias("account"), pl.col("asked_at").min(), pl.col("replied_at").min())
    .filter(pl.col("replied_at") > pl.col("asked_at"))
    .group_by("account", month("replied_at"))
    .agg(pl.len().cast(pl.Int64).alias("quantity"))
    .with_columns(meter=pl.lit("kiq_conversation"), price_key=pl.lit(""), is_pooled=pl.lit(False))
)
words = (
    scan("translations")
    .filter(pl.col("status") == "completed")
    .select(
        pl.col("translation_id").hash().alias("record"),
        pl.col("org_id").alias("account"),
        month("completed_at"),
        "character_count",
    )
    .unique("record")
    .group_by("account", "month")
    .agg(((pl.col("character_count").sum() + 4) // 5).alias("quantity"))
    .with_columns(meter=pl.lit("translated_word"), price_key=pl.lit(""), is_pooled=pl.lit(False))
)
area_codes = peer_io.area_codes(parameters)
region = pl.col("called").str.slice(1).replace_strict(area_codes, default="us_ca", return_dtype=pl.String)
legs = (
    scan("twilio_calls")
    .filter((pl.col("status") == "completed") & (pl.col("duration") > 0))
    .select(
        pl.col("sid").hash().alias("record"),
        pl.col("account_sid").alias("account"),
        month("start_time"),
        (pl.col("direction") == "inbound").alias("is_inbound"),
        pl.col("to").str.slice(0, 5).alias("called"),
        ((pl.col("duration") + 59) // 60).alias("minutes"),
    )
    .unique("record")
    .group_by("account", "month", "is_inbound", "called")
    .agg(pl.col("minutes").sum())
    .with_columns(region=region)
    .with_columns(
        price_key=pl.when(~pl.col("called").str.starts_with("+1") | (pl.col("region") == "international"))
        .then(pl.lit("international"))
        .when(~pl.col("is_inbound"))
        .then(pl.lit("outbound_us_ca"))
        .when(pl.col("region") == "toll_free")
        .then(pl.lit("inbound_toll_free"))
        .otherwise(pl.lit("inbound_local"))
    )
    .group_by("account", "month", "price_key")
    .agg(pl.col("minutes").sum().alias("quantity"))
    .with_columns(meter=pl.lit("voice_minute"), is_pooled=pl.lit(False))
)
billable = ["received", "sent", "delivered", "undelivered", "read", "partially_delivered"]
segments = (
    scan("twilio_messages")
    .filter((pl.col("num_media") == 0) & pl.col("status").is_in(billable))
    .select(
        pl.col("sid").hash().alias("record"),
        pl.col("account_sid").alias("account"),
        month("date_sent"),
        pl.when(pl.col("direction") == "inbound")
        .then(pl.lit("inbound"))
        .otherwise(pl.lit("outbound"))
        .alias("price_key"),
        "num_segments",
    )
    .unique("record")
    .group_by("account", "month", "price_key")
    .agg(pl.col("num_segments").sum().alias("quantity"))
    .with_columns(meter=pl.lit("sms_segment"), is_pooled=pl.lit(False))
)
tenants = peer_io.accounts(parameters)
accounts = pl.LazyFrame({"account": list(tenants), "tenant": list(tenants.values())})


def month_number(text: str) -> int:
    return int(text[:4]) * 12 + int(text[5:])


pools = peer_io.pools(parameters)
pool_sizes = pl.LazyFrame(
    {
        "tenant": [tenant for tenant, _ in pools],
        "month": [month_number(text) for _, text in pools],
        "pool": list(pools.values()),
    },
    schema={"tenant": pl.String, "month": pl.Int32, "pool": pl.Int64},
)
opened = (
    scan("whatsapp_webhooks")
    .filter(pl.col("status").is_in(["delivered", "read"]) & pl.col("billable"))
    .group_by("conversation_id")
    .agg(
        pl.col("waba_id").first().alias("account"),
        (pl.col("expiration_timestamp").min() - pl.duration(hours=24)).alias("opened_at"),
        pl.col("recipient_id").first().str.slice(0, 4).alias("prefix"),
        pl.col("pricing_category").first().alias("category"),
    )
    .with_columns(month("opened_at"))
)
is_user = pl.col("category").is_in(["user_initiated", "service"])
ranked = (
    opened.filter(is_user)
    .join(accounts, on="account")
    .join(pool_sizes, on=["tenant", "month"], how="left")
    .sort("opened_at", "conversation_id")
    .with_columns(is_pooled=pl.int_range(pl.len()).over("account", "month") < pl.col("pool").fill_null(0))
    .select("account", "month", "prefix", "category", "is_pooled")
)
others = opened.filter(~is_user).select("account", "month", "prefix", "category", pl.lit(False).alias("is_pooled"))
markets = peer_io.market_prefixes(parameters)
chats = (
    pl.concat([ranked, others])
    .group_by("account", "month", "prefix", "category", "is_pooled")
    .agg(pl.len().cast(pl.Int64).alias("quantity"))
    .with_columns(
        price_key=pl.col("prefix").replace_strict(markets, return_dtype=pl.String) + "|" + pl.col("category"),
        meter=pl.lit("whatsapp_conversation"),
    )
)
columns = ["account", "month", "meter", "price_key", "is_pooled", "quantity"]
prices = peer_io.prices(parameters)
price_list = pl.LazyFrame(
    {
        "meter": [meter for meter, _, _ in prices],
        "price_key": [key for _, key, _ in prices],
        "month": [month_number(text) for _, _, text in prices],
        "list_price": list(prices.values()),
    },
    schema={"meter": pl.String, "price_key": pl.String, "month": pl.Int32, "list_price": pl.Int64},
)
whole_month = [
    part.with_columns(pl.col("month").cast(pl.Int32)) for part in (conversations, words, legs, segments, chats)
]
lines = (
    pl.concat([part.select(columns) for part in whole_month])
    .join(accounts, on="account")
    .group_by("tenant", "month", "meter", "price_key", "is_pooled")
    .agg(pl.col("quantity").sum())
    .join(price_list, on=["meter", "price_key", "month"], how="left")
    .with_columns(price=pl.when("is_pooled").then(0).otherwise("list_price"))
    .with_columns(
        cents=(pl.col("quantity") * pl.col("price") + peer_io.CENT_STEPS // 2) // peer_io.CENT_STEPS,
        month=((pl.col("month") - 1) // 12).cast(pl.String)
        + "-"
        + ((pl.col("month") - 1) % 12 + 1).cast(pl.String).str.zfill(2),
    )
    .select("tenant", "month", "meter", "price_key", "quantity", "price", "cents")
    .collect(engine="streaming")
)
seconds = time.perf_counter() - started
peer_io.finish(out, lines.iter_rows(), seconds, version=pl.__version__, reads="Parquet")
