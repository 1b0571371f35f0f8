-- Resistance and recovery (METHODS 1.1, period version). A year is one of resistance if patents of the sample shrank
-- (`${resistance_rule}` = contraction), or grew less than their own trend (slowdown: Hodrick-Prescott trend of growth, 6.25); the
-- others are years of recovery. Years in a row of one phase make a period; its growth runs from the year before it to its end.
with national as (
    select year, cast(sum(patents) as double) as total from city_patents group by year
),
growth as (
    select year, total, total / nullif(lag_by(total, year) over (), 0.0) - 1.0 as growth from national
),
trend as (
    select year, total, growth, hp_filter(growth, year, lambda => 6.25) over () as growth_trend from growth where growth is not null
),
phases as (
    select
        year,
        total,
        -- Without a trend, of fewer than five years, it is not known.
        growth < case when '${resistance_rule}' = 'slowdown' then growth_trend else 0.0 end as is_resistance
    from trend
    where year between ${first_year} and ${last_year}
),
turns as (
    select
        year,
        is_resistance,
        case when is_resistance = lag_by(is_resistance, year) over () then 0 else 1 end as turn
    from phases
),
numbered as (
    select year, is_resistance, sum(turn) over (order by year) as period from turns
),
periods as (
    select period, bool_and(is_resistance) as is_resistance, min(year) as start_year, max(year) as end_year
    from numbered
    group by period
),
changes as (
    select
        places.city,
        periods.period,
        case when periods.is_resistance then 'resistance' when not periods.is_resistance then 'recovery' end as phase,
        periods.start_year,
        periods.end_year,
        cast(places.patents as double) / nullif(cast(base.patents as double), 0.0) - 1.0 as growth,
        last_national.total / nullif(first_national.total, 0.0) - 1.0 as national_growth,
        base.patents as patents_before
    from periods
    join city_patents as places on places.year = periods.end_year
    left join city_patents as base on base.city = places.city and base.year = periods.start_year - 1
    join national as last_national on last_national.year = periods.end_year
    left join national as first_national on first_national.year = periods.start_year - 1
)
select
    city,
    period,
    phase,
    start_year,
    end_year,
    growth,
    national_growth,
    growth - national_growth as growth_gap,
    case when abs(national_growth) >= ${min_growth} then (growth - national_growth) / nullif(abs(national_growth), 0.0) end as martin_period,
    case
        when patents_before is null then 'BEFORE_SERIES_START'
        when patents_before = 0 then 'ZERO_DENOM'
        when abs(national_growth) < ${min_growth} then 'BASE_NEAR_ZERO'
    end as null_code
from changes
