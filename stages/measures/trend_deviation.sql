-- Deviation of ln(1 + patents) from its Hodrick-Prescott trend (METHODS 1.4), with 6.25 and with 100. `stability` is less the
-- further a year is off, either way. The trend uses later years: for comparison, not for lags in a causal model.
with series as (
    select
        city,
        year,
        case when patents > -1 then ln(1.0 + cast(patents as double)) end as log_patents
    from city_patents
),
trends as (
    select
        city,
        year,
        log_patents,
        hp_filter(log_patents, year, lambda => 6.25) over (partition by city) as trend,
        hp_filter(log_patents, year, lambda => 100) over (partition by city) as smooth_trend
    from series
)
select
    city,
    year,
    log_patents,
    trend,
    smooth_trend,
    log_patents - trend as trend_deviation,
    -abs(log_patents - trend) as trend_stability,
    -abs(log_patents - smooth_trend) as trend_stability_smooth,
    case when log_patents is null then 'LOG_NONPOS' when trend is null then 'MISSING_INPUT' end as null_code
from trends
where year between ${first_year} and ${last_year}
