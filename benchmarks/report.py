"""The kept figures as tables for the terminal and as Markdown, and as a plot. Measures nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import results
from benchmarks.plot import bars
from benchmarks.stages import ORDER

Cells = list[list[str]]
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def _seconds(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:,.1f}"


def _gigabytes(value: float) -> str:
    return f"{value / 1e9:.2f}"


def _millions(records: int) -> str:
    return f"{records / 1_000_000:g} million"


def _full() -> list[dict[str, Any]]:
    return sorted(results.load("full").values(), key=lambda run: run["records"])


def full_target(run: dict[str, Any]) -> tuple[str, bool] | None:
    """The target of a size and whether it is met; None if it has none."""
    if run["records"] == 100_000_000:
        return "2.5 x limit", run["ratio"] <= 2.5
    if run["records"] == 10_000_000:
        return "3 x limit + 6 s", run["seconds"] <= 3 * run["limit_seconds"] + 6
    return None


def full_cells() -> Cells:
    """Header and rows of the full runs."""
    rows = [
        [
            *("records", "limit s", "ours s", "ratio", "CPU s", "CPU ratio", "records/s", "GB", "limit GB"),
            *("disk B/rec", "spill GB", "A/A", "pairs", "target", "met"),
        ]
    ]
    for run in _full():
        target = full_target(run)
        rows.append(
            [
                _millions(run["records"]),
                _seconds(run["limit_seconds"]),
                _seconds(run["seconds"]),
                f"{run['ratio']:.2f}",
                f"{run['limit_cpu_seconds']:.1f} / {run['cpu_seconds']:.1f}",
                f"{run['cpu_ratio']:.2f}",
                f"{run['records'] / run['seconds']:,.0f}",
                _gigabytes(run["peak_bytes"]),
                _gigabytes(run["limit_peak_bytes"]),
                f"{run['disk_bytes'] / run['records']:.1f}",
                _gigabytes(run["spilled_bytes"]),
                f"{run['noise']:.2f}",
                str(run["pairs"]),
                target[0] if target else "",
                ("yes" if target[1] else "no") if target else "",
            ]
        )
    return rows


def stage_cells() -> Cells:
    """Seconds by stage, one column per size."""
    runs = _full()
    names = [name for name in ORDER if any(name in run["stages"] for run in runs)]
    rows = [["stage", *(_millions(run["records"]) for run in runs)]]
    rows += [[name, *(_seconds(run["stages"].get(name, 0.0)) for run in runs)] for name in names]
    return rows


def layer_cells() -> Cells:
    """Thread seconds by model layer, one column per size."""
    runs = _full()
    names = sorted({name for run in runs for name in run["layers"]})
    rows = [["layer (thread seconds)", *(_millions(run["records"]) for run in runs)]]
    rows += [[name, *(_seconds(run["layers"].get(name, 0.0)) for run in runs)] for name in names]
    return rows


def node_cells() -> Cells:
    """The slowest models of the largest run."""
    runs = _full()
    found = dict(sorted(runs[-1]["slowest"].items(), key=lambda item: -item[1])) if runs else {}
    return [["model or test", "thread seconds"], *([name, _seconds(seconds)] for name, seconds in found.items())]


def row_cells(rows: list[dict[str, Any]]) -> Cells:
    """Scenario rows."""
    met = {True: "yes", False: "no", None: ""}
    return [
        ["scenario", "beside", "ours", "figure", "target", "met"],
        *([row["title"], row["beside"], row["ours"], row["figure"], row["target"], met[row["met"]]] for row in rows),
    ]


def peer_cells() -> Cells:
    """Peers by size and seconds, including the limit and ours."""
    found: list[tuple[int, float, list[str]]] = []
    for name, peer in results.load("peers").items():
        records, engine = name.split("/", 1)
        load = f"{peer['load_seconds']:.1f}" if peer.get("load_seconds") else ""
        figures = [_seconds(peer["seconds"]), load, _gigabytes(peer["peak_bytes"]), "same lines"]
        found.append((int(records), peer["seconds"], [_millions(int(records)), engine, peer["reads"], *figures]))
    for run in _full():
        if any(records == run["records"] for records, _, _ in found):
            ours = [_millions(run["records"]), "Meterhouse, everything on", "Parquet", _seconds(run["seconds"]), ""]
            found.append((run["records"], run["seconds"], [*ours, _gigabytes(run["peak_bytes"]), "same lines"]))
    header = ["records", "engine", "reads", "s", "of it loading s", "peak GB", "answer"]
    return [header, *(cells for _, _, cells in sorted(found, key=lambda row: row[:2]))]


def _table(cells: Cells, title: str) -> Table:
    table = Table(title=title, title_justify="left")
    for number, name in enumerate(cells[0]):
        table.add_column(name, justify="left" if number == 0 else "right", no_wrap=number == 0, overflow="fold")
    for row in cells[1:]:
        table.add_row(*row)
    return table


def print_full(console: Console) -> None:
    """Print full runs and what their stages cost."""
    console.print(_table(full_cells(), "Landing to published marts, flat Parquet, beside the limit query"))
    console.print(_table(stage_cells(), "Stages, wall seconds of the median run"))
    if len(layer_cells()) > 1:
        console.print(_table(layer_cells(), "Models and tests"))
        console.print(_table(node_cells(), "The slowest of the largest run"))


def print_rows(console: Console, rows: list[Any]) -> None:
    console.print(_table(row_cells([row.as_dict() for row in rows]), "Scenarios"))


def print_peers(console: Console) -> None:
    console.print(_table(peer_cells(), "Same input, same lines to the cent"))


def _markdown_table(cells: Cells) -> str:
    # A line's id contains bars.
    lines = [" | ".join(cell.replace("|", "\\|") for cell in row) for row in cells]
    return "\n".join([f"| {lines[0]} |", "|" + " --- |" * len(cells[0]), *(f"| {line} |" for line in lines[1:])])


def markdown() -> str:
    """All tables that have figures, each under its heading."""
    parts: list[str] = []
    machines = [run["machine"] for run in _full()]
    if machines:
        last = machines[-1]
        memory = f"{last['memory_bytes'] / 2**30:.0f} GiB"
        parts.append(
            f"Measured on {last['cores']} cores ({last['processor']}), {memory}, {last['system']}, "
            f"Python {last['python']}, DuckDB {last['duckdb']}."
        )
    scenarios = list(results.load("scenarios").values())
    for title, cells in (
        ("Landing to published marts", full_cells()),
        ("Stages (wall seconds)", stage_cells()),
        ("Layers", layer_cells()),
        ("The slowest models of the largest run", node_cells()),
        ("Scenarios", row_cells(scenarios)),
        ("Peers", peer_cells()),
    ):
        if len(cells) > 1:
            parts.append(f"### {title}\n\n{_markdown_table(cells)}")
    return "\n\n".join(parts)


def write_page(page: Path) -> None:
    """Put the tables between the marks of `page`."""
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{markdown() or 'None yet.'}\n{END}{after}", encoding="utf-8")


def write_plot() -> Path:
    """Ours, the limit and the peers, as one SVG."""
    groups: list[tuple[str, list[tuple[str, float]]]] = []
    for run in _full():
        rows = [("limit query", run["limit_seconds"]), ("Meterhouse", run["seconds"])]
        for name, peer in results.load("peers").items():
            records, engine = name.split("/", 1)
            if int(records) == run["records"] and engine != "limit":
                rows.append((engine, peer["seconds"]))
        groups.append((_millions(run["records"]), sorted(rows, key=lambda row: row[1])))
    path = results.results_dir() / "performance.svg"
    path.write_text(bars("Seconds from landing to invoice lines (log scale)", groups), encoding="utf-8")
    return path
