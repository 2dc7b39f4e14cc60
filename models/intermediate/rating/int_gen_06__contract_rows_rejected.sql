-- GEN-06, GEN-10, STO-03, WAP-05, PRC-06: contract data that cannot be applied, and what to do about it.
-- Grain: Order term, storage purchase or subscription. None of it decides an amount: a term or purchase has
-- no effect, an unknown plan blocks the tenant's months, a term of zero length renews nothing.
with terms as (
    select * from {{ ref('int_gen_06__order_terms') }} where rejection is not null
),

purchases as (
    select * from {{ ref('int_gen_02__storage_purchases_states') }} where is_current
),

subscriptions as (
    select * from {{ ref('int_gen_02__subscriptions_states') }} where is_current
),

-- Which plans there are is not dated, as what they include is (PRC-04).
plans as (
    select distinct plan_id from {{ ref('plans') }}
),

plans_listed as (
    select string_agg(plan_id, ', ' order by plan_id) as known_plans from plans
)

select
    'order_term_rejected' as finding,
    'order_overrides' as source,
    override_field as field,
    tenant_id,
    meter,
    nullif(price_key, '') as price_key,
    rejection as reason,
    'Correct the Order term ' || order_id || '; until then it has no effect.' as remedy,
from terms
union all
select
    'purchase_rejected' as finding,
    'storage_purchases' as source,
    'meter' as field,
    tenant_id,
    meter,
    null as price_key,
    'there is no storage meter ' || meter as reason,
    'Deliver it for data or attachment; until then it raises no limit.' as remedy,
from purchases
where
    meter not in ('data', 'attachment', 'data_storage', 'attachment_storage')
union all
select
    'unknown_plan' as finding,
    'subscriptions' as source,
    'plan_id' as field,
    subscriptions.tenant_id,
    null as meter,
    null as price_key,
    'there is no plan ' || subscriptions.plan_id || '; known plans: '
    || plans_listed.known_plans as reason,
    'Correct the subscription''s plan, or add it with its limits and pool to seeds/terms.'
        as remedy,
from subscriptions
cross join plans_listed
where subscriptions.plan_id not in (select plans.plan_id from plans)
union all
select
    'term_of_no_length' as finding,
    'subscriptions' as source,
    'term_months' as field,
    tenant_id,
    null as meter,
    null as price_key,
    'the term from ' || term_start::varchar || ' has 0 months' as reason,
    'Deliver the subscription with the length of its term; until then, words keep the price of '
        || 'the term before.' as remedy,
from subscriptions
where term_months = 0
