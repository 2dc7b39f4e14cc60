{# WAP-05: for each tenant and month of `tenant_months`, the subscription last in force in the month. Of several rows,
   the one that lasts longest into the month counts; of two that last equally long, the one that began last. A row of
   zero length was never in force. Defined only here, for the pools and for reporting which plan a month was on. Reads
   `subscriptions`, a common table expression of current states. #}
{% macro subscription_of_month(tenant_months) -%}
    select
        {{ tenant_months }}.tenant_id,
        {{ tenant_months }}.billing_month,
        subscriptions.plan_id,
        subscriptions.full_time_licences,
        subscriptions.term_start,
        subscriptions.term_months,
        {{ in_force_at_month_end('subscriptions.valid_from', 'subscriptions.valid_to', tenant_months ~ '.billing_month') }}
            as is_in_force_at_month_end,
    from {{ tenant_months }}
    inner join subscriptions
        on
            {{ tenant_months }}.tenant_id = subscriptions.tenant_id
            and {{ overlaps_month('subscriptions.valid_from', 'subscriptions.valid_to', tenant_months ~ '.billing_month') }}
    qualify
        row_number() over (
            partition by {{ tenant_months }}.tenant_id, {{ tenant_months }}.billing_month
            order by
                least(
                    coalesce(subscriptions.valid_to, timestamp '9999-12-31'),
                    {{ next_month(tenant_months ~ '.billing_month') }}
                ) desc,
                subscriptions.valid_from desc,
                subscriptions.plan_id
        ) = 1
{%- endmacro %}
