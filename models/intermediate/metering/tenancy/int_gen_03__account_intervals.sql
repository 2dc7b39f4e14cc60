-- GEN-03: which tenant an upstream account belongs to, and from when until when.
-- Grain: system x account x interval. Trap: overlapping rows would bill one event twice,
-- so an interval ends where the account's next one begins. Kinds are compared in small letters
-- (GEN-04).
with account_map as (
    select * from {{ ref('int_gen_02__account_map_states') }} where is_current
),

intervals_closed as (
    select
        account_system,
        account_id,
        tenant_id,
        lower(trim(account_kind)) as account_kind,
        valid_from,
        nullif(
            least(
                coalesce(valid_to, timestamp '9999-12-31'),
                lead(valid_from, 1, timestamp '9999-12-31') over (
                    partition by account_system, account_id
                    order by valid_from, tenant_id
                )
            ),
            timestamp '9999-12-31'
        ) as valid_to,
    from account_map
)

select * from intervals_closed
where valid_to is null or valid_to > valid_from
