-- Further controls (METHODS 7). Industry, finance and human capital are parts of the resilience index: they may stand beside
-- another outcome only. `..._before` are means of the years before ${first_pilot_year}, for models in which controls that the pilot
-- may have moved are held fixed and interacted with years.
select
    yearbook_clean.city,
    yearbook_clean.year,
    yearbook_clean.industry3 / 100.0 as industry3,
    yearbook_clean.industry3 / nullif(yearbook_clean.industry2, 0.0) as upgrading,
    (yearbook_clean.deposits + yearbook_clean.loans) / nullif(yearbook_clean.gdp, 0.0) as financial_depth,
    yearbook_clean.students / nullif(yearbook_clean.population * 10000.0, 0.0) as human_capital,
    case when yearbook_clean.population > 0.0 then ln(yearbook_clean.population) end as ln_population,
    case when yearbook_clean.population is null then 'MISSING_INPUT' when yearbook_clean.population <= 0.0 then 'LOG_NONPOS' end as population_null_code,
    avg(case when yearbook_clean.year < ${first_pilot_year} then controls.ln_gdp_pc end) over (partition by yearbook_clean.city) as ln_gdp_pc_before,
    avg(case when yearbook_clean.year < ${first_pilot_year} then controls.openness end) over (partition by yearbook_clean.city) as openness_before,
    avg(case when yearbook_clean.year < ${first_pilot_year} then controls.government end) over (partition by yearbook_clean.city) as government_before,
    avg(case when yearbook_clean.year < ${first_pilot_year} then controls.ln_density end) over (partition by yearbook_clean.city) as ln_density_before,
    avg(case when yearbook_clean.year < ${first_pilot_year} then controls.ln_road end) over (partition by yearbook_clean.city) as ln_road_before
from yearbook_clean
join controls on controls.city = yearbook_clean.city and controls.year = yearbook_clean.year
