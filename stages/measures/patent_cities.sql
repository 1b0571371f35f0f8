-- The cities of a patent's applicants, each with its share. The first applicant's city is that of the address;
-- a second applicant's city is the one whose name begins the applicant's name.
with partners as (
    select patent, split_part(applicants, ';', 2) as partner
    from patent_places
    where strpos(applicants, ';') > 0
),
short_names as (
    select names.name, min(names.code) as code
    from names
    join cities on cities.code = names.code
    where cities.in_study and strpos(names.name, '市') = 0
    group by names.name
),
pairs as (
    select patent, city from patent_places where in_study
    union
    select partners.patent, short_names.code as city
    from partners
    join short_names on starts_with(partners.partner, short_names.name)
)
select
    pairs.patent,
    pairs.city,
    1.0 / cast(count(*) over (partition by pairs.patent) as double) as share
from pairs
