{# A statement true of every row, given as SQL; fails with the rows it is not true of. #}
{% test expression_holds(model, expression) %}
select * from {{ model }} where not coalesce({{ expression }}, false)
{% endtest %}
