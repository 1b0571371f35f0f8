-- Four components of informatization (METHODS 3.1): subscribers per 100 persons, telecommunication revenue per person in yuan,
-- share of employees in information services.
select
    city,
    year,
    100.0 * broadband / nullif(population, 0.0) as internet_per_100,
    100.0 * mobile / nullif(population, 0.0) as mobile_per_100,
    telecom / nullif(population, 0.0) as telecom_per_capita,
    information / nullif(employees, 0.0) as ict_employment_share
from yearbook_clean
