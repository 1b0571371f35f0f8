-- Patents assigned or licensed from a city to others (METHODS 2.3), by the year in which it takes effect. Between firms of one owner
-- nothing spreads: `transfers_between_owners` leaves these out. The demonstration data have no transfers, so no stage reads this
-- file yet; it wants `transfers` with patent, year, from_city, to_city, same_owner.
with counted as (
    select
        from_city as city,
        year,
        count(distinct patent) as transfers,
        count(distinct case when not same_owner then patent end) as between_owners
    from transfers
    where from_city <> to_city
    group by from_city, year
)
select
    city_years.city,
    city_years.year,
    ln(1.0 + cast(coalesce(counted.transfers, 0) as double)) as patent_transfers,
    ln(1.0 + cast(coalesce(counted.between_owners, 0) as double)) as transfers_between_owners
from city_years
left join counted on counted.city = city_years.city and counted.year = city_years.year
