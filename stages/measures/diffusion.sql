-- Knowledge diffusion (METHODS 2.1): citations that a city's patents receive from other cities' patents, at most
-- ${citation_window} years old. Patents with applicants in m cities count 1/m in each. The year is that of the citing
-- patent's grant, since the files hold grants only; citations by applications still pending are not seen.
with received as (
    select
        cited_city.city,
        citations.year,
        citing_city.share * cited_city.share as weight
    from citations
    join patent_places as cited_patent on cited_patent.patent = citations.cited
    join patent_cities as cited_city on cited_city.patent = citations.cited
    join patent_cities as citing_city on citing_city.patent = citations.patent
    where citing_city.city <> cited_city.city
        and citations.year - cited_patent.year between 0 and ${citation_window}
),
sums as (
    select city, year, sum(weight) as citations_received from received group by city, year
)
select
    city_years.city,
    city_years.year,
    coalesce(sums.citations_received, 0.0) as citations_received,
    ln(1.0 + coalesce(sums.citations_received, 0.0)) as knowledge_diffusion
from city_years
left join sums on sums.city = city_years.city and sums.year = city_years.year
