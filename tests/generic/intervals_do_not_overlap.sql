{# Effective intervals of one key follow each other: each ends where the next begins. #}
{% test intervals_do_not_overlap(model, keys, starts, ends) %}
select *
from (
    select
        {{ keys | join(', ') }}, {{ starts }}, {{ ends }},
        lead({{ starts }}) over (
            partition by {{ keys | join(', ') }} order by {{ starts }}
        ) as next_start
    from {{ model }}
)
where
    next_start is not null
    and ({{ ends }} is null or {{ ends }} > next_start or {{ ends }} <= {{ starts }})
{% endtest %}
