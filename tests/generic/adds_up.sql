{# What the rows named by `only` add up to, per `per`, is what those of another relation add up to; fails with what
   is off, and by how much. #}
{% test adds_up(model, amount, only, per, to, to_amount, to_only) %}
with sides as (
    select {{ per }} as key, {{ amount }} as amount from {{ model }} where {{ only }}
    union all
    select {{ per }} as key, -{{ to_amount }} as amount from {{ to }} where {{ to_only }}
)

select key as {{ per }}, sum(amount) as amount_off
from sides
group by key
having sum(amount) != 0
{% endtest %}
