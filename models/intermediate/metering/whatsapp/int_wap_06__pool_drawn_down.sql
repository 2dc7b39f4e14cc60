-- WAP-06: what relieves each unit: free at Meta, the pool in opening order, or nothing.
-- Grain: WhatsApp unit. Trap: Meta-free units do not use up the pool, and business-initiated
-- ones never touch it; ties in time go by id, so that the order is always the same.
with units as (
    select * from {{ ref('int_wap_04__units_mapped') }}
),

pools as (
    select * from {{ ref('int_wap_05__pools_granted') }}
),

units_ranked as (
    select
        units.*,
        units.metered_fate = 'countable'
        and units.meter = 'whatsapp_conversation'
        and units.initiated_by = 'user'
        and not units.is_meta_free as draws_on_pool,
        coalesce(pools.pool_quantity, 0) as pool_quantity,
    from units
    left join pools
        on
            units.tenant_id = pools.tenant_id
            and units.billing_month = pools.billing_month
)

select
    * exclude (draws_on_pool, pool_quantity),
    case
        when metered_fate != 'countable' then 'none'
        when is_meta_free then 'meta_free'
        when
            draws_on_pool
            and row_number() over (
                partition by tenant_id, billing_month, draws_on_pool
                order by occurred_at, unit_id, waba_id
            ) <= pool_quantity
            then 'pool'
        else 'none'
    end as relief,
from units_ranked
