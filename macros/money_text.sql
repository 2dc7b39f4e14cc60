{# An exact amount formatted for a sentence: no zeros after the second decimal. #}
{% macro money_text(amount) %}regexp_replace({{ amount }}::varchar, '(\.\d\d\d*?)0+$', '\1'){% endmacro %}

{# A billed amount formatted for a sentence, with the decimals of its currency: none for yen, three for dinars. #}
{% macro billed_text(amount, minor_unit) %}
case {{ minor_unit }}
    when 0 then regexp_replace({{ amount }}::varchar, '\.0+$', '')
    when 3 then {{ amount }}::varchar
    else {{ money_text(amount) }}
end
{%- endmacro %}

{# A quantity formatted for a sentence, without decimals if it is whole. #}
{% macro quantity_text(quantity) %}
regexp_replace(regexp_replace({{ quantity }}::decimal(38, 6)::varchar, '0+$', ''), '\.$', '')
{%- endmacro %}
