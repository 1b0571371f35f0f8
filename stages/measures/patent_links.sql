-- Alternatives to citations: patents handed over to owners in other cities (METHODS 2.3), by the year in which the change takes effect,
-- and patents with applicants in other cities too (2.4). With `intra_group: drop` changes within a group of firms do not count.
-- People have no city in their name, so a patent of persons alone has one city.
with transfers_out as (
    select from_city as city, year, count(*) as n
    from patent_transfers
    where from_city <> to_city and ('${intra_group}' = 'keep' or not same_group)
    group by from_city, year
),
copatents as (
    select city, year, count(*) as n from patent_cities where n_cities > 1 and in_study group by city, year
)
select
    city_years.city,
    city_years.year,
    coalesce(transfers_out.n, 0) as transfers_out,
    ln(1.0 + cast(coalesce(transfers_out.n, 0) as double)) as knowledge_transfers,
    coalesce(copatents.n, 0) as copatents,
    ln(1.0 + cast(coalesce(copatents.n, 0) as double)) as knowledge_copatents,
    '${intra_group}' as intra_group
from city_years
left join transfers_out on transfers_out.city = city_years.city and transfers_out.year = city_years.year
left join copatents on copatents.city = city_years.city and copatents.year = city_years.year
