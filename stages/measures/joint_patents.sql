-- The cities of patents with several applicants, one row per patent and city: those of `patent_cities` before shares. Cities outside the
-- study count too. The first applicant's city is that of the address; that of any other applicant is the one whose name begins its name.
with named as (
    select patent, city, true as at_address, year, kind, subclass from patent_places where n_applicants > 1
    union all
    select patent_applicants.patent, applicants.city, false, null, null, null
    from applicants
    join patent_applicants on patent_applicants.applicant = applicants.applicant
    where patent_applicants.place > 1 and applicants.city is not null
),
joint as (
    select
        patent,
        city,
        bool_or(at_address) as at_address,
        max(year) as year,
        max(kind) as kind,
        max(subclass) as subclass
    from named
    group by patent, city
),
-- Year, kind and subclass stand in the address's row alone, which is there even where the address has no city. A window would hold all
-- these rows in memory; groups can go to disk.
cities_of as (
    select
        patent,
        count(city) as n_cities,
        max(year) as year,
        max(kind) as kind,
        max(subclass) as subclass
    from joint
    group by patent
)
select
    joint.patent,
    joint.city,
    joint.at_address,
    cities_of.n_cities,
    cities_of.year,
    cities_of.kind,
    cities_of.subclass,
    cities.in_study
from cities_of
join joint on joint.patent = cities_of.patent
join cities on cities.code = joint.city
