{# PRC-01..04: when a published update starts. Defined only here. `published_on` and `named_effective_on` are dates; a
   rule name is a value of the seed notice_rules. #}
{% macro effective_from(notice_rule, published_on, named_effective_on) %}
case {{ notice_rule }}
    when 'next_full_month_after_30_days'
        then {{ next_month(billing_month(published_on ~ ' + 30')) }}
    when 'next_month'
        then greatest(
            {{ next_month(billing_month(published_on)) }},
            coalesce({{ named_effective_on }}, date '0001-01-01')
        )
    else {{ published_on }}
end
{%- endmacro %}

{# PRC-05 on the CTE `dated`: drops updates withdrawn before their start and updates overtaken by a
   later publication, and ends each price where the next begins. Needs the columns update_id,
   published_on, effective_from and withdrawn_on. #}
{% macro effective_intervals(dated, keys) %}
select
    *,
    lead(effective_from) over (
        partition by {{ keys }} order by effective_from
    ) as effective_until
from (
    select *
    from {{ dated }}
    where withdrawn_on is null or withdrawn_on >= effective_from
    qualify coalesce(
        min(effective_from) over (
            partition by {{ keys }}
            order by published_on, update_id
            rows between 1 following and unbounded following
        ) > effective_from,
        true
    )
)
{%- endmacro %}
