{# How many whole units of `size` are needed to hold `amount`, both integers (VOI-02, TRW-02, STO-04). Integer
   division only: `/` on decimals would give a float. #}
{% macro ceil_div(amount, size) %}(({{ amount }} + {{ size }} - 1) // {{ size }}){% endmacro %}
