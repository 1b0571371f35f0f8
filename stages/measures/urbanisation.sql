-- The share of residents who live in towns (METHODS 7, urban), from the yearbooks of provinces. It is a share of residents, not of the registered
-- population that divides everything else.
select
    city_years.city,
    city_years.year,
    residents.urban_residents / nullif(residents.residents, 0.0) as urban_share,
    case
        when residents.urban_residents is null or residents.residents is null then 'MISSING_INPUT'
        when residents.residents = 0.0 then 'ZERO_DENOM'
    end as null_code
from city_years
left join residents on residents.city = city_years.city and residents.year = city_years.year
