-- GEN-03: which tenant an upstream account belongs to, from when until when, and who pays its vendor.
-- Grain: system x account x stretch of time. Note: an account may change hands, so join on the instant as well.
select
    account_system,
    account_id,
    tenant_id,
    account_kind,
    valid_from,
    valid_to,
from {{ ref('int_gen_03__account_intervals') }}
