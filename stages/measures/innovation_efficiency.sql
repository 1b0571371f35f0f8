-- Actual over expected innovation (METHODS 1.3): efficiency is patents per ln(1 + spending on science and technology); the
-- mean efficiency of all other cities in the year before, times a city's own ln(1 + spending), is what it is expected to give.
with efforts as (
    select
        city_patents.city,
        city_patents.year,
        cast(city_patents.patents as double) as patents,
        case when yearbook_clean.science_spending > -1.0 then ln(1.0 + yearbook_clean.science_spending) end as effort
    from city_patents
    join yearbook_clean on yearbook_clean.city = city_patents.city and yearbook_clean.year = city_patents.year
),
efficiencies as (
    select city, year, patents, effort, patents / nullif(effort, 0.0) as efficiency from efforts
),
others as (
    select
        city,
        year,
        patents,
        effort,
        efficiency,
        (sum(efficiency) over (partition by year) - coalesce(efficiency, 0.0))
            / nullif(cast(count(efficiency) over (partition by year) - case when efficiency is null then 0 else 1 end as double), 0.0)
            as others_mean
    from efficiencies
),
expected as (
    select
        city,
        year,
        patents,
        effort,
        efficiency,
        min(year) over (partition by city) as start_year,
        lag_by(others_mean, year) over (partition by city) * effort as expected_patents
    from others
)
select
    city,
    year,
    efficiency,
    expected_patents,
    patents / nullif(expected_patents, 0.0) as actual_to_expected,
    case
        when year = start_year then 'BEFORE_SERIES_START'
        when expected_patents is null or patents is null then 'MISSING_INPUT'
        when expected_patents = 0.0 then 'ZERO_DENOM'
    end as null_code
from expected
