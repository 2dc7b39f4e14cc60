-- PRC-06: every subscription term of a tenant, with renewals counted from the original start.
-- Grain: tenant x term. Note: counting from the last renewal would let 31 January drift to
-- the 28th for good. An Order's renewal date moves only the next renewal. Rows of zero
-- length, such as withdrawn ones, renew nothing.
with subscriptions as (
    select * from {{ ref('int_gen_02__subscriptions_states') }}
    where is_current and term_months > 0 and {{ ever_in_force('valid_from', 'valid_to') }}
),

overrides as (
    select * from {{ ref('int_gen_06__order_terms') }}
    where
        rejection is null
        and override_field = 'renewal_date'
        and {{ ever_in_force('valid_from', 'valid_to') }}
),

contracts as (
    select distinct tenant_id, term_start from subscriptions
),

contracts_ended as (
    select
        *,
        lead(term_start, 1, date '2036-01-01') over (
            partition by tenant_id order by term_start
        ) as next_term_start,
    from contracts
),

-- A later row with the same start counts from its own beginning; earlier renewals stand.
lengths as (
    select
        tenant_id,
        term_start,
        term_months,
        lag(valid_from) over (
            partition by tenant_id, term_start order by valid_from
        ) is null as is_first_length,
        valid_from as counts_from,
        lead(valid_from) over (
            partition by tenant_id, term_start order by valid_from
        ) as counts_until,
    from subscriptions
),

days_counted as (
    select
        contracts_ended.tenant_id,
        steps.step,
        cast(
            contracts_ended.term_start
            + to_months(cast(lengths.term_months * steps.step as integer)) as date
        ) as counted_from,
        contracts_ended.next_term_start,
        lengths.is_first_length,
        lengths.counts_from,
        lengths.counts_until,
    from contracts_ended
    inner join lengths
        on
            contracts_ended.tenant_id = lengths.tenant_id
            and contracts_ended.term_start = lengths.term_start
    cross join (select unnest(range(0, 400)) as step) as steps
),

terms_counted as (
    select tenant_id, step, counted_from, next_term_start
    from days_counted
    where
        counted_from < next_term_start
        and (is_first_length or counted_from >= counts_from)
        and (counts_until is null or counted_from < counts_until)
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

-- If two Orders name a date for one renewal, the one that took effect last decides.
renewals_moved as (
    select * from renewals_named
    qualify
        row_number() over (
            partition by tenant_id, counted_from
            order by valid_from desc, order_id desc, moved_to desc
        ) = 1
),

-- A renewal moved onto the day of another is one renewal; a contract's start remains its start. A renewal
-- moved to a day on which another contract is in force never takes place.
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
    where
        terms_counted.counted_from < date '2036-01-01'
        and coalesce(renewals_moved.moved_to, terms_counted.counted_from)
        < terms_counted.next_term_start
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
