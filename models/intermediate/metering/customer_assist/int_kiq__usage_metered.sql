-- KIQ-01..04: every conversation with messages, what it is counted as and in which month.
-- Grain: target conversation. Its messages share its fate (raw_rows), so none is lost.
{{ config(materialized='view', post_hook='{{ touch_months_of_conversations() }}') }}

{{ kiq_usage() }}
