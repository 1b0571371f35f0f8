-- The knowledge network of a year (METHODS 1.6): hierarchy is the slope of ln(degree) on ln(rank), assortativity the slope of the
-- mean degree of a city's partners on its own. Cities without a partner are no part of it; equal degrees are ranked by code.
with ranked as (
    select
        city,
        year,
        degree,
        neighbour_degree,
        row_number() over (partition by year order by degree desc, city) as place
    from network_places
    where degree > 0
)
select
    year,
    count(*) as cities,
    sum(degree) / 2 as links,
    regr_slope(ln(cast(degree as double)), ln(cast(place as double))) as hierarchy,
    case when min(degree) < max(degree) then regr_slope(neighbour_degree, cast(degree as double)) end as assortativity,
    case when min(degree) = max(degree) then 'ZERO_DENOM' end as assortativity_null_code
from ranked
group by year
