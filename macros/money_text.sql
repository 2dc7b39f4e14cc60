{# An exact amount as a sentence shows it: no zeros after the second decimal. #}
{% macro money_text(amount) %}regexp_replace({{ amount }}::varchar, '(\.\d\d\d*?)0+$', '\1'){% endmacro %}
