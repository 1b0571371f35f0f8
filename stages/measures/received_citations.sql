-- Citations that a city's patents receive, one row per citing patent, cited patent and city on either side. Patents with
-- applicants in m cities count 1/m in each; citations more than ${citation_window} years old are left out, so that early and late
-- patents have the same time to be cited. The year is that of the citing patent's grant.
select
    citations.patent,
    citations.cited,
    citing_city.city as citing_city,
    cited_city.city,
    citations.year,
    cited_patent.year as cited_year,
    coalesce(substr(cited_patent.subclass, 1, 1), 'design') as section,
    citing_city.share * cited_city.share as weight
from citations
join patent_places as cited_patent on cited_patent.patent = citations.cited
join patent_cities as cited_city on cited_city.patent = citations.cited
join patent_cities as citing_city on citing_city.patent = citations.patent
where citations.year - cited_patent.year between 0 and ${citation_window}
