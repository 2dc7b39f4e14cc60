{# GEN-05: the fate of metered usage, from its meter's result, its relief and its price. Needs the columns
   metered_fate, reason, relief, source, quantity, is_unrated, is_covered_by_order and unit_price. Defined only here,
   for counts and for single records. #}
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

{# GEN-06: the price of usage. Behind `prices` (int_gen_06__prices_chosen, of countable usage that nothing relieves). #}
{% macro join_price_alone(usage) -%}
left join prices
    on
        {{ usage }}.tenant_id = prices.tenant_id
        and {{ usage }}.billing_month = prices.billing_month
        and {{ usage }}.meter = prices.meter
        and {{ usage }}.price_key = prices.price_key
        and {{ usage }}.segment_from = prices.segment_from
        and {{ usage }}.relief = prices.relief
        and {{ usage }}.metered_fate = prices.metered_fate
{%- endmacro %}

{# The same, and how far an Order's included quantity covers the usage. Behind `pools_drawn`
   (int_gen_06__order_pools_drawn), too. #}
{% macro join_price(usage) -%}
{{ join_price_alone(usage) }}
left join pools_drawn
    on
        prices.tenant_id = pools_drawn.tenant_id
        and prices.billing_month = pools_drawn.billing_month
        and prices.meter = pools_drawn.meter
        and prices.price_key = pools_drawn.price_key
        and prices.price_id = pools_drawn.price_id
{%- endmacro %}

{% macro is_covered_by_order() -%}
coalesce(pools_drawn.drawn_quantity = pools_drawn.quantity, false)
and coalesce(pools_drawn.order_pool_quantity, 0) > 0
{%- endmacro %}
