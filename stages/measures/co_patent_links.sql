-- Links of the knowledge network (METHODS 1.6): two cities that hold a patent together in the three years that end in `year`,
-- once in each direction, with the number of such patents.
with pairs as (
    select
        here.city,
        there.city as partner,
        patent_places.year
    from patent_cities as here
    join patent_cities as there on there.patent = here.patent and there.city <> here.city
    join patent_places on patent_places.patent = here.patent
),
windows as (
    select distinct year from city_years
)
select
    pairs.city,
    pairs.partner,
    windows.year,
    count(*) as patents
from pairs
join windows on pairs.year between windows.year - 2 and windows.year
group by pairs.city, pairs.partner, windows.year
