{# Keys that occur more than once among `rows`, searched among those whose hash satisfies `keys`. #}
{% macro keys_found_twice(relation, listed, hashed, rows='true', keys='true') -%}
select {{ listed }}, count(*) as row_count
from {{ relation }}
where {{ rows }} and {{ hashed }} in (
    select {{ hashed }} from {{ relation }} where {{ rows }} and {{ keys }} group by {{ hashed }} having count(*) > 1
)
group by {{ listed }}
having count(*) > 1
{%- endmacro %}
