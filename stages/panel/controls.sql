-- Controls (METHODS 7). Money is deflated to ${first_year} with the province's price index. Financial depth, industrial upgrading
-- and human capital are not among them: they are parts of the resilience index.
with deflator as (
    select
        province,
        year,
        exp(sum(case when year > ${first_year} then ln(price_index / 100.0) else 0.0 end) over (partition by province order by year)) as prices
    from price_index
)
select
    yearbook_clean.city,
    yearbook_clean.year,
    case when yearbook_clean.gdp > 0.0 then ln(yearbook_clean.gdp / nullif(yearbook_clean.population, 0.0) / nullif(deflator.prices, 0.0)) end as ln_gdp_pc,
    yearbook_clean.industry2 / 100.0 as industry2,
    yearbook_clean.foreign_investment * exchange_rate.yuan_per_dollar / nullif(yearbook_clean.gdp, 0.0) as openness,
    yearbook_clean.expenditure / nullif(yearbook_clean.gdp, 0.0) as government,
    case when yearbook_clean.population > 0.0 then ln(yearbook_clean.population * 10000.0 / nullif(yearbook_clean.area, 0.0)) end as ln_density,
    case when yearbook_clean.road > 0.0 then ln(yearbook_clean.road) end as ln_road,
    yearbook_clean.investment / nullif(yearbook_clean.gdp, 0.0) as investment_rate,
    yearbook_clean.n_imputed
from yearbook_clean
join cities on cities.code = yearbook_clean.city
left join deflator on deflator.province = cities.province and deflator.year = yearbook_clean.year
left join exchange_rate on exchange_rate.year = yearbook_clean.year
