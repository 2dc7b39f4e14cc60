{# How an invoice line reads to the customer's accountant. Figures have thousands separators, units are in the
   plural, keys of the price book are words. #}

{# An integer: 12,000. #}
{% macro count_text(quantity) %}format('{:,}', {{ quantity }}){% endmacro %}

{# A unit in the number its quantity asks for: minute, minutes. Every unit of the seed meters takes an s. #}
{% macro in_number(unit, quantity) -%}
{{ unit }} || case when abs({{ quantity }}) = 1 then '' else 's' end
{%- endmacro %}

{# An integer with its unit: 1 minute, 2,175 conversations. #}
{% macro units_text(quantity, unit) %}
{{ count_text(quantity) }} || ' ' || {{ in_number(unit, quantity) }}
{%- endmacro %}

{# An amount with thousands separators, of its text by money_text or billed_text: -1,234.50. Most have none to set, and
   are spared the search for them. #}
{% macro grouped_text(amount, written) %}
case
    when abs({{ amount }}) < 1000 then {{ written }}
    else
        regexp_extract({{ written }}, '^-')
        || format('{:,}', regexp_extract({{ written }}, '\d+')::hugeint)
        || regexp_extract({{ written }}, '\.\d+$')
end
{%- endmacro %}

{# A price key in words: `Brazil, user-initiated`. The documents say the same (orchestration/documents/price_keys.py, and
   a test holds them together). A fine's key is the carrier's own reference, which is nobody's to reword. #}
{% macro price_key_text(meter, price_key) %}
{%- set words = [
    ('outbound_us_ca', 'outbound to the US and Canada'),
    ('us_ca', 'US and Canada'),
    ('inbound_local', 'inbound to a local number'),
    ('inbound_toll_free', 'inbound to a toll-free number'),
    ('authentication_international', 'international authentication'),
    ('referral_conversion', 'free entry point'),
    ('_initiated', '-initiated'),
    ('|', ', '),
    ('_', ' '),
] -%}
case
    when {{ meter }} = 'carrier_penalty' then {{ price_key }}
    else {% for _ in words %}replace({% endfor %}{{ price_key }}{% for key, said in words %}, '{{ key }}', '{{ said }}'){% endfor %}

end
{%- endmacro %}

{# Where a line's price comes from, in a few words; the reason behind it is int_gen_06__price_reasons' to tell. #}
{% macro price_origin_text(price_origin, price_id) %}
case
    when {{ price_origin }} = 'order' then 'price of Order ' || split_part({{ price_id }}, '|', 2)
    when {{ price_origin }} = 'passed_through' then 'carrier''s fine passed through at cost'
    when {{ price_origin }} != 'included' then 'list price'
    when {{ price_id }} = 'pool' then 'covered by the pool'
    when {{ price_id }} = 'meta_free' then 'free of charge by WhatsApp''s own rules'
    when {{ price_id }} = 'first_number' then 'the first number is included'
    when {{ price_id }} = 'order_pool' then 'included by the Order'
    else replace({{ price_id }}, '_', ' ')
end
{%- endmacro %}

{# Of the id of a card's price, `card|market|category`, what the card calls it. #}
{% macro card_key(price_id) %}regexp_replace({{ price_id }}, '^[^|]*\|', ''){% endmacro %}
