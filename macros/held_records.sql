{# The records of one event meter in some months; none means all of them. On top of an earlier build, conversations are
   searched near their months, as their sums are. #}
{% macro event_records_of(source_name, about, months) -%}
{%- if source_name == 'kustomer_messages' and is_incremental() -%}
({{ kiq_usage(months) }})
{%- else -%}
{{ ref(about.model) }}
{%- endif -%}
{%- endmacro %}

{# The touched months of a source in which its sums hold something; none means all months. A month in which nothing is
   held is not read a second time. #}
{% macro months_held(source_name, sums) %}
{%- set touched = months_touched([source_name]) -%}
{%- if not execute or in_unit_test() or not relation_exists(sums) -%}{{ return(touched) }}{%- endif -%}
{%- set held = run_query(
    "select distinct coalesce(billing_month::varchar, '') as m from " ~ sums
    ~ " where source = '" ~ source_name ~ "' and metered_fate = 'quarantined' order by 1"
).columns[0].values() | list -%}
{%- if '' in held -%}{{ return(touched) }}{%- endif -%}
{{ return(held if touched is none else held | select('in', touched) | list) }}
{% endmacro %}

{# The months in which usage of some meters has no price, of those rated again. #}
{% macro months_unrated(prices, meters, changed) %}
{%- if not execute or in_unit_test() or not relation_exists(prices) -%}{{ return(none) }}{%- endif -%}
{{ return(run_query(
    "select distinct billing_month::varchar as m from " ~ prices ~ " where is_unrated and meter in ('"
    ~ meters | join("', '") ~ "')" ~ (" and " ~ changed if changed else "") ~ " order by 1"
).columns[0].values() | list) }}
{% endmacro %}

{# Whether a row's tenant month is rated again, or a record of its month is new: either may replace a record that has
   no price, because a month whose sums stay the same does not move. Empty if everything is recomputed. #}
{% macro is_moved_or_touched() %}
{%- set moved = is_moved() | trim -%}
{%- set months = months_touched(event_records().keys() | list) -%}
{%- if moved and months is not none -%}
({{ moved }} or billing_month in (date '9999-12-01'{{ dates_listed(months) }}))
{%- endif -%}
{% endmacro %}

{% macro forget_moved_or_touched(relation) %}
{% if execute and is_incremental() %}
{%- set changed = is_moved_or_touched() | trim -%}
delete from {{ relation }} {% if changed %}where {{ changed }}{% endif %}
{% else %}select 1{% endif %}
{% endmacro %}

{# What fixes usage without a price. A fine passes through at cost (PEN-01), and no amount is converted (GEN-08). #}
{% macro remedy_of_unrated() -%}
case
    when meter = 'carrier_penalty'
        then 'Have the fine posted in the currency the tenant is billed in.'
    else 'Add a price for this meter, key and currency to the price book.'
end
{%- endmacro %}
