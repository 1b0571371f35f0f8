-- The market index (METHODS 6.1, b) of a city is that of its province: all cities of a province have the same, as `of_province` says. The series
-- has one base from its first year to its last, and is not continued beyond them.
with span as (
    select min(year) as first_year, max(year) as last_year from market_index
)
select
    city_years.city,
    city_years.year,
    market_index.market_index,
    market_index.market_index is not null as of_province,
    case
        when city_years.year < span.first_year then 'BEFORE_SERIES_START'
        when city_years.year > span.last_year then 'AFTER_SERIES_END'
        when market_index.market_index is null then 'MISSING_INPUT'
    end as null_code
from city_years
cross join span
join cities on cities.code = city_years.city
left join market_index on market_index.province = cities.province and market_index.year = city_years.year
