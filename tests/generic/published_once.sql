{# PRC-05 lets the update published last win. Of two published on one day none is the last: which of them is
   charged would hang on their ids. `only` leaves out what was withdrawn. Fails with the rows of such a day. #}
{% test published_once(model, keys, published_on, only) %}
select *
from {{ model }}
where {{ only }}
qualify count(*) over (partition by {{ keys | join(', ') }}, {{ published_on }}) > 1
{% endtest %}
