-- Physical capital by perpetual inventory (METHODS 6.4): real investment, ${capital_loss} of the stock lost in a year, and both rules for
-- the first stock. The yearbooks have no level of investment after 2017; from then on it grows by the rate that the
-- bulletins print. Prices are cumulated from ${first_year}, the first year of the series.
with deflator as (
    select
        province,
        year,
        exp(sum(case when year > ${first_year} then ln(price_index / 100.0) else 0.0 end) over (partition by province order by year)) as prices
    from price_index
),
printed as (
    select
        yearbook_clean.city,
        yearbook_clean.year,
        yearbook_clean.investment,
        investment_growth.growth,
        -- The last year with a level, and how much investment has grown since.
        max(case when yearbook_clean.investment is not null then yearbook_clean.year end) over (partition by yearbook_clean.city) as last_level
    from yearbook_clean
    left join investment_growth on investment_growth.city = yearbook_clean.city and investment_growth.year = yearbook_clean.year
),
grown as (
    select
        city,
        year,
        last_level,
        max(case when year = last_level then investment end) over (partition by city) as level,
        investment,
        sum(case when year > last_level then ln(1.0 + growth / 100.0) end) over (partition by city order by year) as log_growth,
        sum(case when year > last_level and growth is null then 1 else 0 end) over (partition by city order by year) as n_unknown
    from printed
),
rebuilt as (
    select
        city,
        year,
        case
            when year <= last_level then investment
            when n_unknown = 0 then level * exp(log_growth)
        end as investment,
        year > last_level as is_rebuilt
    from grown
),
real_investment as (
    select
        rebuilt.city,
        rebuilt.year,
        rebuilt.is_rebuilt,
        rebuilt.investment / nullif(deflator.prices, 0.0) as investment
    from rebuilt
    join cities on cities.code = rebuilt.city
    left join deflator on deflator.province = cities.province and deflator.year = rebuilt.year
),
stocks as (
    select
        city,
        year,
        is_rebuilt,
        investment,
        perpetual_inventory(investment, year, rate => ${capital_loss}) over (partition by city) as capital,
        perpetual_inventory(investment, year, rate => ${capital_loss}, start => 'growth') over (partition by city) as capital_steady
    from real_investment
)
select
    stocks.city,
    stocks.year,
    stocks.investment as real_investment,
    stocks.is_rebuilt,
    stocks.capital,
    stocks.capital_steady,
    stocks.capital / nullif(yearbook_clean.population, 0.0) as capital_per_person,
    case
        when stocks.capital is null then 'MISSING_INPUT'
        when yearbook_clean.population is null then 'MISSING_INPUT'
        when yearbook_clean.population = 0.0 then 'ZERO_DENOM'
    end as null_code
from stocks
join yearbook_clean on yearbook_clean.city = stocks.city and yearbook_clean.year = stocks.year
