{# The grain a model promises: no two rows share these columns. Fails with the repeated keys. Counted by
   hash first, which a large model has in half the time; only rows whose hashes agree are compared.
   A large model that is added to says what is new in it, and then only what is new is looked for in all of it: by
   `kept_hash`, a hash of the columns it keeps, and `changed_batch`, the load its row was last written for. Or
   `touched`, the source whose touched months are all that is written again. A first build looks at every row. #}
{% test unique_combination(model, columns, kept_hash=none, changed_batch=none, touched=none) %}
{%- set hashed = kept_hash or row_hash(columns) -%}
{%- set listed = columns | join(', ') -%}
{% if changed_batch and builds_upon_another() %}
select {{ listed }}, count(*) as row_count
from {{ model }}
where {{ hashed }} in (select {{ hashed }} from {{ model }} where {{ changed_batch }} > {{ metered_batch() }})
{% else %}
{%- set chosen = in_months(months_touched_since_the_last_build([touched])) if touched else '' %}
select {{ listed }}, count(*) as row_count
from {{ model }}
where {{ hashed }} in (
    select {{ hashed }} from {{ model }}
    where true {{ chosen }}
    group by {{ hashed }}
    having count(*) > 1
) {{ chosen }}
{% endif %}
group by {{ listed }}
having count(*) > 1
{% endtest %}
