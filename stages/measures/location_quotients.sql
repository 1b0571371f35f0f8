-- Location quotients (METHODS 5) against the cities of the sample, and their means before the first pilots: a moderator
-- measured after treatment could itself be an outcome.
with national as (
    select
        year,
        sum(case when manufacturing is not null and employees is not null then manufacturing end)
            / nullif(sum(case when manufacturing is not null then employees end), 0.0) as manufacturing_share,
        sum(case when finance is not null and employees is not null then finance end)
            / nullif(sum(case when finance is not null then employees end), 0.0) as finance_share
    from yearbook_clean
    group by year
),
quotients as (
    select
        yearbook_clean.city,
        yearbook_clean.year,
        yearbook_clean.manufacturing / nullif(yearbook_clean.employees, 0.0) / nullif(national.manufacturing_share, 0.0) as lq_manufacturing,
        yearbook_clean.finance / nullif(yearbook_clean.employees, 0.0) / nullif(national.finance_share, 0.0) as lq_finance
    from yearbook_clean
    join national on national.year = yearbook_clean.year
)
select
    city,
    year,
    lq_manufacturing,
    lq_finance,
    avg(case when year < ${first_pilot_year} then lq_manufacturing end) over (partition by city) as lq_manufacturing_before,
    avg(case when year < ${first_pilot_year} then lq_finance end) over (partition by city) as lq_finance_before
from quotients
