-- GEN-06: where a vendor's total is another than what landed for the same time, and what to do about it.
-- Grain: vendor x account x tenant x category x kind of period x month. What a vendor counted and nobody delivered is
-- billed to nobody: from a limit on it holds the close until somebody signs.
with compared as (
    select * from {{ ref('int_gen_06__vendor_totals_compared') }}
    where differing_count > 0
),

hold_limits as (
    select max(limit_value) filter (where hold = 'vendor_counted_more_percent') as percent,
    from {{ ref('hold_limits') }}
),

differences as (
    select
        source,
        account_id,
        tenant_id,
        billing_month,
        category,
        period_kind,
        meter,
        sum(vendor_quantity_compared) as vendor_quantity,
        sum(landed_quantity) as landed_quantity,
        sum(differing_count)::bigint as differing_count,
        min(first_differs_at) as first_differs_at,
    from compared
    group by all
)

select
    case
        when differences.vendor_quantity > differences.landed_quantity
            and (differences.vendor_quantity - differences.landed_quantity) * 100
            >= differences.landed_quantity * hold_limits.percent
            then 'warning'
        else 'info'
    end as severity,
    differences.source,
    differences.tenant_id,
    differences.billing_month,
    differences.meter,
    differences.category,
    differences.category || ' of account ' || differences.account_id || ' by the '
    || differences.period_kind || ': the vendor counted '
    || {{ quantity_text('differences.vendor_quantity') }} || ', '
    || {{ quantity_text('differences.landed_quantity') }} || ' landed, first otherwise on '
    || cast(differences.first_differs_at as date)::varchar as reason,
    case
        when differences.vendor_quantity > differences.landed_quantity
            then 'Pull or land the records of these days again: what never landed is billed to nobody.'
        else 'Pull the vendor''s totals of these days again; if they stay, ask the vendor.'
    end as remedy,
    differences.differing_count,
from differences
cross join hold_limits
