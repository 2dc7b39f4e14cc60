-- PRC-06: every subscription term of a tenant, renewals counted from the original start.
-- Grain: tenant x term. Trap: counting from the last renewal would let 31 January drift to
-- the 28th for good; an Order's renewal date moves the next renewal only.
with subscriptions as (
    select * from {{ ref('int_gen_02__subscriptions_states') }}
    where is_current and term_months > 0
),

overrides as (
    select * from {{ ref('int_gen_06__order_terms') }}
    where rejection is null and override_field = 'renewal_date'
),

contracts as (
    select distinct tenant_id, term_start, term_months from subscriptions
),

contracts_ended as (
    select
        *,
        lead(term_start, 1, date '2036-01-01') over (
            partition by tenant_id order by term_start, term_months
        ) as next_term_start,
    from contracts
),

terms_counted as (
    select
        contracts_ended.tenant_id,
        contracts_ended.term_start,
        steps.step,
        cast(
            contracts_ended.term_start
            + to_months(cast(contracts_ended.term_months * steps.step as integer)) as date
        ) as counted_from,
    from contracts_ended
    cross join (select unnest(range(0, 400)) as step) as steps
    where
        cast(
            contracts_ended.term_start
            + to_months(cast(contracts_ended.term_months * steps.step as integer)) as date
        ) < contracts_ended.next_term_start
),

renewals_named as (
    select
        terms_counted.tenant_id,
        min(terms_counted.counted_from) as counted_from,
        cast(overrides.override_value as date) as moved_to,
        overrides.valid_from,
        overrides.order_id,
    from overrides
    inner join terms_counted
        on
            overrides.tenant_id = terms_counted.tenant_id
            and terms_counted.step > 0
            and terms_counted.counted_from > cast(overrides.valid_from as date)
    group by
        terms_counted.tenant_id, overrides.order_id, overrides.valid_from,
        overrides.override_value
),

-- Two Orders that name a date for one renewal: the one that took hold last.
renewals_moved as (
    select * from renewals_named
    qualify
        row_number() over (
            partition by tenant_id, counted_from
            order by valid_from desc, order_id desc, moved_to desc
        ) = 1
),

-- A renewal moved onto the day of another is one renewal; a contract's start stays its start.
starts_listed as (
    select
        terms_counted.tenant_id,
        coalesce(renewals_moved.moved_to, terms_counted.counted_from) as term_from,
        min(terms_counted.step) as renewal_number,
    from terms_counted
    left join renewals_moved
        on
            terms_counted.tenant_id = renewals_moved.tenant_id
            and terms_counted.counted_from = renewals_moved.counted_from
    where terms_counted.counted_from < date '2036-01-01'
    group by
        terms_counted.tenant_id,
        coalesce(renewals_moved.moved_to, terms_counted.counted_from)
)

select
    tenant_id,
    renewal_number,
    term_from,
    lead(term_from) over (partition by tenant_id order by term_from) as term_until,
from starts_listed
