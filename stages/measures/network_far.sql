-- The other pairs of cities that have partners, the smaller code first, and whether three links of the knowledge network join them (METHODS 1.6).
with places as (
    select distinct city, year from co_patent_links
),
apart as (
    select here.city, there.city as partner, here.year
    from places as here
    join places as there on there.year = here.year and there.city > here.city
    left join network_near on network_near.city = here.city and network_near.partner = there.city and network_near.year = here.year
    where network_near.city is null
)
select apart.city, apart.partner, apart.year, max(case when network_near.city is not null then 1 else 0 end) = 1 as three_links
from apart
join co_patent_links as link on link.city = apart.city and link.year = apart.year
left join network_near
    on network_near.year = apart.year
    and network_near.city = least(link.partner, apart.partner)
    and network_near.partner = greatest(link.partner, apart.partner)
group by apart.city, apart.partner, apart.year
