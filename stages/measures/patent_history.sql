-- Measures that look back: stock of granted inventions with a yearly loss of ${stock_loss}, and the standard deviation of the
-- last three growth rates of patents.
with stocks as (
    select
        now_year.city,
        now_year.year,
        sum(cast(past.inventions as double) * power(1.0 - ${stock_loss}, cast(now_year.year - past.year as double))) as stock
    from city_patents as now_year
    join city_patents as past on past.city = now_year.city and past.year <= now_year.year
    group by now_year.city, now_year.year
),
lagged as (
    select
        city,
        year,
        cast(patents as double) as p0,
        cast(lag_by(patents, year, 1) over series as double) as p1,
        cast(lag_by(patents, year, 2) over series as double) as p2,
        cast(lag_by(patents, year, 3) over series as double) as p3
    from city_patents
    window series as (partition by city)
),
growth as (
    select
        city,
        year,
        p0 / nullif(p1, 0.0) - 1.0 as g0,
        p1 / nullif(p2, 0.0) - 1.0 as g1,
        p2 / nullif(p3, 0.0) - 1.0 as g2
    from lagged
),
centred as (
    select city, year, g0, g1, g2, (g0 + g1 + g2) / 3.0 as mean from growth
)
select
    stocks.city,
    stocks.year,
    ln(1.0 + stocks.stock) as invention_stock,
    sqrt((power(g0 - mean, 2.0) + power(g1 - mean, 2.0) + power(g2 - mean, 2.0)) / 2.0) as growth_volatility
from stocks
join centred on centred.city = stocks.city and centred.year = stocks.year
