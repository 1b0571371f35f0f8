-- The treatment in its other readings (METHODS 8.2), beside that of `pilot_status`, so that one run has them all: whole prefectures from the
-- year of the list, of its publication, and the first full year; and any listed unit. `only_partial` marks cities of which only districts or
-- counties are listed: the strict rule leaves them out.
with listed as (
    select
        pilot_names.city,
        min(case when pilots.level = 'a' then pilots.g_designation end) as designation,
        min(case when pilots.level = 'a' then pilots.g_effective end) as effective,
        min(case when pilots.level = 'a' then pilots.g_lagged end) as lagged,
        min(pilots.g_designation) as any_unit
    from pilots
    join pilot_names on pilot_names.printed = pilots.prefecture and pilot_names.year = pilots.g_designation
    where pilot_names.in_study
    group by pilot_names.city
)
select
    city_years.city,
    city_years.year,
    case when city_years.year >= listed.designation then 1 else 0 end as smart_designation,
    case when city_years.year >= listed.effective then 1 else 0 end as smart_effective,
    case when city_years.year >= listed.lagged then 1 else 0 end as smart_lagged,
    case when city_years.year >= listed.any_unit then 1 else 0 end as smart_broad,
    listed.designation is null and listed.any_unit is not null as only_partial
from city_years
left join listed on listed.city = city_years.city
