-- GEN-03: which tenant an upstream account belongs to, and from when until when.
-- Grain: system x account x stretch between two edges of its intervals. Note: overlapping rows would bill one
-- event twice, so of the intervals in force the one that began last decides; of two that began together, the one
-- the source updated last (GEN-02). An interval of zero length, such as a withdrawn row, is never in force. Kinds
-- are compared in lower case (GEN-04).
with account_map as (
    select
        account_system,
        account_id,
        tenant_id,
        lower(trim(account_kind)) as account_kind,
        valid_from,
        valid_to,
        updated_at,
    from {{ ref('int_gen_02__account_map_states') }}
    where is_current and {{ ever_in_force('valid_from', 'valid_to') }}
),

edges as (
    select account_system, account_id, valid_from as edge_at from account_map
    union
    select account_system, account_id, valid_to as edge_at from account_map
    where valid_to is not null
),

stretches as (
    select
        account_system,
        account_id,
        edge_at as starts_at,
        lead(edge_at) over (
            partition by account_system, account_id order by edge_at
        ) as ends_at,
    from edges
)

select
    stretches.account_system,
    stretches.account_id,
    account_map.tenant_id,
    account_map.account_kind,
    stretches.starts_at as valid_from,
    stretches.ends_at as valid_to,
from stretches
inner join account_map
    on
        stretches.account_system = account_map.account_system
        and stretches.account_id = account_map.account_id
        and {{ in_force('stretches.starts_at', 'account_map.valid_from', 'account_map.valid_to') }}
qualify
    row_number() over (
        partition by stretches.account_system, stretches.account_id, stretches.starts_at
        order by
            account_map.valid_from desc, account_map.updated_at desc nulls last, account_map.tenant_id desc
    ) = 1
