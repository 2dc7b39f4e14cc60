{# GEN-03 and GEN-04, one home: what the account map says of a record before its meter is asked.
   Expects the columns tenant_id and account_kind; `otherwise` is the meter's own answer. A kind nobody
   knows is never billed: it waits. #}
{% macro account_fate(otherwise) %}
case
    when tenant_id is null then 'quarantined'
    when account_kind = 'third_party' then 'excluded'
    when account_kind != 'platform' then 'quarantined'
    else {{ otherwise }}
end
{%- endmacro %}

{% macro account_reason(otherwise) %}
case
    when tenant_id is null then 'unmapped_account'
    when account_kind = 'third_party' then 'third_party_service'
    when account_kind != 'platform' then 'unknown_account_kind'
    else {{ otherwise }}
end
{%- endmacro %}
