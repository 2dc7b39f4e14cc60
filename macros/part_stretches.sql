{# The accepted parts of a source newer than a batch, in stretches of some millions of rows: a large
   load is grouped stretch by stretch, in memory, where the whole would not fit. Figures: 55 million
   messages in one grouping 54 s of CPU and on disk, in stretches 20 s and in memory. #}
{% macro part_stretches(source_name, newer_than) %}
{%- set nothing = {'parts': [0], 'load_batch': 0} -%}
{%- if not execute or flags.WHICH == 'test' -%}{{ return([nothing]) }}{%- endif -%}
{%- set parts = run_query(
    "select part_number, rows_accepted, load_batch from raw.receipts where status = 'accepted' and source = '"
    ~ source_name ~ "' and load_batch > " ~ newer_than ~ " order by part_number"
).rows -%}
{%- set stretches = [] -%}
{%- set filled = namespace(rows=0) -%}
{%- for part in parts -%}
    {%- if not stretches or (filled.rows > 0 and filled.rows + part[1] > 4000000) -%}
        {%- do stretches.append({'parts': [], 'load_batch': 0}) -%}{%- set filled.rows = 0 -%}
    {%- endif -%}
    {%- do stretches[-1].parts.append(part[0]) -%}
    {%- do stretches[-1].update({'load_batch': part[2]}) -%}
    {%- set filled.rows = filled.rows + part[1] -%}
{%- endfor -%}
{{ return(stretches or [{'parts': [-1], 'load_batch': newer_than}]) }}
{% endmacro %}

{# The newest batch taken in, as a literal. #}
{% macro newest_batch() %}
{%- if execute and flags.WHICH != 'test' -%}
{{ run_query('select coalesce(max(load_batch), 0) from raw.receipts').columns[0].values()[0] }}
{%- else -%}0{%- endif -%}
{% endmacro %}

{# KIQ-01: the parts that hold messages of conversations to be read again. #}
{% macro parts_of_conversations_reread() %}
{%- set pieces = ref('int_kiq_01__conversation_pieces') -%}
{%- set reread = ref('int_kiq_01__conversations_reread') -%}
select distinct receipts.part_number
from raw.receipts as receipts
inner join (
    select distinct pieces.first_part, pieces.last_part
    from {{ pieces }} as pieces
    inner join {{ reread }} as members on pieces.conversation_id = members.conversation_id
    {% if is_incremental() %}
    where members.target_conversation_id in (
        select target_conversation_id from {{ reread }} where changed_batch > {{ metered_batch() }}
    )
    {% endif %}
) as held on receipts.part_number between held.first_part and held.last_part
where receipts.source = 'kustomer_messages' and receipts.status = 'accepted'
{% endmacro %}
