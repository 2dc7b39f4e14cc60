-- The clause register: each rule of the contract, paraphrased, and where it is computed; and each clause of
-- the contract that computes nothing.
-- Grain: clause. The contract's other clauses are reached through their rules (seed contract_clauses).
with rules as (
    select * from {{ ref('clauses') }}
),

contract_clauses as (
    select * from {{ ref('contract_clauses') }} where kind = 'informational'
)

select
    clause_id,
    section,
    kind,
    paraphrase,
    computed_in,
    in_force_from,
from rules
union all
select
    contract_clause_id as clause_id,
    section,
    kind,
    paraphrase,
    cast(null as varchar) as computed_in,
    in_force_from,
from contract_clauses
