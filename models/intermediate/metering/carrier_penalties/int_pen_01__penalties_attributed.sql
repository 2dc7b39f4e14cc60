-- PEN-01: every fine, the tenant that had the number when the rule was broken, and the key times in its
-- history: first disputed, first upheld after that, finally overturned.
-- Grain: notice. Note: the time of the violation determines the tenant, the posting determines the month. The
-- state that overturns a fine may say 0, which is not the amount billed (PEN-02).
with states as (
    select
        *,
        {{ canonical_row_hash([
            'notice_id', 'phone_number', 'amount', 'currency_code', 'violated_at', 'posted_at',
            'status', 'status_at', 'updated_at',
        ]) }} as content_hash,
    from {{ ref('int_gen_02__carrier_penalties_states') }}
),

ranks as (
    select * from {{ ref('statuses') }} where record_type = 'penalty'
),

intervals as (
    select * from {{ ref('int_num_01__number_intervals') }}
),

disputes as (
    select
        notice_id,
        min(status_at) filter (where status in ('contested', 'overturned')) as disputed_at,
        max(status_at) filter (where status not in ('contested', 'overturned'))
            as last_standing_at,
    from states
    group by notice_id
),

histories as (
    select
        states.notice_id,
        disputes.disputed_at,
        min(states.status_at) filter (
            where states.status = 'upheld' and states.status_at >= disputes.disputed_at
        ) as upheld_at,
        min(states.status_at) filter (
            where
            states.status = 'overturned'
            and states.status_at >= coalesce(disputes.last_standing_at, states.status_at)
        ) as overturned_at,
    from states
    inner join disputes on states.notice_id = disputes.notice_id
    group by states.notice_id, disputes.disputed_at
),

-- PEN-02: the bill of an overturned fine stays at the amount of its newest state
-- before it was overturned (GEN-02).
last_billed as (
    select
        states.notice_id,
        states.amount,
        states.currency_code,
    from states
    inner join histories on states.notice_id = histories.notice_id
    left join ranks on states.status = ranks.status
    where states.status != 'overturned' and states.status_at <= histories.overturned_at
    qualify
        row_number() over (
            partition by states.notice_id
            order by
                states.status_at desc, coalesce(ranks.status_rank, -1) desc,
                states.content_hash desc
        ) = 1
)

select
    states.record_key,
    states.notice_id,
    states.phone_number,
    coalesce(last_billed.amount, states.amount) as amount,
    upper(coalesce(last_billed.currency_code, states.currency_code)) as currency_code,
    states.status,
    states.violated_at,
    states.posted_at,
    histories.disputed_at,
    histories.upheld_at,
    histories.overturned_at,
    intervals.tenant_id,
from states
inner join histories on states.notice_id = histories.notice_id
left join last_billed
    on
        states.notice_id = last_billed.notice_id
        and states.status in ('contested', 'overturned')
left join intervals
    on
        {{ written_as_e164('states.phone_number') }} = intervals.phone_number
        and {{ in_force('states.violated_at', 'intervals.added_at', 'intervals.removed_at') }}
where states.is_current
qualify
    row_number() over (
        partition by states.notice_id
        order by intervals.added_at desc nulls last, intervals.tenant_id
    ) = 1
