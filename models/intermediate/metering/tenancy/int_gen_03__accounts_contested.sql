-- GEN-03: accounts that rows of one beginning and one update time give to several tenants: nothing says which is
-- meant (GEN-02), and the greatest tenant id is billed.
-- Grain: system x account x beginning.
with account_map as (
    select
        account_system,
        account_id,
        tenant_id,
        valid_from,
        updated_at,
    from {{ ref('int_gen_02__account_map_states') }}
    where is_current and {{ ever_in_force('valid_from', 'valid_to') }}
),

newest as (
    select *
    from account_map
    qualify
        rank() over (
            partition by account_system, account_id, valid_from order by updated_at desc nulls last
        ) = 1
)

select
    account_system,
    account_id,
    valid_from,
    max(tenant_id) as tenant_id,
    account_system || ' account ' || account_id || ' is given to '
    || string_agg(tenant_id, ', ' order by tenant_id) || ' from ' || strftime(valid_from, '%Y-%m-%d %H:%M:%S')
    || ' on by rows updated at the same time; ' || max(tenant_id) || ' is billed' as reason,
from newest
group by account_system, account_id, valid_from
having count(*) > 1
