-- Knowledge diffusion with the other rule of truncation (METHODS 2.1), beside that of `diffusion` whatever `citation_rule` is: each citation
-- from another city is divided by the mean number of citations of the cited patent's class and year.
with means as (
    select class, year, mean_citations from citation_means where n_citations > 0
),
received as (
    select
        cited.city,
        citations.year,
        sum(cited.share * citing.share / means.mean_citations) as normalised
    from citations
    join patent_cities as cited on cited.patent = citations.cited and cited.in_study
    join means on means.class = cited.class and means.year = cited.year
    join patent_cities as citing on citing.patent = citations.patent and citing.city <> cited.city
    group by cited.city, citations.year
)
select
    city_years.city,
    city_years.year,
    ln(1.0 + coalesce(received.normalised, 0.0)) as normalised_citations
from city_years
left join received on received.city = city_years.city and received.year = city_years.year
