-- Stock of granted inventions with a yearly loss of ${stock_loss}: K = Σ (1 - loss)^age · inventions, since the first year of the files.
select
    now_year.city,
    now_year.year,
    sum(cast(past.inventions as double) * power(1.0 - ${stock_loss}, cast(now_year.year - past.year as double))) as stock
from city_patents as now_year
join city_patents as past on past.city = now_year.city and past.year <= now_year.year
where now_year.year between ${first_year} and ${last_year}
group by now_year.city, now_year.year
