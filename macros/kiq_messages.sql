{# KIQ-01: which messages of a conversation count, by the message's own channel. One home for the
   pieces and for the conversations read again. #}
{% macro is_customer_message() %}
(
    direction = 'in'
    and coalesce(lower(channel), '') in ('chat', 'whatsapp', 'sms')
)
{%- endmacro %}

{% macro is_premium_reply() %}
(
    direction = 'out'
    and coalesce(assistant_type, '') = 'premium'
    and coalesce(lower(channel), '') in ('chat', 'whatsapp', 'sms')
)
{%- endmacro %}
