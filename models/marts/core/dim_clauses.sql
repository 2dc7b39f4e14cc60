-- The clause register: each rule of the contract, paraphrased, and where it is computed.
-- Grain: clause.
select
    clause_id,
    section,
    kind,
    paraphrase,
    computed_in,
    in_force_from,
from {{ ref('clauses') }}
