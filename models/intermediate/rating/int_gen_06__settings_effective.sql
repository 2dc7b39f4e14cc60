-- GEN-06, PRC-01: switches of the price book with the dates they are in force. A change needs the same notice
-- as usage prices, so that no switch reaches back into a month.
-- Grain: setting x version.
with published as (
    select * from {{ ref('billing_settings') }}
),

dated as (
    select
        setting || '|' || published_on::varchar as update_id,
        setting,
        value,
        published_on,
        {{ effective_from("'next_full_month_after_30_days'", 'published_on', 'null') }}
            as effective_from,
        cast(null as date) as withdrawn_on,
        clause_id,
    from published
),

intervals_made as (
    {{ effective_intervals('dated', 'setting') }}
)

select
    setting,
    value as setting_value,
    published_on,
    effective_from,
    effective_until,
    clause_id,
from intervals_made
