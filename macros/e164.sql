{# A party as E.164 text with its plus, or null if it is not a number (a client, SIP, or withheld). #}
{% macro e164(party) %}
case
    when regexp_matches({{ party }}, '^\+[1-9][0-9]{6,14}$') then {{ party }}
    when regexp_matches({{ party }}, '^[1-9][0-9]{6,14}$') then '+' || {{ party }}
end
{%- endmacro %}

{# A number as people write it, as E.164; spaces, dots, dashes and brackets are ignored.
   Null if it is not a number. #}
{% macro written_as_e164(written) %}
{{- e164("regexp_replace(" ~ written ~ ", '[[:space:]().-]', '', 'g')") }}
{%- endmacro %}

{# The leading digits of a recipient: as many as the longest calling code of the market map can have (ITU E.164: three
   digits of country code; the map distinguishes regions by up to seven). #}
{% macro leading_digits(recipient) %}left(ltrim({{ recipient }}, '+'), 7){% endmacro %}
