-- Patents by city, section of the IPC and year. Designs have no IPC class and are a section of their own, so that
-- the sections of a city add up to its patents.
select
    city,
    year,
    coalesce(substr(subclass, 1, 1), 'design') as section,
    count(*) as patents
from patent_places
where in_study
group by city, year, coalesce(substr(subclass, 1, 1), 'design')
