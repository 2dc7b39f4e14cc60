{# STO-01: whether a snapshot's meter is one that is measured. Defined only here, so that every snapshot is either
   measured or held (GEN-05). #}
{% macro is_storage_meter(meter) %}{{ meter }} in ('data', 'attachment'){% endmacro %}
