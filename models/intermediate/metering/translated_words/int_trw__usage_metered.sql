-- TRW-01..03: every translation, its source characters and whether they count.
-- Grain: request x target language. Words are computed later (TRW-02), once per tenant, month and price
-- version, never per translation: rounding each one up would bill too much for short texts.
{{ config(materialized='view') }}

with translations as (
    select * from {{ ref('int_gen_02__translations_states') }} where is_current
),

statuses as (
    select * from {{ ref('statuses') }} where record_type = 'translation'
),

accounts as (
    select * from {{ ref('int_gen_03__account_intervals') }}
    where account_system = 'kustomer'
),

tenants_found as (
    select
        translations.*,
        statuses.status is not null as is_known_status,
        accounts.tenant_id,
        accounts.account_kind,
    from translations
    left join statuses on translations.status = statuses.status
    left join accounts
        on
            translations.org_id = accounts.account_id
            and {{ in_force('translations.occurred_at', 'accounts.valid_from', 'accounts.valid_to') }}
),

reasons_given as (
    select
        *,
        case
            -- The status is unknown, so it is unclear whether this was completed; it is held.
            when not is_known_status then 'unknown_status'
            when status != 'completed' then 'not_completed'
            when completed_at is null then 'missing_completed_at'
            -- Language tags arrive as they were sent: en and EN, or EN-us and en-US, are the same language.
            when lower(trim(source_lang)) = lower(trim(target_lang)) then 'same_language'
            when character_count = 0 then 'empty_text'
        end as meter_reason,
    from tenants_found
)

select
    'translations' as source,
    record_key,
    org_id,
    tenant_id,
    coalesce({{ billing_month('occurred_at') }}, date '1970-01-01') as billing_month,
    occurred_at,
    'translated_word' as meter,
    '' as price_key,
    character_count as quantity,
    {{ account_fate("case when meter_reason is null then 'countable'
        when meter_reason in ('unknown_status', 'missing_completed_at') then 'quarantined'
        else 'excluded' end") }} as metered_fate,
    {{ account_reason('meter_reason') }} as reason,
    'none' as relief,
    'TRW-02' as clause_id,
    1::bigint as raw_rows,
    part_number,
from reasons_given
