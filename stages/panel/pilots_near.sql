-- Pilots around a city (METHODS 9.15, without a spatial lag): the share of the other cities within 200 kilometres that are treated, and the same of
-- all others by the inverse of their distance. A city that has no other so near has a share of 0, and `n_near` says so.
with pairs as (
    select
        here.city,
        there.city as other,
        haversine_km(here.latitude, here.longitude, there.latitude, there.longitude) as distance
    from coordinates as here
    join coordinates as there on there.city <> here.city
)
select
    pairs.city,
    pilot_status.year,
    sum(case when pairs.distance <= 200.0 then 1 else 0 end) as n_near,
    coalesce(
        sum(case when pairs.distance <= 200.0 then cast(pilot_status.smart as double) else 0.0 end)
            / nullif(cast(sum(case when pairs.distance <= 200.0 then 1 else 0 end) as double), 0.0),
        0.0
    ) as smart_near,
    sum(cast(pilot_status.smart as double) / nullif(pairs.distance, 0.0)) / nullif(sum(1.0 / nullif(pairs.distance, 0.0)), 0.0) as smart_around
from pairs
join pilot_status on pilot_status.city = pairs.other
group by pairs.city, pilot_status.year
