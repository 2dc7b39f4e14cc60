-- GEN-06: where a vendor's total differs from what landed for the same time, and what to do about it.
-- Grain: vendor x account x tenant x category x kind of period x month. Usage that a vendor counted but that
-- never landed is billed to nobody; from a set limit on, it holds the close until someone signs. A tenant's own
-- account gives no finding: it is billed by its vendor (GEN-04). Note: people sign the reason, so it states only
-- what differs.
with compared as (
    select * from {{ ref('int_gen_06__vendor_totals_compared') }}
    where differing_count > 0 and account_kind is distinct from 'third_party'
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
        sum(landed_quantity) as landed_quantity,
        sum(missing_quantity) as missing_quantity,
        sum(differing_vendor_quantity) as differing_vendor_quantity,
        sum(differing_landed_quantity) as differing_landed_quantity,
        sum(differing_count)::bigint as differing_count,
        min(first_differs_at) as first_differs_at,
    from compared
    group by all
)

select
    case
        when differences.missing_quantity > 0
            and differences.missing_quantity * 100
            >= differences.landed_quantity * hold_limits.percent
            then 'warning'
        else 'info'
    end as severity,
    differences.source,
    differences.tenant_id,
    differences.billing_month,
    differences.meter,
    differences.category,
    concat(
        differences.category, ' of account ', differences.account_id, ', by ',
        case differences.period_kind when 'other' then 'other periods' else differences.period_kind end,
        ', where totals differ: the vendor counted ',
        {{ quantity_text('differences.differing_vendor_quantity') }}, ' and ',
        {{ quantity_text('differences.differing_landed_quantity') }}, ' landed, ',
        {{ quantity_text('differences.missing_quantity') }}, ' missing; first difference on ',
        cast(differences.first_differs_at as date)::varchar
    ) as reason,
    case
        when differences.missing_quantity > 0
            then 'Pull or land the records of these days again: what never landed is not billed to anyone.'
        else 'Pull the vendor''s totals of these days again; if they stay the same, ask the vendor.'
    end as remedy,
    differences.differing_count,
from differences
cross join hold_limits
