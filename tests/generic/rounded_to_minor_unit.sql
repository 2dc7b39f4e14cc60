{# GEN-07 without the rounding itself: a billed amount is within half a minor unit of the rated
   one, and is a whole number of minor units. `only` picks the rows it is true of. Fails with the
   rows that are not. #}
{% test rounded_to_minor_unit(model, rated, billed, currency, only) %}
select amounts.*
from (
    select
        model_rows.*,
        case currencies.minor_unit when 0 then 1 when 2 then 100 when 3 then 1000 end
            as minor_units
    from {{ model }} as model_rows
    left join {{ ref('currencies') }} as currencies
        on model_rows.{{ currency }} = currencies.currency_code
    where {{ only }}
) as amounts
where
    not coalesce(abs({{ rated }} - {{ billed }}) * 2 * minor_units <= 1, false)
    or {{ billed }} * minor_units != floor({{ billed }} * minor_units)
{% endtest %}
