-- The treatment under the rules of METHODS 8.2: `${pilot_rule}` and `${first_year_rule}`.
--   strict        whole prefectures are treated; prefectures with only districts or counties listed are not in the sample
--   strict_keep   the same, but those prefectures stay as controls
--   broad         any listed unit treats its prefecture
-- A city listed again keeps its earliest year; treatment never ends.
with listed as (
    select
        city,
        min(case when level = 'a' then first_year end) as whole_year,
        min(first_year) as any_year
    from pilot_cities
    where in_study
    group by city
),
coded as (
    select
        city_years.city,
        city_years.year,
        case when '${pilot_rule}' = 'broad' then listed.any_year else listed.whole_year end as first_year,
        listed.whole_year is null and listed.any_year is not null as only_partial
    from city_years
    left join listed on listed.city = city_years.city
)
select
    city,
    year,
    first_year,
    case when first_year is not null and year >= first_year then 1 else 0 end as smart,
    case when first_year is not null then year - first_year end as event_time,
    only_partial,
    not ('${pilot_rule}' = 'strict' and only_partial) as in_sample,
    '${pilot_rule}' as pilot_rule,
    '${first_year_rule}' as first_year_rule
from coded
