{# GEN-03, GEN-04: what the account map decides about a record before its meter is considered. Defined only here.
   Expects the columns tenant_id and account_kind; `otherwise` is the meter's own result. A record of an account of
   unknown kind is held, never billed. #}
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
