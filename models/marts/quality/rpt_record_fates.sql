-- GEN-05: every raw row in exactly one bucket; per source the counts add up to the receipts.
-- Grain: source x tenant x month x meter x fate x reason. Tenant or month is empty if it is not known.
with usage_fates as (
    select * from {{ ref('int_gen_05__usage_fates') }}
),

repeats as (
    select * from {{ ref('int_gen_05__repeats_counted') }}
),

supporting as (
    select * from {{ ref('int_gen_05__supporting_records_counted') }}
),

quarantine as (
    select * from {{ source('raw', 'quarantine') }}
),

fates_united as (
    select
        source, tenant_id, billing_month, meter, fate, reason, record_count, quantity,
    from usage_fates
    union all
    select
        source, tenant_id, billing_month, '' as meter, fate, reason, record_count,
        0::bigint as quantity,
    from repeats
    union all
    select
        source, tenant_id, billing_month, '' as meter, fate, reason, record_count,
        0::bigint as quantity,
    from supporting
    union all
    select
        source,
        cast(null as varchar) as tenant_id,
        cast(null as date) as billing_month,
        '' as meter,
        'quarantined' as fate,
        'malformed_row' as reason,
        count(*)::bigint as record_count,
        0::bigint as quantity,
    from quarantine
    group by source
)

select
    source,
    coalesce(tenant_id, '') as tenant_id,
    billing_month,
    meter,
    fate,
    coalesce(reason, '') as reason,
    sum(record_count)::bigint as record_count,
    sum(quantity)::bigint as quantity,
from fates_united
group by source, coalesce(tenant_id, ''), billing_month, meter, fate, coalesce(reason, '')
having sum(record_count) > 0 or sum(quantity) != 0
