{# GEN-07, the only rounding: half away from zero to the currency's minor unit, once per invoice line. `minor_unit`
   may be a column; DuckDB's round on decimals is exact but needs a constant scale. Every branch has the type of the
   result: left to find a common type, the engine would run out of digits and drop a decimal. #}
{% macro round_to_minor_unit(amount, minor_unit) %}
case {{ minor_unit }}
    when 0 then round({{ amount }}, 0)::decimal(18, 3)
    when 2 then round({{ amount }}, 2)::decimal(18, 3)
    when 3 then round({{ amount }}, 3)::decimal(18, 3)
end
{%- endmacro %}
