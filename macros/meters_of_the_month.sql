{# Whether a meter applies to a month as a whole (NUM-01, STO-02): its units have no instant of use. #}
{% macro is_of_the_month(meter) -%}
{{ meter }} in ('phone_number', 'data_storage', 'attachment_storage')
{%- endmacro %}
