-- KIQ-03: which definition a tenant is invoiced by if its Order sets one;
-- otherwise the price book's setting applies.
-- Grain: tenant x stretch of time. Note: when an Order ends, an older one still in
-- force applies again, not the price book.
with overrides as (
    select * from {{ ref('int_gen_06__order_terms') }}
    where rejection is null and override_field = 'kiq_basis'
),

edges as (
    select tenant_id, valid_from as starts_at from overrides
    union
    select tenant_id, valid_to as starts_at from overrides where valid_to is not null
),

stretches as (
    select
        tenant_id,
        starts_at,
        lead(starts_at) over (partition by tenant_id order by starts_at) as ends_at,
    from edges
)

select
    stretches.tenant_id,
    overrides.override_value as kiq_basis,
    stretches.starts_at as valid_from,
    stretches.ends_at as valid_to,
from stretches
inner join overrides
    on
        stretches.tenant_id = overrides.tenant_id
        and {{ in_force('stretches.starts_at', 'overrides.valid_from', 'overrides.valid_to') }}
qualify
    row_number() over (
        partition by stretches.tenant_id, stretches.starts_at
        order by overrides.valid_from desc, overrides.order_id desc
    ) = 1
