-- The city of every patent, that of the first applicant's address; see `locality_cities` for how it is found. The table with few rows stands
-- first in every join here: that side is held in memory, and patents pass by.
with localities as (
    select
        locality_cities.place,
        locality_cities.prefix,
        locality_cities.year,
        locality_cities.city,
        coalesce(locality_cities.name, cities.name) as name,
        locality_cities.placed_by,
        coalesce(cities.in_study, false) as in_study,
        case
            when locality_cities.city is null then locality_cities.reason
            when cities.code is null then 'not in the table of cities'
            when not cities.in_study then 'not in the study: ' || cities.excluded_because
        end as reason
    from locality_cities
    left join cities on cities.code = locality_cities.city
)
select
    patent_records.patent,
    patent_records.year,
    patent_records.kind,
    patent_records.subclass,
    patent_records.subclasses,
    patent_records.applicant,
    patent_records.n_applicants,
    coalesce(localities.name, '(' || substr(patent_records.place, 1, 4) || ')') as place,
    localities.city,
    localities.in_study,
    localities.placed_by,
    localities.reason
from localities
right join patent_records
    on patent_records.place = localities.place
    and patent_records.prefix = localities.prefix
    and patent_records.filed = localities.year
