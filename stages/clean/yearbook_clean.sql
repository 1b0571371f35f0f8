-- The yearbook by city code and data year in one unit per quantity: people in persons, population in 10,000 persons, money in
-- 10,000 yuan, foreign investment in 10,000 dollars, subscribers in 10,000, industry in per cent of GDP.
select
    city,
    year,
    max(case when variable = 'population' then amount end) as population,
    max(case when variable = 'area' then amount end) as area,
    max(case when variable = 'employees' then amount end) as employees,
    max(case when variable = 'manufacturing' then amount end) as manufacturing,
    max(case when variable = 'information' then amount end) as information,
    max(case when variable = 'finance' then amount end) as finance,
    max(case when variable = 'science' then amount end) as science,
    max(case when variable = 'gdp' then amount end) as gdp,
    max(case when variable = 'industry2' then amount end) as industry2,
    max(case when variable = 'industry3' then amount end) as industry3,
    max(case when variable = 'investment' then amount end) as investment,
    max(case when variable = 'revenue' then amount end) as revenue,
    max(case when variable = 'expenditure' then amount end) as expenditure,
    max(case when variable = 'science_spending' then amount end) as science_spending,
    max(case when variable = 'education_spending' then amount end) as education_spending,
    max(case when variable = 'students' then amount end) as students,
    max(case when variable = 'deposits' then amount end) as deposits,
    max(case when variable = 'loans' then amount end) as loans,
    max(case when variable = 'telecom' then amount end) as telecom,
    max(case when variable = 'mobile' then amount end) as mobile,
    max(case when variable = 'broadband' then amount end) as broadband,
    max(case when variable = 'foreign_investment' then amount end) as foreign_investment,
    max(case when variable = 'road' then amount end) as road,
    sum(case when imputed then 1 else 0 end) as n_imputed
from yearbook_long
where year between ${first_year} and ${last_year}
group by city, year
