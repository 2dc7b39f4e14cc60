-- GEN-11: months in which a tenant's Voice minutes are far outside its own history. The terms say "excessive"
-- and give no figure, so the factor, the minimum minutes and the history needed are settings.
-- Grain: tenant x month. Rating never changes; someone should review the month.
with usage as (
    select * from {{ ref('int_gen_06__usage_to_price') }} where meter = 'voice_minute'
),

tenant_months as (
    select tenant_id, billing_month, sum(quantity)::bigint as minutes
    from usage
    group by tenant_id, billing_month
),

months as (
    select distinct billing_month from tenant_months
),

settings_effective as (
    select * from {{ ref('int_gen_06__settings_effective') }}
),

settings_of_month as (
    select
        months.billing_month,
        {% for figure in ['factor', 'minutes', 'months'] %}
        max(settings_effective.setting_value)
            filter (where settings_effective.setting = 'voice_outlier_{{ figure }}')::bigint
            as outlier_{{ figure }},
        {% endfor %}
    from months
    inner join settings_effective
        on
            {{ in_force('months.billing_month', 'settings_effective.effective_from', 'settings_effective.effective_until', "date '9999-12-31'") }}
    group by months.billing_month
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
inner join settings_of_month as settings on histories.billing_month = settings.billing_month
where
    histories.months_before >= settings.outlier_months
    and histories.minutes >= settings.outlier_minutes
    -- More than the factor times the mean, without a division, so that nothing is rounded.
    and histories.minutes * histories.months_before
    > settings.outlier_factor * histories.minutes_before
