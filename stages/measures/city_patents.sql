-- Patents granted by city and year, from the first year of the files on. A city-year without a row in the files counts zero.
with years as (
    select distinct year from patents
),
joint as (
    select patent, count(*) as n_cities from patent_cities group by patent
),
counts as (
    select
        patent_places.city,
        patent_places.year,
        count(*) as patents,
        sum(case when patent_places.kind = '发明' then 1 else 0 end) as inventions,
        sum(case when joint.n_cities > 1 then 1 else 0 end) as joint_patents
    from patent_places
    left join joint on joint.patent = patent_places.patent
    where patent_places.in_study
    group by patent_places.city, patent_places.year
)
select
    cities.code as city,
    years.year,
    coalesce(counts.patents, 0) as patents,
    coalesce(counts.inventions, 0) as inventions,
    coalesce(counts.joint_patents, 0) as joint_patents
from cities
cross join years
left join counts on counts.city = cities.code and counts.year = years.year
where cities.in_study
