{# GEN-01, which month: the UTC calendar month an instant falls in, as its first day.
   The one home of month truncation; date_trunc gives a timestamp in some engines. #}
{% macro billing_month(instant) %}cast(date_trunc('month', {{ instant }}) as date){% endmacro %}

{# First instant of the month after `month` (a first day): the half-open end of a billing month. #}
{% macro next_month(month) %}cast({{ month }} + interval 1 month as date){% endmacro %}
