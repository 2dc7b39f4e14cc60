"""File and folder names out of anybody's ids: two ids never share a name, and no name leaves its folder."""

from __future__ import annotations

import hashlib
import string

_KEPT = frozenset((string.ascii_letters + string.digits + "-_").encode())
_LONGEST = 120


def safe_name(identifier: str) -> str:
    """`a/b` as `a%2Fb`: letters, digits, `-` and `_` stay, every other byte is its hex.

    Injective: a `%` is itself encoded, and only a cut name (`~` and the id's SHA-256) holds a `~`.
    """
    encoded = "".join(
        chr(byte) if byte in _KEPT else f"%{byte:02X}" for byte in identifier.encode("utf-8", "surrogatepass")
    )
    if len(encoded) > _LONGEST:
        digest = hashlib.sha256(identifier.encode("utf-8", "surrogatepass")).hexdigest()
        return f"{encoded[:40]}~{digest}"
    return encoded or "%"
