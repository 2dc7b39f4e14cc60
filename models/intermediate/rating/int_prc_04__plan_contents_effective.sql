-- PRC-04: what each plan includes, other than pool sizes and storage limits, in force from its publication.
-- Grain: plan x version. A plan without Voice features says so with an empty text, for null is said of a
-- plan nobody knows.
with published as (
    select * from {{ ref('plans') }}
),

dated as (
    select
        plan_id || '|' || published_on::varchar as update_id,
        plan_id,
        plan_name,
        includes_agent_assist,
        coalesce(voice_features, '') as voice_features,
        published_on,
        {{ effective_from("'then_current'", 'published_on', 'null') }} as effective_from,
        cast(null as date) as withdrawn_on,
        source,
    from published
),

intervals_made as (
    {{ effective_intervals('dated', 'plan_id') }}
)

select
    plan_id,
    plan_name,
    includes_agent_assist,
    voice_features,
    published_on,
    effective_from,
    effective_until,
    source,
from intervals_made
