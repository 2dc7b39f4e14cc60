"""Apache Spark on this machine alone, local[*], from Parquet: the shared query. The engine's start-up counts."""

from __future__ import annotations

import csv
import os
import time

import peer_io
import pyspark
import sql_text
from pyspark.sql import SparkSession

landing, parameters, out = peer_io.arguments()
# As files: with rows from Python, Spark would start a Python worker for each of a few small tables.
tables = sql_text.parameter_tables(parameters)
for table, (_, rows) in tables.items():
    with (out.parent / f"spark_{table}.csv").open("w", encoding="utf-8", newline="") as target:
        csv.writer(target, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC).writerows(rows)
started = time.perf_counter()
spark = (
    SparkSession.builder.master(f"local[{os.cpu_count() or 2}]")
    .config("spark.ui.enabled", "false")
    .config("spark.driver.memory", "4g")
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.sql.shuffle.partitions", "8")
    .config("spark.local.dir", str(out.parent))
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.ui.showConsoleProgress", "false")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")
for source, columns in sql_text.SOURCES.items():
    files = sorted(str(path) for path in (landing / source).glob("*bulk*.parquet"))
    frame = spark.read.parquet(*files).select(*columns)
    for name in columns:
        frame = frame.withColumnRenamed(name, sql_text.column_name(name))
    frame.createOrReplaceTempView(source)
for table, (kinds, _rows) in tables.items():
    # An empty price key is a key, not a missing one.
    reader = spark.read.schema(kinds.replace(" text", " string")).option("emptyValue", "").option("nullValue", "\\N")
    reader.csv(str(out.parent / f"spark_{table}.csv")).createOrReplaceTempView(table)


def divided(argument: str) -> str:
    number, divisor = argument.split("|")
    return f"(({number}) div {divisor})"


text = sql_text.query(
    {
        "month": lambda column: f"date_format({column}, 'yyyy-MM')",
        "day_before": lambda column: f"{column} - interval 24 hours",
        "is_true": lambda column: column,
        "div": divided,
    }
)
lines = [tuple(row) for row in spark.sql(text).collect()]
seconds = time.perf_counter() - started
spark.stop()
peer_io.finish(out, lines, seconds, version=pyspark.__version__, reads="Parquet")
