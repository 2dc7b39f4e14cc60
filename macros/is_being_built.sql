{# What dbt is asked for, told apart only here. The product's own runner renders as `dbt run` and `dbt compile` do.

   | asked by                        | in_unit_test | is_being_built | is_incremental of an incremental model |
   | ------------------------------- | ------------ | -------------- | -------------------------------------- |
   | a unit test                     | yes          | no             | no                                     |
   | dbt show                        | no           | no             | no: it shows all the model would hold  |
   | a data test, dbt test or build  | no           | no             | a test is not incremental              |
   | all else                        | no           | yes            | as dbt has it                          |
#}

{# Whether the rows come from a unit test: the build file holds none of them, and the model has no relation. #}
{% macro in_unit_test() %}{{ return(model.resource_type == 'unit_test') }}{% endmacro %}

{# Whether the SQL is that of a build. If not, nothing of what models note for each other during one is there. #}
{% macro is_being_built() %}
{{ return(
    execute and not in_unit_test() and flags.WHICH not in ('test', 'show')
    and not (flags.WHICH == 'build' and model.resource_type == 'test')
) }}
{% endmacro %}

{# Whether models are written, not only looked at, as `dbt compile` and `dbt docs generate` do. #}
{% macro is_writing() %}{{ return(flags.WHICH in ('run', 'build')) }}{% endmacro %}

{# In place of dbt's macro of this name, which fails in a unit test when another macro calls it, and which in `dbt show`
   filters to what a build would add. #}
{% macro is_incremental() %}
{{ return(model.resource_type == 'model' and is_being_built() and dbt.is_incremental()) }}
{% endmacro %}
