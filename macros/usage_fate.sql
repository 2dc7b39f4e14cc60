{# GEN-05: what became of metered usage, from its meter's verdict, its relief and its price.
   Wants the columns metered_fate, reason, relief, source, quantity, is_unrated,
   is_covered_by_order and unit_price. One home, for the counts and for the single records. #}
{% macro usage_fate() %}
case
    when metered_fate != 'countable' then metered_fate
    when relief in ('pool', 'first_number') then 'included'
    when relief = 'meta_free' then 'zero_rated'
    when starts_with(source, 'storage') and quantity = 0 then 'included'
    when is_unrated then 'quarantined'
    when is_covered_by_order then 'included'
    when unit_price = 0 then 'zero_rated'
    else 'billed'
end
{%- endmacro %}

{% macro usage_fate_reason() %}
case
    when metered_fate != 'countable' then reason
    when relief != 'none' then relief
    when starts_with(source, 'storage') and quantity = 0 then 'within_limit'
    when is_unrated then 'unrated'
    when is_covered_by_order then 'order_pool'
    else ''
end
{%- endmacro %}
