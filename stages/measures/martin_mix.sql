-- Resilience against a counterfactual by technology (METHODS 1.1, shift-share): E = Σ gₛ Pₛ₋₁ lets every section of the IPC grow as
-- it does in the whole sample. What a city grew more than the sample is then in two parts: `mix`, for being in sections that
-- grow, and `competitive`, for growing more than its sections. Both are shares of |g P₋₁| and add up to the Martin ratio.
with places as (
    select city, year, cast(patents as double) as patents, cast(lag_by(patents, year) over (partition by city) as double) as patents_before
    from city_patents
),
sections as (
    select year, section, cast(sum(patents) as double) as total from city_sections group by year, section
),
-- A section without a patent in a year has no row there: its growth is then -1, and nothing of it is expected.
section_growth as (
    select before.year + 1 as year, before.section, coalesce(now_year.total, 0.0) / nullif(before.total, 0.0) - 1.0 as growth
    from sections as before
    left join sections as now_year on now_year.section = before.section and now_year.year = before.year + 1
),
expected as (
    select city_sections.city, section_growth.year, sum(section_growth.growth * cast(city_sections.patents as double)) as expected_change
    from city_sections
    join section_growth on section_growth.section = city_sections.section and section_growth.year = city_sections.year + 1
    group by city_sections.city, section_growth.year
),
national as (
    select year, sum(patents) / nullif(sum(patents_before), 0.0) - 1.0 as national_growth
    from places
    where patents_before is not null
    group by year
),
changes as (
    select
        places.city,
        places.year,
        places.patents_before,
        places.patents - places.patents_before as change,
        case when places.patents_before > 0.0 then expected.expected_change end as expected_change,
        national.national_growth * places.patents_before as national_change,
        national.national_growth
    from places
    left join expected on expected.city = places.city and expected.year = places.year
    left join national on national.year = places.year
    where places.year between ${first_year} and ${last_year}
)
select
    city,
    year,
    expected_change,
    case
        when abs(expected_change) >= ${min_growth} * patents_before then (change - expected_change) / nullif(abs(expected_change), 0.0)
    end as martin_mix_raw,
    case when abs(national_growth) >= ${min_growth} then (expected_change - national_change) / nullif(abs(national_change), 0.0) end as mix_effect,
    case when abs(national_growth) >= ${min_growth} then (change - expected_change) / nullif(abs(national_change), 0.0) end as competitive_effect,
    (change - expected_change) / nullif(patents_before, 0.0) as growth_gap_mix,
    case
        when patents_before is null then 'BEFORE_SERIES_START'
        when patents_before = 0.0 then 'ZERO_DENOM'
        when abs(expected_change) < ${min_growth} * patents_before then 'BASE_NEAR_ZERO'
    end as null_code
from changes
