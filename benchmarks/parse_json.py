"""DuckDB parsing every NDJSON file of a landing into nothing: the time upstream shapes are compared with.

`python -m benchmarks.parse_json LANDING OUT MEMORY THREADS`.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from benchmarks.input_forms import nothing_queries
from benchmarks.limit import connect


def main(landing: Path, out: Path, memory_limit: str, threads: int) -> None:
    with connect(memory_limit, threads, out.with_suffix(".spill")) as connection:
        started = time.perf_counter()
        for query in nothing_queries(landing):
            connection.execute(query).fetchall()
        seconds = time.perf_counter() - started
    out.write_text(json.dumps({"seconds": seconds}), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
