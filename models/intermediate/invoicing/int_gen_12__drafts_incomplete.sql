-- GEN-12: what the tenants extract must still bring before a draft is issued, as findings: an address and a country an
-- e-invoice can name, and a payment method where something is to be paid. An issued invoice keeps what it says.
-- Grain: tenant x draft month x finding. Note: a tenant nobody described has a finding of its own. Note: the name on
-- the invoice is the tenant's where the extract gives none, so it is never missing.
with drafts as (
    select * from {{ ref('int_gen_12__invoices_drafted') }}
),

tenants as (
    select * from {{ ref('int_gen_02__tenants_states') }} where is_current
),

countries as (
    select * from {{ ref('countries') }}
),

judged as (
    select distinct
        drafts.tenant_id,
        drafts.billing_month,
        trim(coalesce(drafts.bill_to_address, '')) = '' as has_no_address,
        drafts.bill_to_country,
        trim(coalesce(drafts.bill_to_country, '')) = '' as has_no_country,
        countries.country_code is not null as is_country_known,
    from drafts
    inner join tenants on drafts.tenant_id = tenants.tenant_id
    left join countries on upper(trim(drafts.bill_to_country)) = countries.country_code
),

addressed as (
    select
        *,
        case when has_no_address then 'bill_to_address is empty' end as address_wrong,
        case
            when has_no_country
                then 'bill_to_country is empty, so there can be no e-invoice'
            when not is_country_known
                then 'bill_to_country ''' || bill_to_country
                    || ''' is not a country of ISO 3166-1, so there can be no e-invoice'
        end as country_wrong,
    from judged
)

select
    'bill_to_incomplete' as finding,
    tenant_id,
    billing_month,
    concat_ws(
        ', ',
        case when address_wrong is not null then 'bill_to_address' end,
        case when country_wrong is not null then 'bill_to_country' end
    ) as field,
    concat_ws('; ', address_wrong, country_wrong) as reason,
    'Deliver the tenant with them before the close: an issued invoice keeps what it says.'
        as remedy,
from addressed
where address_wrong is not null or country_wrong is not null
union all
select distinct
    'payment_method_missing' as finding,
    drafts.tenant_id,
    drafts.billing_month,
    'payment_method_id' as field,
    'payment_method_id is empty, so the invoice names ''default''' as reason,
    'Deliver the tenant with it before the close: an issued invoice keeps what it says.'
        as remedy,
from drafts
inner join tenants on drafts.tenant_id = tenants.tenant_id
where
    drafts.payment_method_id = 'default'
    and tenants.payment_method_id is null
    and drafts.billed_amount > 0
