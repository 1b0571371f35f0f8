-- Alternatives to citations received (METHODS 2): `diffusion_rate` (2.2) is the share of citations received that comes from other
-- cities; `normalised_citations` (2.1) divides each citation by the mean number that patents of the same section and year
-- of grant receive; `co_patents` (2.4) counts patents with applicants in another city too.
with totals as (
    select
        city,
        year,
        sum(case when citing_city <> city then weight else 0.0 end) as from_others,
        sum(weight) as from_all
    from received_citations
    group by city, year
),
-- Of all patents of a section and year of grant: citations received per patent.
cohorts as (
    select
        coalesce(substr(subclass, 1, 1), 'design') as section,
        year,
        cast(count(*) as double) as patents
    from patent_places
    where in_study
    group by coalesce(substr(subclass, 1, 1), 'design'), year
),
cited as (
    select section, cited_year as year, sum(weight) as weight from received_citations group by section, cited_year
),
means as (
    select cohorts.section, cohorts.year, cited.weight / nullif(cohorts.patents, 0.0) as mean_citations
    from cohorts
    join cited on cited.section = cohorts.section and cited.year = cohorts.year
),
normalised as (
    select received_citations.city, received_citations.year, sum(received_citations.weight / nullif(means.mean_citations, 0.0)) as citations
    from received_citations
    join means on means.section = received_citations.section and means.year = received_citations.cited_year
    where received_citations.citing_city <> received_citations.city
    group by received_citations.city, received_citations.year
)
select
    city_years.city,
    city_years.year,
    totals.from_others / nullif(totals.from_all, 0.0) as diffusion_rate,
    case when totals.from_all is null then 'ZERO_DENOM' end as diffusion_rate_null_code,
    ln(1.0 + coalesce(normalised.citations, 0.0)) as normalised_citations,
    case when city_patents.joint_patents is not null then ln(1.0 + cast(city_patents.joint_patents as double)) end as co_patents
from city_years
left join totals on totals.city = city_years.city and totals.year = city_years.year
left join normalised on normalised.city = city_years.city and normalised.year = city_years.year
left join city_patents on city_patents.city = city_years.city and city_patents.year = city_years.year
