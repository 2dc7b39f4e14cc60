{# GEN-07, the one rounding: half away from zero to the currency's minor unit, once per invoice line.
   `minor_unit` may be a column; DuckDB's round on decimals is exact but wants a constant scale. #}
{% macro round_to_minor_unit(amount, minor_unit) %}
cast(case {{ minor_unit }}
    when 0 then round({{ amount }}, 0)
    when 2 then round({{ amount }}, 2)
    when 3 then round({{ amount }}, 3)
end as decimal(18, 3))
{%- endmacro %}
