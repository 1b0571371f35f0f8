-- The cities of a patent's applicants, each with its share: 1/m where there are m cities and `counting` is `fractional`, 1 where it is `full`.
-- The first applicant's city is that of the address; that of any other applicant is the one whose name begins the applicant's name.
-- Cities outside the study count in m. Few patents have several applicants: only these are grouped, in `joint_patents`.
with placed as (
    select patent, city, at_address, n_cities, year, kind, subclass, in_study from joint_patents
    union all
    select patent, city, true, 1, year, kind, subclass, in_study from patent_places where n_applicants <= 1 and city is not null
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
    placed.in_study
from placed
