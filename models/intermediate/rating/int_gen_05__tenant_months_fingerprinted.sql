-- A hash of everything the lines of a tenant's month depend on. If it equals that of the last build, the
-- lines do too, and nothing of the month is rated or invoiced again.
-- Grain: tenant x month. Months that differ are recorded in ops.moved_tenant_months. Seeds are left out: any
-- change to them builds everything.
{{ config(
    pre_hook="{{ keep_fingerprints_before(this) }}",
    post_hook="{{ note_moved_tenant_months(this) }}",
) }}

{% set by_month = [
    'int_gen_05__event_usage_aggregated', 'int_gen_05__state_usage_aggregated',
    'int_gen_08__fines_in_currency', 'int_sto__usage_metered', 'int_wap_05__pools_granted',
    'int_wap_06__draws_counted', 'int_gen_06__price_boundaries',
] %}
{% set by_tenant = ['int_gen_08__tenant_currencies', 'int_prc_03__word_prices_by_term'] %}
with orders as (
    select * from {{ ref('int_gen_02__order_overrides_states') }} where is_current
),

closed_lines as (
    select * from {{ source('ledger', 'closed_lines') }}
),

-- What was invoiced decides what is still to be corrected, and what is shown as issued.
closed_counted as (
    select tenant_id, usage_month as billing_month, 'used' as side, count(*) as lines
    from closed_lines
    group by tenant_id, usage_month
    union all
    select tenant_id, billing_month, 'invoiced' as side, count(*) as lines
    from closed_lines
    group by tenant_id, billing_month
),

-- A fine's credit refers to the invoice that billed it, which may be closed long
-- after the credit was drafted.
fines_credited as (
    select credits.tenant_id, credits.billing_month, closed_lines.line_id
    from {{ ref('int_pen__usage_metered') }} as credits
    inner join closed_lines
        on
            credits.tenant_id = closed_lines.tenant_id
            and credits.price_key = closed_lines.price_key
    where credits.quantity < 0 and closed_lines.meter = 'carrier_penalty'
),

closings as (
    select * from {{ source('ledger', 'closings') }}
),

newest_closing as (
    {{ newest_closing() }}
),

-- Left out of a close by name, or closed by name later.
closed_by_name as (
    select * from closings where tenant_id is not null
),

rows_hashed as (
    {% for model in by_month %}
    select tenant_id, billing_month, {{ row_hash(['content']) }} as row_content
    from {{ ref(model) }} as content
    union all
    {% endfor %}
    select tenant_id, billing_month, {{ row_hash(['content']) }} as row_content
    from closed_counted as content
    union all
    select tenant_id, billing_month, {{ row_hash(['content']) }} as row_content
    from fines_credited as content
    union all
    select tenant_id, billing_month, {{ row_hash(['content']) }} as row_content
    from closed_by_name as content
),

tenant_rows_hashed as (
    {% for model in by_tenant %}
    select tenant_id, {{ row_hash(['content']) }} as row_content
    from {{ ref(model) }} as content
    union all
    {% endfor %}
    select tenant_id, {{ row_hash(['content']) }} as row_content
    from orders as content
),

months_hashed as (
    select
        coalesce(tenant_id, '') as tenant_id,
        coalesce(billing_month, date '0001-01-01') as billing_month,
        {{ hash_of_hashes('row_content') }} as month_content,
    from rows_hashed
    group by coalesce(tenant_id, ''), coalesce(billing_month, date '0001-01-01')
),

tenants_hashed as (
    select tenant_id, {{ hash_of_hashes('row_content') }} as tenant_content
    from tenant_rows_hashed
    group by tenant_id
),

closings_known as (
    select
        months_hashed.*,
        {{ is_closed_for_all('months_hashed', 'newest_closing') }} as is_closed_for_all,
    from months_hashed
    cross join newest_closing
)

select
    closings_known.tenant_id,
    closings_known.billing_month,
    closings_known.is_closed_for_all,
    concat_ws(
        ' ', closings_known.month_content, tenants_hashed.tenant_content,
        closings_known.is_closed_for_all::varchar
    ) as fingerprint,
from closings_known
left join tenants_hashed on closings_known.tenant_id = tenants_hashed.tenant_id
