-- Patents by city and year, from the first year of the files on. With `patents_at: address` a patent counts where its first applicant is,
-- with `applicants` in the city of every applicant, by the shares of `patent_cities`. A city-year without a row in the files counts zero.
with years as (
    select distinct year from patent_cities
),
weighted as (
    select
        city,
        year,
        kind,
        n_cities,
        case when '${patents_at}' = 'applicants' then share when at_address then 1.0 else 0.0 end as weight
    from patent_cities
    where in_study
),
counts as (
    select
        city,
        year,
        sum(weight) as patents,
        sum(case when kind = '发明' then weight else 0.0 end) as inventions,
        sum(case when kind = '实用新型' then weight else 0.0 end) as utility_models,
        sum(case when kind = '外观设计' then weight else 0.0 end) as designs,
        sum(case when n_cities > 1 then weight else 0.0 end) as joint_patents
    from weighted
    group by city, year
)
select
    cities.code as city,
    years.year,
    coalesce(counts.patents, 0.0) as patents,
    coalesce(counts.inventions, 0.0) as inventions,
    coalesce(counts.utility_models, 0.0) as utility_models,
    coalesce(counts.designs, 0.0) as designs,
    coalesce(counts.joint_patents, 0.0) as joint_patents,
    '${patents_at}' as patents_at,
    '${counting}' as counting
from cities
cross join years
left join counts on counts.city = cities.code and counts.year = years.year
where cities.in_study
