-- Turnover of technology contracts over GDP (METHODS 2.5), sold and bought. City series are incomplete: a city-year without a row is not
-- known, and a province's value is not a city's.
select
    yearbook_clean.city,
    yearbook_clean.year,
    technology_contracts.sold / nullif(yearbook_clean.gdp, 0.0) as technology_sold,
    technology_contracts.bought / nullif(yearbook_clean.gdp, 0.0) as technology_bought,
    case
        when technology_contracts.sold is null or yearbook_clean.gdp is null then 'MISSING_INPUT'
        when yearbook_clean.gdp = 0.0 then 'ZERO_DENOM'
    end as null_code
from yearbook_clean
left join technology_contracts on technology_contracts.city = yearbook_clean.city and technology_contracts.year = yearbook_clean.year
