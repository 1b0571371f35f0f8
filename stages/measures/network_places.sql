-- A city in the knowledge network (METHODS 1.6): the number of its partners, and how many these have on average.
with degrees as (
    select city, year, count(*) as degree, sum(patents) as shared_patents
    from co_patent_links
    group by city, year
),
neighbours as (
    select co_patent_links.city, co_patent_links.year, avg(cast(degrees.degree as double)) as neighbour_degree
    from co_patent_links
    join degrees on degrees.city = co_patent_links.partner and degrees.year = co_patent_links.year
    group by co_patent_links.city, co_patent_links.year
)
select
    city_years.city,
    city_years.year,
    coalesce(degrees.degree, 0) as degree,
    coalesce(degrees.shared_patents, 0) as shared_patents,
    neighbours.neighbour_degree,
    case when degrees.degree is null then 'ZERO_DENOM' end as null_code
from city_years
left join degrees on degrees.city = city_years.city and degrees.year = city_years.year
left join neighbours on neighbours.city = city_years.city and neighbours.year = city_years.year
