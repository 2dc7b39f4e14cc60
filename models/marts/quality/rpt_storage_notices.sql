-- STO-06: tenants over a storage limit, since when, and the number of blocks that would cure it.
-- Grain: tenant x month x meter.
select * from {{ ref('int_sto_06__notices') }}
