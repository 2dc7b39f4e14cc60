"""A small installation for tests that kill things: one tenant's translations, cheap to build again and again."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

from orchestration.publishing.release import current_release
from orchestration.settings import Settings

HEADER = "translation_id,org_id,source_lang,target_lang,character_count,status,completed_at,updated_at\n"
_NUMBERS = count(1)


@dataclass
class Small:
    """An installation and what lands in it."""

    settings: Settings

    def land(self, month: str, characters: int = 1000) -> None:
        """One more translation of a month (as 2024-10), in a file of its own."""
        name = f"t{next(_NUMBERS):04d}"
        row = f"{name},org,en,de,{characters},completed,{month}-05T10:00:00Z,2024-12-01T00:00:00Z\n"
        self._write("translations", f"{name}.csv", HEADER + row)

    def land_contract(self) -> None:
        self._write("tenants", "all.csv", "tenant_id,name,billing_currency\nt,T,USD\n")
        accounts = "tenant_id,system,account_id,kind,valid_from\nt,kustomer,org,platform,2024-01-01T00:00:00Z\n"
        self._write("account_map", "all.csv", accounts)

    def served_hash(self) -> str:
        served = current_release(self.settings)
        assert served is not None
        return served.content_hash

    def _write(self, source: str, name: str, text: str) -> None:
        path = self.settings.landing / source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
