-- WAP-08: user-initiated conversations of the message era, rebuilt as 24-hour windows that open with the
-- first business answer to a customer message.
-- Grain: window. Note: a template is not an answer, so business-initiated messages open no window. A window is one
-- tenant's: where a WABA moved, the next tenant's first answer opens another.
{{ config(
    pre_hook="{{ keep_windows_before(this) }}",
    post_hook="{{ touch_months_of_windows_moved(this) }}",
) }}

with recursive events as (
    select * from {{ ref('int_gen_02__whatsapp_events_states') }} where is_current
),

messages as (
    select * from {{ ref('int_wap_04__units_mapped') }}
    where
        meter = 'whatsapp_message'
        and initiated_by = 'user'
        and metered_fate = 'countable'
),

customer_messages as (
    select
        waba_id,
        ltrim(from_party, '+') as customer,
        event_at,
    from events
    where direction = 'in' and from_party is not null
),

answers as (
    select distinct
        messages.waba_id,
        messages.customer,
        messages.tenant_id,
        messages.occurred_at,
    from messages
    inner join customer_messages
        on
            messages.waba_id = customer_messages.waba_id
            and messages.customer = customer_messages.customer
            and messages.occurred_at > customer_messages.event_at
            and messages.occurred_at <= customer_messages.event_at + interval 24 hour
),

windows as (
    select waba_id, customer, tenant_id, min(occurred_at) as opened_at
    from answers
    group by waba_id, customer, tenant_id
    union all
    select windows.waba_id, windows.customer, windows.tenant_id, following.opened_at
    from windows
    inner join lateral (
        select min(answers.occurred_at) as opened_at
        from answers
        where
            answers.waba_id = windows.waba_id
            and answers.customer = windows.customer
            and answers.tenant_id = windows.tenant_id
            and answers.occurred_at >= windows.opened_at + interval 24 hour
    ) as following on following.opened_at is not null
)

select
    waba_id || '|' || customer || '|' || opened_at::varchar as window_id,
    waba_id,
    customer,
    tenant_id,
    opened_at,
    opened_at + interval 24 hour as closes_at,
    {{ billing_month('opened_at') }} as billing_month,
from windows
