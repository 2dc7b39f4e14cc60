{# GEN-01, which month: the UTC calendar month an instant falls in, as its first day.
   The one home of month truncation; date_trunc gives a timestamp in some engines. #}
{% macro billing_month(instant) %}cast(date_trunc('month', {{ instant }}) as date){% endmacro %}

{# First instant of the month after `month` (a first day): the half-open end of a billing month. #}
{% macro next_month(month) %}cast({{ month }} + interval 1 month as date){% endmacro %}

{# Whether `instant` lies in one of `months` (first days as text): what billing_month says of it, said of the
   instant itself. The engine takes such a filter below a join, and one on a month worked out of the instant not: one
   month of 24 with 5 million records each took 6 s, every conversation of history joined for it, and takes 1 s.
   Months that follow each other are one stretch of time, which the engine compares with a file's or row group's
   earliest and latest: said one by one, two months of 10 million records took 0.2 s more.
   Records without an instant are filed under 1970. #}
{% macro in_months_of(instant, months) -%}
{%- set stretches = [] -%}
{%- for month in months | sort -%}
{%- set number = month[:4] | int * 12 + month[5:7] | int -%}
{%- if stretches and stretches[-1].number + 1 == number -%}
{%- do stretches[-1].update(last=month, number=number) -%}
{%- else -%}
{%- do stretches.append({'first': month, 'last': month, 'number': number}) -%}
{%- endif -%}
{%- endfor -%}
(
    false
    {%- for stretch in stretches %}
    or ({{ instant }} >= timestamp '{{ stretch.first }}' and {{ instant }} < timestamp '{{ stretch.last }}' + interval 1 month)
    {%- endfor %}
    {%- if '1970-01-01' in months %} or {{ instant }} is null{% endif %}
)
{%- endmacro %}
