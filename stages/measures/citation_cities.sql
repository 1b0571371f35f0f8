-- The cities whose patents are cited, one row per citation and city, with the weight of the citation: the city's share in the cited patent
-- and what `citation_rule` makes of it. Late citations are not in the files yet (truncation): `window` counts those at most `citation_window`
-- years old, `normalised` all, each divided by the mean number of citations of the cited patent's class and year.
-- A table of its own, so that two joins of all patents with all citations are never held at once.
select
    citations.patent,
    citations.cited,
    cited.city,
    citations.year,
    cited.share * cited.weight as weight
from (
    select
        patent_cities.patent,
        patent_cities.city,
        patent_cities.year,
        patent_cities.share,
        case when '${citation_rule}' = 'normalised' then 1.0 / nullif(citation_means.mean_citations, 0.0) else 1.0 end as weight
    from citation_means
    join patent_cities on patent_cities.class = citation_means.class and patent_cities.year = citation_means.year
    where patent_cities.in_study and citation_means.n_citations > 0
) as cited
join citations on citations.cited = cited.patent
where '${citation_rule}' = 'normalised' or citations.year - cited.year between 0 and ${citation_window}
