"""A line's price key in words: what the explanation of the line says (macros/line_text.sql), said by the documents."""

from __future__ import annotations

# In this order, as in the macro `price_key_text`; a test holds the two together.
WORDS = [
    ("outbound_us_ca", "outbound to the US and Canada"),
    ("us_ca", "US and Canada"),
    ("inbound_local", "inbound to a local number"),
    ("inbound_toll_free", "inbound to a toll-free number"),
    ("authentication_international", "international authentication"),
    ("referral_conversion", "free entry point"),
    ("_initiated", "-initiated"),
    ("|", ", "),
    ("_", " "),
]


def key_in_words(meter: str, price_key: str) -> str:
    """`India, user-initiated`; of a fine the carrier's own reference, which is nobody's to reword."""
    if meter == "carrier_penalty":
        return price_key
    for key, said in WORDS:
        price_key = price_key.replace(key, said)
    return price_key
