{# GEN-06: the stretch of its month with one price a unit of usage falls into. One home, for the sums and for the
   single records. Behind `boundaries` (int_gen_06__price_boundaries); a month without any is one stretch. #}
{% macro segment_of(usage) -%}
coalesce(boundaries.segment_from, cast({{ usage }}.billing_month as timestamp))
{%- endmacro %}

{% macro join_segment(usage) -%}
left join boundaries
    on
        {{ usage }}.tenant_id = boundaries.tenant_id
        and {{ usage }}.meter = boundaries.meter
        and {{ usage }}.billing_month = boundaries.billing_month
        and {{ usage }}.occurred_at >= boundaries.segment_from
        and {{ usage }}.occurred_at < boundaries.segment_until
{%- endmacro %}
