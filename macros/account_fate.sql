{# GEN-03 and GEN-04, one home: what the account map says of a record before its meter is asked.
   Expects the columns tenant_id and account_kind; `otherwise` is the meter's own answer. #}
{% macro account_fate(otherwise) %}
case
    when tenant_id is null then 'quarantined'
    when account_kind = 'third_party' then 'excluded'
    else {{ otherwise }}
end
{%- endmacro %}

{% macro account_reason(otherwise) %}
case
    when tenant_id is null then 'unmapped_account'
    when account_kind = 'third_party' then 'third_party_service'
    else {{ otherwise }}
end
{%- endmacro %}
