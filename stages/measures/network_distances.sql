-- Distances in the knowledge network of a year (METHODS 1.6): how many other cities a city reaches in one to five links, and Σ 1/d over them.
-- `network_efficiency` counts the pairs that no such path joins.
with four as (
    select distinct far.city, far.partner, far.year
    from network_far as far
    join co_patent_links as link on link.city = far.city and link.year = far.year
    join network_far as rest
        on rest.year = far.year
        and rest.city = least(link.partner, far.partner)
        and rest.partner = greatest(link.partner, far.partner)
        and rest.three_links
    where not far.three_links
),
five as (
    select distinct far.city, far.partner, far.year
    from network_far as far
    join co_patent_links as link on link.city = far.city and link.year = far.year
    join four as rest
        on rest.year = far.year
        and rest.city = least(link.partner, far.partner)
        and rest.partner = greatest(link.partner, far.partner)
    left join four as known on known.city = far.city and known.partner = far.partner and known.year = far.year
    where not far.three_links and known.city is null
),
pairs as (
    select city, partner, year, distance from network_near
    union all
    select city, partner, year, 3 from network_far where three_links
    union all
    select city, partner, year, 4 from four
    union all
    select city, partner, year, 5 from five
),
distances as (
    select city, year, distance from pairs
    union all
    select partner, year, distance from pairs
)
select city, year, count(*) as reached, sum(1.0 / cast(distance as double)) as closeness, max(distance) as farthest
from distances
group by city, year
