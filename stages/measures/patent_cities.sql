-- The cities of a patent's applicants, each with its share: 1/m where there are m cities and `counting` is `fractional`, 1 where it is `full`.
-- The first applicant's city is that of the address; that of any other applicant is the one whose name begins the applicant's name.
-- Cities outside the study count in m. Few patents have several applicants: only these are grouped.
with addresses as (
    select patent, city, n_applicants from patent_places where city is not null
),
named as (
    select patent, city, true as at_address from addresses where n_applicants > 1
    union all
    select patent_applicants.patent, applicants.city, false
    from applicants
    join patent_applicants on patent_applicants.applicant = applicants.applicant
    where patent_applicants.place > 1 and applicants.city is not null
),
joint as (
    select patent, city, bool_or(at_address) as at_address from named group by patent, city
),
counted as (
    select patent, city, at_address, count(*) over (partition by patent) as n_cities from joint
),
placed as (
    select
        counted.patent,
        counted.city,
        counted.at_address,
        counted.n_cities,
        patent_places.year,
        patent_places.kind,
        patent_places.subclass
    from counted
    join patent_places on patent_places.patent = counted.patent
    where patent_places.n_applicants > 1
    union all
    select patent, city, true, 1, year, kind, subclass from patent_places where n_applicants <= 1 and city is not null
)
select
    placed.patent,
    placed.city,
    placed.year,
    placed.kind,
    coalesce(left(placed.subclass, ${citation_class}), placed.kind) as class,
    placed.at_address,
    placed.n_cities,
    case when '${counting}' = 'full' then 1.0 else 1.0 / cast(placed.n_cities as double) end as share,
    cities.in_study
from cities
join placed on placed.city = cities.code
