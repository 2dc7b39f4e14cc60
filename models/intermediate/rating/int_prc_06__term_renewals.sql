-- PRC-06: every subscription term of a tenant, with renewals counted from the original start, and the time
-- in which it is in force.
-- Grain: tenant x stretch of a term. Note: time belongs to the contract (term start) of the row in force, so a
-- row that ended or was replaced renews nothing; where no row is in force, the last contract goes on until a
-- newer one starts. Counting from the last renewal would let 31 January drift to the 28th for good. An Order's
-- renewal date moves only the next renewal. Rows of zero length, such as withdrawn ones, renew nothing.
with subscriptions as (
    select * from {{ ref('int_gen_02__subscriptions_states') }}
    where is_current and term_months > 0 and {{ ever_in_force('valid_from', 'valid_to') }}
),

overrides as (
    select *, try_cast(override_value as date) as moved_to
    from {{ ref('int_gen_06__order_terms') }}
    where
        rejection is null
        and override_field = 'renewal_date'
        and {{ ever_in_force('valid_from', 'valid_to') }}
),

-- A term begins at 00:00 of its first day, also if its row begins before that day or in the course of it.
subscriptions_begun as (
    select
        tenant_id,
        term_start,
        term_months,
        valid_from,
        valid_to,
        case
            when valid_from >= cast(term_start + 1 as timestamp) then valid_from
            else cast(term_start as timestamp)
        end as begins_at,
    from subscriptions
),

rows_holding as (
    select * from subscriptions_begun where {{ ever_in_force('begins_at', 'valid_to') }}
),

contracts_by_moment as (
    {{ in_force_by_moment('rows_holding', ['tenant_id'], 'term_start') }}
),

-- A new contract may have started while no row was in force: then it holds from its start, although its row
-- begins later. One that is older than the last contract comes back only with its row.
contracts_begun as (
    select
        tenant_id,
        term_start,
        case
            when
                lag(term_start) over (partition by tenant_id order by moment) is null
                and term_start > coalesce(
                    last_value(term_start ignore nulls) over (
                        partition by tenant_id
                        order by moment
                        rows between unbounded preceding and 1 preceding
                    ),
                    date '0001-01-01'
                )
                then greatest(
                    cast(term_start as timestamp),
                    coalesce(
                        lag(moment) over (partition by tenant_id order by moment),
                        timestamp '0001-01-01'
                    )
                )
            else moment
        end as holds_from,
    from contracts_by_moment
),

-- Without a row in force the contract before goes on; so does a contract whose next row has its start.
contracts_changed as (
    select * from contracts_begun
    where term_start is not null
    qualify
        lag(term_start) over (
            partition by tenant_id order by holds_from
        ) is distinct from term_start
),

contracts_in_force as (
    select
        *,
        lead(holds_from) over (
            partition by tenant_id order by holds_from
        ) as holds_until,
    from contracts_changed
),

lengths_by_moment as (
    {{ in_force_by_moment('rows_holding', ['tenant_id', 'term_start'], 'term_months') }}
),

-- Another length of a contract counts from its own beginning; earlier renewals stand.
lengths as (
    select
        tenant_id,
        term_start,
        term_months,
        lag(moment) over (
            partition by tenant_id, term_start order by moment
        ) is null as is_first_length,
        moment as counts_from,
        lead(moment) over (
            partition by tenant_id, term_start order by moment
        ) as counts_until,
    from lengths_by_moment
    where term_months is not null
),

days_counted as (
    select
        lengths.*,
        steps.step,
        cast(
            lengths.term_start
            + to_months(cast(lengths.term_months * steps.step as integer)) as date
        ) as counted_from,
    from lengths
    cross join (select unnest(range(0, 400)) as step) as steps
),

terms_counted as (
    select
        tenant_id,
        term_start,
        step,
        counted_from,
        lead(counted_from, 1, date '9999-12-31') over (
            partition by tenant_id, term_start order by counted_from
        ) as counted_until,
    from days_counted
    where
        counted_from < date '2036-01-01'
        and (is_first_length or counted_from >= counts_from)
        and (counts_until is null or counted_from < counts_until)
),

-- A renewal comes if its contract is in force before the next one: on its day, or when it comes back later.
renewals_coming as (
    select
        terms_counted.*,
        greatest(terms_counted.counted_from, contracts_in_force.holds_from) as comes_at,
    from terms_counted
    inner join contracts_in_force
        on
            terms_counted.tenant_id = contracts_in_force.tenant_id
            and terms_counted.term_start = contracts_in_force.term_start
            and {{ overlaps('contracts_in_force.holds_from', 'contracts_in_force.holds_until', 'terms_counted.counted_from', 'terms_counted.counted_until') }}
    where terms_counted.step > 0
),

-- A date before a contract's start names none of its renewals.
renewals_named as (
    select
        overrides.tenant_id,
        overrides.order_id,
        overrides.valid_from,
        overrides.moved_to,
        renewals_coming.term_start,
        renewals_coming.counted_from,
    from overrides
    inner join renewals_coming
        on
            overrides.tenant_id = renewals_coming.tenant_id
            and renewals_coming.counted_from > cast(overrides.valid_from as date)
            and renewals_coming.term_start <= overrides.moved_to
    qualify
        row_number() over (
            partition by
                overrides.tenant_id, overrides.order_id, overrides.valid_from,
                overrides.moved_to
            order by renewals_coming.counted_from, renewals_coming.comes_at
        ) = 1
),

-- If two Orders name a date for one renewal, the one that took effect last decides.
renewals_moved as (
    select * from renewals_named
    qualify
        row_number() over (
            partition by tenant_id, term_start, counted_from
            order by valid_from desc, order_id desc, moved_to desc
        ) = 1
),

-- A renewal moved onto the day of another is one renewal; a contract's start remains its start.
terms_moved as (
    select
        terms_counted.tenant_id,
        terms_counted.term_start,
        coalesce(renewals_moved.moved_to, terms_counted.counted_from) as term_from,
        min(terms_counted.step) as renewal_number,
    from terms_counted
    left join renewals_moved
        on
            terms_counted.tenant_id = renewals_moved.tenant_id
            and terms_counted.term_start = renewals_moved.term_start
            and terms_counted.counted_from = renewals_moved.counted_from
    group by
        terms_counted.tenant_id,
        terms_counted.term_start,
        coalesce(renewals_moved.moved_to, terms_counted.counted_from)
),

terms_ended as (
    select
        *,
        lead(term_from, 1, date '9999-12-31') over (
            partition by tenant_id, term_start order by term_from
        ) as term_until,
    from terms_moved
),

-- A contract that comes into force holds at its newest renewal. One moved to a day on which another contract is
-- in force never takes place, unless its own comes back.
terms_in_force as (
    select
        terms_ended.tenant_id,
        terms_ended.renewal_number,
        terms_ended.term_from,
        greatest(
            cast(terms_ended.term_from as timestamp), contracts_in_force.holds_from
        ) as holds_from,
    from terms_ended
    inner join contracts_in_force
        on
            terms_ended.tenant_id = contracts_in_force.tenant_id
            and terms_ended.term_start = contracts_in_force.term_start
            and {{ overlaps('contracts_in_force.holds_from', 'contracts_in_force.holds_until', 'terms_ended.term_from', 'terms_ended.term_until') }}
)

select
    *,
    lead(holds_from) over (partition by tenant_id order by holds_from) as holds_until,
from terms_in_force
