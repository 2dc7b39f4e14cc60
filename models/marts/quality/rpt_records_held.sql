-- GEN-05: every held record, why it is held and what would release it; their counts add up to the quarantined
-- ones of rpt_record_fates.
-- Grain: held record (per meter), or row that could not be read. Tenant or month is empty if it is not known.
with records as (
    select * from {{ ref('int_gen_05__records_held') }}
),

quarantine as (
    select * from {{ source('raw', 'quarantine') }}
)

select
    source,
    record_key::varchar as record_key,
    account_id::varchar as account_id,
    coalesce(tenant_id, '') as tenant_id,
    billing_month,
    occurred_at,
    meter,
    quantity,
    reason,
    case
        when reason = 'unmapped_account'
            then 'Add the account to account_map; the usage is then billed automatically.'
        when reason = 'unknown_account_kind'
            then 'Set the account''s kind in account_map: platform or third_party.'
        when reason = 'unknown_storage_meter'
            then 'Deliver the snapshots with the meter data or attachment.'
        when reason = 'unknown_sender'
            then 'Have the messages delivered again with direction in or out and assistant_type '
                || 'premium, lite or empty.'
        when reason = 'unknown_channel'
            then 'Agree on a price for this channel, or have the source leave it out: the contract '
                || 'prices only SMS and MMS.'
        when reason = 'contested_held' then 'No action: it waits for the decision.'
        when reason = 'unrated' then {{ remedy_of_unrated() }}
        else 'Have the source correct the records and deliver them again.'
    end as remedy,
    raw_rows as record_count,
from records
union all
-- A file may have been delivered twice under one name.
select
    source,
    file_name || ', row ' || row_number::varchar as record_key,
    cast(null as varchar) as account_id,
    '' as tenant_id,
    cast(null as date) as billing_month,
    cast(null as timestamp) as occurred_at,
    '' as meter,
    0::bigint as quantity,
    'malformed_row' as reason,
    min(remedy) as remedy,
    count(*)::bigint as record_count,
from quarantine
group by source, file_name, row_number
