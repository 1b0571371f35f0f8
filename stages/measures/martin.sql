-- Martin-type relative resilience (METHODS 1.1, k = 1): growth of a city's patents against what the growth of all cities of the
-- sample would have given it. A year in which national growth is below ${min_growth} has no ratio: its denominator is noise.
with lagged as (
    select
        city,
        year,
        patents,
        lag_by(patents, year) over (partition by city) as patents_before
    from city_patents
),
national as (
    select year, cast(sum(patents) as double) as total from city_patents group by year
),
national_growth as (
    select
        year,
        total / nullif(lag_by(total, year) over (), 0.0) - 1.0 as national_growth
    from national
),
rates as (
    select
        lagged.city,
        lagged.year,
        lagged.patents,
        lagged.patents_before,
        cast(lagged.patents as double) / nullif(cast(lagged.patents_before as double), 0.0) - 1.0 as growth,
        national_growth.national_growth
    from lagged
    join national_growth on national_growth.year = lagged.year
    where lagged.year between ${first_year} and ${last_year}
),
ratios as (
    select
        city,
        year,
        growth,
        national_growth,
        growth - national_growth as growth_gap,
        case when abs(national_growth) >= ${min_growth} then (growth - national_growth) / nullif(abs(national_growth), 0.0) end as ratio,
        case
            when patents_before is null then 'BEFORE_SERIES_START'
            when patents_before = 0 then 'ZERO_DENOM'
            when abs(national_growth) < ${min_growth} then 'BASE_NEAR_ZERO'
        end as null_code
    from rates
)
select
    city,
    year,
    growth,
    national_growth,
    growth_gap,
    ratio as martin_raw,
    winsorize(ratio, ${winsor_percent} / 100.0) over () as resilience_martin,
    null_code
from ratios
