-- PRC-03: the word price of each tenant's term: the version published before the renewal day.
-- Grain: tenant x currency x interval. A new tenant takes the version in force at its start. A term that began
-- before the first version of its currency takes the first. Before any term, and for tenants without a
-- subscription, the published price applies.
with renewals as (
    select * from {{ ref('int_prc_06__term_renewals') }}
),

versions as (
    select * from {{ ref('int_prc_01__updates_effective') }}
    where notice_rule = 'at_renewal'
),

versions_published as (
    select
        *,
        min(published_on) over (partition by currency_code) as first_published_on,
    from {{ ref('int_prc_01__updates_dated') }}
    where
        notice_rule = 'at_renewal'
        and (withdrawn_on is null or withdrawn_on >= published_on)
),

tenants as (
    select tenant_id from {{ ref('int_gen_08__tenant_currencies') }}
),

term_versions as (
    select
        renewals.tenant_id,
        versions.currency_code,
        renewals.holds_from as segment_from,
        renewals.holds_until as segment_until,
        versions.update_id as price_id,
        versions.unit_price,
    from renewals
    inner join versions_published as versions
        on
            (
                versions.published_on < renewals.term_from
                or (
                    renewals.renewal_number = 0
                    and versions.published_on <= renewals.term_from
                )
                or versions.published_on = versions.first_published_on
            )
            and (
                versions.withdrawn_on is null
                or versions.withdrawn_on >= renewals.term_from
            )
    qualify
        row_number() over (
            partition by renewals.tenant_id, renewals.holds_from, versions.currency_code
            order by versions.published_on desc, versions.update_id desc
        ) = 1
),

first_terms as (
    select tenant_id, min(holds_from) as first_term_from
    from renewals
    group by tenant_id
),

before_any_term as (
    select
        tenants.tenant_id,
        versions.currency_code,
        cast(versions.effective_from as timestamp) as segment_from,
        least(
            coalesce(versions.effective_until, timestamp '9999-12-31'),
            coalesce(first_terms.first_term_from, timestamp '9999-12-31')
        ) as segment_until,
        versions.price_id,
        versions.unit_price,
    from tenants
    cross join versions
    left join first_terms on tenants.tenant_id = first_terms.tenant_id
    where
        first_terms.first_term_from is null
        or versions.effective_from < first_terms.first_term_from
)

select * from term_versions
union all
select * from before_any_term
