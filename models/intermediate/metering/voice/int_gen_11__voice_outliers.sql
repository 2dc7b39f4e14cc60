-- GEN-11: months in which a tenant's Voice minutes are far outside its own history. The terms
-- say "excessive" and give no figure: factor, floor and history needed are settings.
-- Grain: tenant x month. Rating never changes; somebody should look.
with usage as (
    select * from {{ ref('int_gen_06__usage_to_price') }} where meter = 'voice_minute'
),

settings as (
    select
        max(case when setting = 'voice_outlier_factor' then setting_value end)::bigint
            as outlier_factor,
        max(case when setting = 'voice_outlier_minutes' then setting_value end)::bigint
            as outlier_minutes,
        max(case when setting = 'voice_outlier_months' then setting_value end)::bigint
            as outlier_months,
    from {{ ref('int_gen_06__settings_effective') }}
    where effective_until is null
),

tenant_months as (
    select tenant_id, billing_month, sum(quantity)::bigint as minutes
    from usage
    group by tenant_id, billing_month
),

histories as (
    select
        *,
        count(*) over before_it as months_before,
        coalesce(sum(minutes) over before_it, 0)::bigint as minutes_before,
    from tenant_months
    window before_it as (
        partition by tenant_id order by billing_month
        rows between unbounded preceding and 1 preceding
    )
)

select
    histories.tenant_id,
    histories.billing_month,
    histories.minutes,
    (histories.minutes_before // histories.months_before)::bigint as usual_minutes,
from histories
cross join settings
where
    histories.months_before >= settings.outlier_months
    and histories.minutes >= settings.outlier_minutes
    -- Above the factor times the mean, without a division: no figure is rounded.
    and histories.minutes * histories.months_before
    > settings.outlier_factor * histories.minutes_before
