{# The grain a model promises: no two rows share these columns. Fails with the repeated keys. Counted by
   hash first, which a large model has in half the time; only rows whose hashes agree are compared.
   A large model that is added to says what is new in it, and then only what is new is looked for in all of it: by
   `kept_hash`, a hash of the columns it keeps, and `changed_batch`, the load its row was last written for. Or
   `touched`, the source whose touched months are all that is written again.
   A view says `stored`, whose rows it shows but for those of keys that `apart_from` lists: there its new keys are
   looked for in all of history, by number alone, and the view is looked at in the touched months. That what it shows
   of the keys listed is of no others is for a test of its own. What the view makes of its rows changes with
   the project only, and with that comes a first build, which looks at every row of it.
   A test that failed looks at every row the next time, too: what was new then is not new any more. #}
{% test unique_combination(
    model, columns, kept_hash=none, changed_batch=none, touched=none, stored=none, apart_from=none
) %}
{%- set hashed = kept_hash or row_hash(columns) -%}
{%- set listed = columns | join(', ') -%}
{%- set queries = [] -%}
{%- if changed_batch and builds_upon_another() -%}
{%- set kept = stored or model -%}
{%- set new_keys -%}
{{ hashed }} in (select {{ hashed }} from {{ kept }} where {{ changed_batch }} > {{ metered_batch() }})
{%- if apart_from %} and {{ hashed }} not in (select {{ hashed }} from {{ apart_from }}){% endif -%}
{%- endset -%}
{%- do queries.append(keys_found_twice(kept, listed, hashed, keys=new_keys)) -%}
{%- endif -%}
{%- if touched or not queries -%}
{%- set months = months_touched_since_the_last_build([touched]) if touched else none -%}
{%- set rows = 'true' if months is none else in_months_of('occurred_at', months) -%}
{%- do queries.append(keys_found_twice(model, listed, hashed, rows=rows)) -%}
{%- endif -%}
{{ queries | join('\nunion all\n') }}
{% endtest %}
