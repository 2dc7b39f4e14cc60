-- GEN-03, TRW-04, VOI-05: usage under a plan that does not include the feature, or without a subscription.
-- Grain: tenant x month x meter x reason. It is billed anyway; this only flags it. Note: the plan at the
-- instant of use decides (its segment: int_gen_06__price_boundaries); for numbers and storage, any plan of
-- the month. An unknown plan is different from no subscription; rpt_findings reports it. What a plan includes
-- is what is in force on the month's last day (PRC-04).
with usage as (
    select * from {{ ref('int_gen_06__usage_to_price') }}
),

subscriptions as (
    select * from {{ ref('int_gen_02__subscriptions_states') }} where is_current
),

plan_contents as (
    select * from {{ ref('int_prc_04__plan_contents_effective') }}
),

usage_dated as (
    select *, {{ is_of_the_month('meter') }} as is_of_the_month from usage
),

features as (
    select
        tenant_id,
        billing_month,
        meter,
        case meter
            when 'voice_minute' then 'voice'
            when 'sms_segment' then 'sms'
            when 'mms_message' then 'mms'
            when 'recording_minute' then 'recording'
            when 'transcription_minute' then 'transcription'
        end as voice_feature,
        case when is_of_the_month then cast(billing_month as timestamp) else segment_from end
            as used_from,
        case
            when is_of_the_month then cast({{ next_month('billing_month') }} as timestamp)
            else segment_from + interval 1 microsecond
        end as used_until,
        sum(unit_count)::bigint as record_count,
    from usage_dated
    group by all
),

plans_in_force as (
    select
        features.*,
        subscriptions.plan_id as subscribed_plan_id,
        plan_contents.includes_agent_assist,
        plan_contents.voice_features,
    from features
    left join subscriptions
        on
            features.tenant_id = subscriptions.tenant_id
            and {{ overlaps('subscriptions.valid_from', 'subscriptions.valid_to', 'features.used_from', 'features.used_until') }}
    left join plan_contents
        on
            subscriptions.plan_id = plan_contents.plan_id
            and {{ in_force_at_month_end('plan_contents.effective_from', 'plan_contents.effective_until', 'features.billing_month') }}
    qualify
        row_number() over (
            partition by
                features.tenant_id, features.billing_month, features.meter, features.used_from
            order by subscriptions.valid_from desc nulls last, plan_contents.plan_id
        ) = 1
),

reasons_given as (
    select
        *,
        case
            when subscribed_plan_id is null then 'GEN-03: no subscription was in force'
            when meter = 'translated_word' and not includes_agent_assist
                then 'TRW-04: the plan does not include Agent Assist'
            when
                voice_feature is not null
                and not list_contains(string_split(voice_features, ';'), voice_feature)
                then 'VOI-05: the plan does not include ' || voice_feature
        end as reason,
    from plans_in_force
)

select
    tenant_id,
    billing_month,
    meter,
    reason,
    sum(record_count)::bigint as record_count,
from reasons_given
where reason is not null
group by tenant_id, billing_month, meter, reason
