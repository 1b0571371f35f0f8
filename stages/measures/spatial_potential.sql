-- Potential and gravity of the knowledge stocks of all other cities (METHODS 2.6): Σ K / d² and Σ Kᵢ K / d², with distances in
-- kilometres on the sphere. Two places at the same point have no distance and no value.
with places as (
    select knowledge_stocks.city, knowledge_stocks.year, knowledge_stocks.stock, coordinates.latitude, coordinates.longitude
    from knowledge_stocks
    join coordinates on coordinates.city = knowledge_stocks.city
),
pairs as (
    select
        here.city,
        here.year,
        here.stock,
        there.stock as other_stock,
        haversine_km(here.latitude, here.longitude, there.latitude, there.longitude) as distance
    from places as here
    join places as there on there.year = here.year and there.city <> here.city
)
select
    city,
    year,
    sum(other_stock / nullif(distance * distance, 0.0)) as spatial_potential,
    sum(stock * other_stock / nullif(distance * distance, 0.0)) as gravity
from pairs
group by city, year
