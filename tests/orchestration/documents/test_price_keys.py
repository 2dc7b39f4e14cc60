"""A price key reads the same in a line's explanation and in the documents."""

from __future__ import annotations

import ast

import pytest

from orchestration.documents.price_keys import WORDS, key_in_words
from orchestration.settings import PROJECT_DIR


def test_the_macro_of_explanations_has_the_same_words_in_the_same_order() -> None:
    macro = (PROJECT_DIR / "macros" / "line_text.sql").read_text(encoding="utf-8")
    listed = macro.partition("set words = ")[2].partition(" -%}")[0]
    assert ast.literal_eval(listed) == WORDS


@pytest.mark.parametrize(
    ("meter", "key", "words"),
    [
        ("voice_minute", "inbound_local", "inbound to a local number"),
        ("voice_minute", "inbound_toll_free", "inbound to a toll-free number"),
        ("recording_minute", "outbound_us_ca", "outbound to the US and Canada"),
        ("voice_minute", "international", "international"),
        ("phone_number", "us_ca", "US and Canada"),
        ("sms_segment", "outbound", "outbound"),
        ("whatsapp_conversation", "Brazil|user_initiated", "Brazil, user-initiated"),
        ("whatsapp_conversation", "North America|business_initiated", "North America, business-initiated"),
        ("whatsapp_message", "Rest of Central & Eastern Europe|utility", "Rest of Central & Eastern Europe, utility"),
        ("whatsapp_message", "India|authentication_international", "India, international authentication"),
        ("whatsapp_conversation", "India|referral_conversion", "India, free entry point"),
        ("carrier_penalty", "NOTE_us_ca|1", "NOTE_us_ca|1"),
    ],
)
def test_every_key_of_the_price_book_is_in_words(meter: str, key: str, words: str) -> None:
    assert key_in_words(meter, key) == words
