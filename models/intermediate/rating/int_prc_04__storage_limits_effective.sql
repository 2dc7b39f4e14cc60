-- PRC-04: the storage limits per plan, each in force from its publication.
-- Grain: plan x meter x version.
with published as (
    select * from {{ ref('plan_storage_limits') }}
),

dated as (
    select
        limit_update_id as update_id,
        plan_id,
        meter,
        base_bytes,
        bytes_per_user,
        published_on,
        published_on as effective_from,
        cast(null as date) as withdrawn_on,
        is_placeholder,
    from published
),

intervals_made as (
    {{ effective_intervals('dated', 'plan_id, meter') }}
)

select
    plan_id,
    meter,
    base_bytes,
    bytes_per_user,
    effective_from,
    effective_until,
    is_placeholder,
from intervals_made
