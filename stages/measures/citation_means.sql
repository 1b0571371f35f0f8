-- How often patents of a class and year are cited on average, whoever cites them and those never cited included: young patents have had
-- less time, and some fields cite more. Classes are the first ${citation_class} characters of the IPC; designs are a class of their own.
with patents_in as (
    select coalesce(left(subclass, ${citation_class}), kind) as class, year, count(*) as n_patents
    from patent_places
    group by coalesce(left(subclass, ${citation_class}), kind), year
),
citations_in as (
    select coalesce(left(cited.subclass, ${citation_class}), cited.kind) as class, cited.year, count(*) as n_citations
    from patent_places as cited
    join citations on citations.cited = cited.patent
    group by coalesce(left(cited.subclass, ${citation_class}), cited.kind), cited.year
)
select
    patents_in.class,
    patents_in.year,
    patents_in.n_patents,
    coalesce(citations_in.n_citations, 0) as n_citations,
    cast(coalesce(citations_in.n_citations, 0) as double) / cast(patents_in.n_patents as double) as mean_citations
from patents_in
left join citations_in on citations_in.class = patents_in.class and citations_in.year = patents_in.year
