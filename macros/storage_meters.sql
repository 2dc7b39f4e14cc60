{# STO-01: whether snapshots of this meter are of one that is measured. One home: what is measured by it and what is
   held back for it must be all there is (GEN-05). #}
{% macro is_storage_meter(meter) %}{{ meter }} in ('data', 'attachment'){% endmacro %}
