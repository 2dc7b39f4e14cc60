-- GEN-05: every record of the event meters that its meter or account holds, by its own id and its account, so
-- that it can be found while its month is open.
-- Grain: held record. Only touched months are searched again, and of these only those whose sums hold some.
-- depends_on: {{ ref('int_kiq__usage_metered') }}
-- depends_on: {{ ref('int_kiq_01__exchanges_completed') }}
-- depends_on: {{ ref('int_gen_02__conversations_states') }}
-- depends_on: {{ ref('int_gen_03__account_intervals') }}
-- depends_on: {{ ref('int_kiq_03__conversations_reopened') }}
-- depends_on: {{ ref('int_kiq_03__bases_in_force') }}
-- depends_on: {{ ref('int_gen_06__settings_effective') }}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ forget_touched_months(this, event_records().keys() | list) }}",
) }}

{% set sums = ref('int_gen_05__event_usage_aggregated') %}
{% for source_name, about in event_records().items() %}
{% set months = months_held(source_name, sums) %}
select
    source,
    record_key,
    {{ about.account }} as account_id,
    tenant_id,
    billing_month,
    occurred_at,
    meter,
    quantity::bigint as quantity,
    reason,
    raw_rows::bigint as raw_rows,
from {{ event_records_of(source_name, about, months) }}
where
    metered_fate = 'quarantined'
    {{ in_months(months, none if source_name == 'kustomer_messages' else source_name) }}
{% if not loop.last %}union all{% endif %}
{% endfor %}
