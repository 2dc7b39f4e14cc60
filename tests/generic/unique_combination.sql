{# The grain a model promises: no two rows share these columns. Fails with the repeated keys. Counted by
   hash first, which a large model has in half the time; only rows whose hashes agree are compared. #}
{% test unique_combination(model, columns) %}
select {{ columns | join(', ') }}, count(*) as row_count
from {{ model }}
where {{ row_hash(columns) }} in (
    select {{ row_hash(columns) }} from {{ model }}
    group by {{ row_hash(columns) }}
    having count(*) > 1
)
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}
