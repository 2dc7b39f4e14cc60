-- PRC-04: the size of the blocks in which storage is charged, each in force from its publication.
-- Grain: meter x version.
with published as (
    select * from {{ ref('storage_blocks') }}
),

dated as (
    select
        block_update_id as update_id,
        meter,
        block_bytes,
        published_on,
        published_on as effective_from,
        cast(null as date) as withdrawn_on,
        is_placeholder,
    from published
),

intervals_made as (
    {{ effective_intervals('dated', 'meter') }}
)

select
    meter,
    block_bytes,
    effective_from,
    effective_until,
    is_placeholder,
from intervals_made
