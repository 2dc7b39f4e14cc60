-- KIQ-03: which definition a tenant is invoiced by, where its Order says so; elsewhere the
-- price book's setting, kiq_01 by default.
-- Grain: tenant x interval.
with overrides as (
    select * from {{ ref('int_gen_02__order_overrides_states') }} where is_current
)

select
    tenant_id,
    override_value as kiq_basis,
    valid_from,
    least(
        coalesce(valid_to, timestamp '9999-12-31'),
        lead(valid_from, 1, timestamp '9999-12-31') over (
            partition by tenant_id order by valid_from, order_id
        )
    ) as valid_to,
from overrides
where
    meter = 'kiq_conversation'
    and override_field = 'kiq_basis'
    and override_value in ('kiq_01', 'kiq_03')
