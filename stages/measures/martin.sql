-- Martin-type relative resilience (METHODS 1.1, k = 1): growth of a city's patents against what the growth of all cities of the
-- sample would have given it. A year in which national growth is below ${min_growth} has no ratio: its denominator is noise.
-- `growth_gap` and `log_gap` divide by nothing and have a value in every year; after year effects the latter is plain growth.
-- `..._left_out` compares with the sample without the city itself, which matters where a city is a large part of it.
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
        total,
        lag_by(total, year) over () as total_before,
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
        national_growth.national_growth,
        case
            when lagged.patents > 0 and lagged.patents_before > 0 and national_growth.total > 0.0 and national_growth.total_before > 0.0
                then ln(cast(lagged.patents as double) / cast(lagged.patents_before as double)) - ln(national_growth.total / national_growth.total_before)
        end as log_gap,
        (national_growth.total - cast(lagged.patents as double))
            / nullif(national_growth.total_before - cast(lagged.patents_before as double), 0.0) - 1.0 as others_growth
    from lagged
    join national_growth on national_growth.year = lagged.year
    where lagged.year between ${first_year} and ${last_year}
),
codes as (
    select
        *,
        case
            when patents_before is null then 'BEFORE_SERIES_START'
            when patents is null then 'MISSING_INPUT'
            when patents_before < 0 then 'NEG_BASE'
            when patents_before = 0 then 'ZERO_DENOM'
        end as growth_code
    from rates
),
ratios as (
    select
        city,
        year,
        patents,
        growth,
        national_growth,
        others_growth,
        growth - national_growth as growth_gap,
        growth - others_growth as growth_gap_left_out,
        log_gap,
        case when abs(national_growth) >= ${min_growth} then (growth - national_growth) / nullif(abs(national_growth), 0.0) end as ratio,
        case when abs(national_growth) >= ${min_growth} then growth / nullif(national_growth, 0.0) end as sensitivity,
        case when abs(others_growth) >= ${min_growth} then (growth - others_growth) / nullif(abs(others_growth), 0.0) end as ratio_left_out,
        coalesce(growth_code, case when abs(national_growth) < ${min_growth} then 'BASE_NEAR_ZERO' end) as null_code,
        coalesce(growth_code, case when abs(others_growth) < ${min_growth} then 'BASE_NEAR_ZERO' end) as null_code_left_out,
        coalesce(growth_code, case when patents <= 0 then 'LOG_NONPOS' end) as log_null_code
    from codes
)
select
    city,
    year,
    growth,
    national_growth,
    growth_gap,
    ratio as martin_raw,
    winsorize(ratio, ${winsor_percent} / 100.0) over () as resilience_martin,
    null_code,
    sensitivity,
    log_gap,
    log_null_code,
    growth_gap_left_out,
    ratio_left_out as martin_left_out_raw,
    winsorize(ratio_left_out, ${winsor_percent} / 100.0) over () as martin_left_out,
    null_code_left_out
from ratios
