{# A party as E.164 text with its plus, or null where it is no number (a client, SIP, or withheld). #}
{% macro e164(party) %}
case
    when regexp_matches({{ party }}, '^\+[1-9][0-9]{6,14}$') then {{ party }}
    when regexp_matches({{ party }}, '^[1-9][0-9]{6,14}$') then '+' || {{ party }}
end
{%- endmacro %}
