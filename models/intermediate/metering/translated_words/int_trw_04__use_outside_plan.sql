-- TRW-04, VOI-05, GEN-03: usage on a plan that does not include the feature, or on no plan.
-- Grain: tenant x month x meter. It is billed all the same; this only flags it. Trap: a plan
-- nobody knows is not no subscription; rpt_findings names it.
with usage as (
    select * from {{ ref('int_gen_06__usage_to_price') }}
),

subscriptions as (
    select * from {{ ref('int_gen_02__subscriptions_states') }} where is_current
),

plans as (
    select * from {{ ref('plans') }}
),

features as (
    select
        usage.tenant_id,
        usage.billing_month,
        usage.meter,
        sum(usage.unit_count)::bigint as record_count,
        case usage.meter
            when 'voice_minute' then 'voice'
            when 'sms_segment' then 'sms'
            when 'mms_message' then 'mms'
            when 'recording_minute' then 'recording'
            when 'transcription_minute' then 'transcription'
        end as voice_feature,
    from usage
    group by usage.tenant_id, usage.billing_month, usage.meter
),

plans_in_force as (
    select
        features.*,
        subscriptions.plan_id as subscribed_plan_id,
        plans.includes_agent_assist,
        plans.voice_features,
    from features
    left join subscriptions
        on
            features.tenant_id = subscriptions.tenant_id
            and {{ overlaps_month('subscriptions.valid_from', 'subscriptions.valid_to', 'features.billing_month') }}
    left join plans on subscriptions.plan_id = plans.plan_id
    qualify
        row_number() over (
            partition by features.tenant_id, features.billing_month, features.meter
            order by subscriptions.valid_from desc nulls last, plans.plan_id
        ) = 1
)

select
    tenant_id,
    billing_month,
    meter,
    record_count,
    case
        when subscribed_plan_id is null then 'no subscription in force in the month'
        when meter = 'translated_word' then 'TRW-04: the plan does not include Agent Assist'
        else 'VOI-05: the plan does not include ' || voice_feature
    end as reason,
from plans_in_force
where
    subscribed_plan_id is null
    or (meter = 'translated_word' and not includes_agent_assist)
    or (
        voice_feature is not null
        and not list_contains(string_split(voice_features, ';'), voice_feature)
    )
