-- NUM-02: which numbers of a month are included: the earliest added, one by default.
-- Grain: tenant x number x month. Ties go to the lowest number. An Order may include more: the one in force
-- on the 1st, or when the number is first added, if later (GEN-06).
with number_months as (
    select
        *,
        greatest(added_at, cast(billing_month as timestamp)) as decided_at,
    from {{ ref('int_num_01__number_months') }}
),

overrides as (
    select * from {{ ref('int_gen_06__order_terms') }}
    where
        rejection is null
        and meter = 'phone_number'
        and override_field = 'included_quantity'
),

overrides_matched as (
    select
        number_months.*,
        coalesce(cast(overrides.override_value as bigint), 1) as included_quantity,
    from number_months
    left join overrides
        on
            number_months.tenant_id = overrides.tenant_id
            and {{ in_force('number_months.decided_at', 'overrides.valid_from', 'overrides.valid_to') }}
    qualify
        row_number() over (
            partition by
                number_months.tenant_id,
                number_months.phone_number,
                number_months.billing_month
            order by overrides.valid_from desc, overrides.order_id desc
        ) = 1
)

select
    * exclude (decided_at),
    row_number() over (
        partition by tenant_id, billing_month order by added_at, phone_number
    ) <= included_quantity as is_included,
from overrides_matched
