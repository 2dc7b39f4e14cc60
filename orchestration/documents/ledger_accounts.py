"""Accounts of the general ledger that exports post to, as the seed names them when the export is made."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestration.errors import MeterhouseError

SEED = "seeds/terms/ledger_accounts.csv"
COLUMNS = ("posting", "service", "meter", "ledger_account", "source")
RECEIVABLE, UNBILLED, REVENUE = "receivable", "unbilled", "revenue"


@dataclass(frozen=True)
class Accounts:
    """What tenants owe on, what is earned and not billed yet, and revenue by (service, meter); meter "" is the rest."""

    receivable: str
    unbilled: str
    revenue: Mapping[tuple[str, str], str]

    def of(self, service: str, meter: str) -> tuple[str, str]:
        """(account, meter) to credit a line to; meter is empty unless the seed gives it an account of its own.

        Raises MeterhouseError where the service has none.
        """
        if own := self.revenue.get((service, meter)):
            return own, meter
        if not self.revenue.get((service, "")):
            raise MeterhouseError(f"the service {service} has no account", f"Add a row of revenue for it to {SEED}.")
        return self.revenue[service, ""], ""


def read_accounts(project_dir: Path) -> Accounts:
    """The accounts of the seed.

    Raises MeterhouseError where it cannot be read, lacks an account, or has one twice.
    """
    found: dict[tuple[str, str, str], str] = {}
    for line, row in _rows(project_dir / SEED):
        key = (row["posting"], row["service"], row["meter"])
        if key in found:
            raise MeterhouseError(f"{SEED} has two accounts of {' '.join(filter(None, key))}", "Leave one of them.")
        if not row["ledger_account"]:
            raise MeterhouseError(f"line {line} of {SEED} names no ledger_account", "Fill it in.")
        found[key] = row["ledger_account"]
    for posting in (RECEIVABLE, UNBILLED):
        if (posting, "", "") not in found:
            raise MeterhouseError(
                f"{SEED} has no {posting} account", f"Add the row {posting}, its service and meter empty."
            )
    revenue = {(service, meter): account for (kind, service, meter), account in found.items() if kind == REVENUE}
    return Accounts(found[RECEIVABLE, "", ""], found[UNBILLED, "", ""], revenue)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """(line of the file, values by column). Raises MeterhouseError naming what a spreadsheet may have done to it."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file, strict=True)
            header = [name.strip() for name in table.fieldnames or []]
            if sorted(header) != sorted(COLUMNS):
                raise MeterhouseError(
                    f"the first line of {SEED} is {','.join(header)}",
                    f"Its columns are {', '.join(COLUMNS)}, separated by commas.",
                )
            table.fieldnames = header
            for row in table:
                if None in row or None in row.values():
                    raise MeterhouseError(
                        f"line {table.line_num} of {SEED} does not have {len(COLUMNS)} values",
                        "Put one value between each two commas, none left out.",
                    )
                yield table.line_num, {name: value.strip() for name, value in row.items()}
    except UnicodeDecodeError as error:
        raise MeterhouseError(f"{SEED} is not UTF-8 text: {error.reason}", "Save it as CSV in UTF-8.") from None
    except (OSError, csv.Error) as error:
        raise MeterhouseError(f"{SEED} cannot be read: {error}", "Restore it from the repository.") from None
