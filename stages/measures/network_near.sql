-- Pairs of cities, the smaller code first, that one or two links of the knowledge network of a year (METHODS 1.6) join.
with paths as (
    select city, partner, year, 1 as distance from co_patent_links where partner > city
    union all
    select one.city, two.partner, one.year, 2
    from co_patent_links as one
    join co_patent_links as two on two.city = one.partner and two.year = one.year
    where two.partner > one.city
)
select city, partner, year, min(distance) as distance
from paths
group by city, partner, year
