-- Knowledge diffusion (METHODS 2.1, 2.2): citations that a city's patents receive from patents of other cities, in the year of the citing
-- patent; patents of both sides count by their shares in `patent_cities`. `window_complete` says whether the files begin a whole window
-- before the year. Citing patents without a known city are not seen; where the files hold grants only, nor are applications still pending.
with sums as (
    select
        citation_cities.city,
        citation_cities.year,
        sum(case when citing.city <> citation_cities.city then citation_cities.weight * citing.share else 0.0 end) as citations_received,
        sum(citation_cities.weight * citing.share) as citations_with_own
    from patent_cities as citing
    join citation_cities on citation_cities.patent = citing.patent
    group by citation_cities.city, citation_cities.year
),
first_file as (
    select min(year) as first_year from citation_means
)
select
    city_years.city,
    city_years.year,
    coalesce(sums.citations_received, 0.0) as citations_received,
    coalesce(sums.citations_with_own, 0.0) as citations_with_own,
    ln(1.0 + coalesce(sums.citations_received, 0.0)) as knowledge_diffusion,
    sums.citations_received / nullif(sums.citations_with_own, 0.0) as diffusion_rate,
    case when sums.citations_with_own > 0.0 then null else 'ZERO_DENOM' end as rate_null_code,
    city_years.year - ${citation_window} >= first_file.first_year as window_complete,
    '${citation_rule}' as citation_rule,
    '${counting}' as counting
from city_years
cross join first_file
left join sums on sums.city = city_years.city and sums.year = city_years.year
