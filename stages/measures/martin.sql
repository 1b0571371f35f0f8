-- Martin-type relative resilience (METHODS 1.1, k = 1): growth of a city's patents against what the growth of all cities of the
-- sample would have given it. A year in which national growth is below ${min_growth} has no ratio: its denominator is noise.
with lagged as (
    select
        city,
        year,
        patents,
        lag(patents, 1) over (partition by city order by year) as patents_before
    from city_patents
),
national as (
    select year, cast(sum(patents) as double) as total from city_patents group by year
),
national_growth as (
    select
        year,
        total / nullif(lag(total, 1) over (order by year), 0.0) - 1.0 as national_growth
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
),
ranked as (
    select
        ratio,
        cast(row_number() over (order by ratio, city, year) as double) as place,
        cast(count(*) over () as double) * ${winsor_percent} / 100.0 as tail,
        cast(count(*) over () as double) as total
    from ratios
    where ratio is not null
),
-- The rule of Stata: a whole n*p takes the mean of two neighbours, otherwise the next order statistic counts.
bounds as (
    select
        avg(case when place = floor(tail) + 1.0 or (floor(tail) = tail and place = tail) then ratio end) as low,
        avg(case when place = total - floor(tail) or (floor(tail) = tail and place = total - tail + 1.0) then ratio end) as high
    from ranked
)
select
    ratios.city,
    ratios.year,
    ratios.growth,
    ratios.national_growth,
    ratios.growth_gap,
    ratios.ratio as martin_raw,
    case
        when ratios.ratio < bounds.low then bounds.low
        when ratios.ratio > bounds.high then bounds.high
        else ratios.ratio
    end as resilience_martin,
    ratios.null_code
from ratios
cross join bounds
