-- The index of digital finance (METHODS 3.3), in hundreds: an alternative to informatization that shortens the sample, since it begins
-- only with its first year.
with span as (
    select min(year) as first_year from digital_finance
)
select
    city_years.city,
    city_years.year,
    digital_finance.digital_finance / 100.0 as digital_finance,
    case
        when city_years.year < span.first_year then 'BEFORE_SERIES_START'
        when digital_finance.digital_finance is null then 'MISSING_INPUT'
    end as null_code
from city_years
cross join span
left join digital_finance on digital_finance.city = city_years.city and digital_finance.year = city_years.year
