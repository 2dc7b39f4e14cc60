-- GEN-09: corrections: the recomputed amount minus everything invoiced so far, per usage month
-- and line key, at the usage month's prices.
-- Grain: tenant x usage month x meter x price key x price x charge category x unit price x currency, where
-- the two differ. Note: amounts are differences of rounded amounts and are never rounded again, so closed +
-- corrections = recomputed to the cent.
{% set line_key = [
    'tenant_id', 'usage_month', 'meter', 'price_key', 'price_id', 'charge_category',
    'unit_price', 'currency_code',
] %}
{% set measures = [
    'consumed_quantity', 'included_quantity', 'drawn_quantity', 'pricing_quantity',
    'raw_rows', 'rated_amount', 'billed_amount',
] %}
with recomputed as (
    select
        * exclude (billing_month),
        billing_month as usage_month,
    from {{ ref('int_gen_09__lines_by_closing') }}
    where is_closed
),

closed_lines as (
    select * from {{ source('ledger', 'closed_lines') }}
),

next_open as (
    select * from {{ ref('int_gen_09__next_open_months') }}
),

blocked as (
    select distinct tenant_id, billing_month
    from {{ ref('int_gen_06__tenant_months_blocked') }}
),

invoiced as (
    select
        {{ line_key | join(', ') }},
        {% for measure in measures %}
        sum({{ measure }}) as {{ measure }},
        {% endfor %}
        -- Every later line corrects the line first invoiced under this key.
        arg_min(line_id, billing_month::varchar || ' ' || line_id) as first_line_id,
        arg_min(clause_id, billing_month::varchar || ' ' || line_id) as clause_id,
        arg_min(price_origin, billing_month::varchar || ' ' || line_id) as price_origin,
        arg_min(is_placeholder_price, billing_month::varchar || ' ' || line_id)
            as is_placeholder,
    from closed_lines
    group by {{ line_key | join(', ') }}
),

-- Usage at a price that was never invoiced refers to the first line invoiced for the same use.
first_of_use as (
    select
        tenant_id, usage_month, meter, price_key,
        arg_min(line_id, billing_month::varchar || ' ' || line_id) as first_line_id,
    from closed_lines
    group by tenant_id, usage_month, meter, price_key
),

compared as (
    select
        {% for part in line_key %}
        coalesce(recomputed.{{ part }}, invoiced.{{ part }}) as {{ part }},
        {% endfor %}
        {% for measure in measures %}
        coalesce(recomputed.{{ measure }}, 0) - coalesce(invoiced.{{ measure }}, 0)
            as {{ measure }},
        {% endfor %}
        coalesce(recomputed.pricing_quantity, 0) as recomputed_quantity,
        coalesce(invoiced.pricing_quantity, 0) as invoiced_quantity,
        coalesce(recomputed.billed_amount, 0) as recomputed_amount,
        coalesce(invoiced.billed_amount, 0) as invoiced_amount,
        coalesce(recomputed.clause_id, invoiced.clause_id) as clause_id,
        coalesce(recomputed.price_origin, invoiced.price_origin) as price_origin,
        coalesce(recomputed.is_placeholder, invoiced.is_placeholder) as is_placeholder,
        invoiced.first_line_id,
    from recomputed
    full join invoiced
        on
            {% for part in line_key %}
            recomputed.{{ part }} = invoiced.{{ part }}
            {% if not loop.last %}and {% endif %}
            {% endfor %}
)

select
    compared.tenant_id,
    next_open.open_month as billing_month,
    compared.usage_month,
    compared.meter,
    compared.price_key,
    compared.price_id,
    compared.price_origin,
    compared.is_placeholder,
    compared.clause_id,
    compared.charge_category,
    compared.unit_price,
    compared.currency_code,
    compared.consumed_quantity::bigint as consumed_quantity,
    compared.included_quantity::bigint as included_quantity,
    compared.drawn_quantity::bigint as drawn_quantity,
    compared.pricing_quantity::bigint as pricing_quantity,
    compared.raw_rows::bigint as raw_rows,
    compared.rated_amount::decimal(36, 8) as rated_amount,
    compared.billed_amount::decimal(18, 3) as billed_amount,
    compared.recomputed_quantity::bigint as recomputed_quantity,
    compared.invoiced_quantity::bigint as invoiced_quantity,
    compared.recomputed_amount::decimal(18, 3) as recomputed_amount,
    compared.invoiced_amount::decimal(18, 3) as invoiced_amount,
    coalesce(compared.first_line_id, first_of_use.first_line_id) as corrects_line_id,
    concat_ws(
        '/', compared.tenant_id, strftime(next_open.open_month, '%Y-%m'), 'corrects',
        strftime(compared.usage_month, '%Y-%m'), compared.meter, compared.price_key,
        compared.price_id, compared.charge_category, compared.unit_price::varchar,
        compared.currency_code
    ) as line_id,
from compared
inner join next_open on compared.tenant_id = next_open.tenant_id
left join first_of_use
    on
        compared.tenant_id = first_of_use.tenant_id
        and compared.usage_month = first_of_use.usage_month
        and compared.meter = first_of_use.meter
        and compared.price_key = first_of_use.price_key
-- A usage month that cannot be computed gets no corrections; if the open month
-- cannot be published, they wait.
left join blocked as usage_blocked
    on
        compared.tenant_id = usage_blocked.tenant_id
        and compared.usage_month = usage_blocked.billing_month
left join blocked as open_blocked
    on
        compared.tenant_id = open_blocked.tenant_id
        and next_open.open_month = open_blocked.billing_month
where
    usage_blocked.tenant_id is null
    and open_blocked.tenant_id is null
    and (
        {% for measure in measures if measure != 'raw_rows' %}
        compared.{{ measure }} != 0
        {% if not loop.last %}or {% endif %}
        {% endfor %}
    )
