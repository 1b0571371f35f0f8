-- Location quotients (METHODS 5) against the cities of the sample, and their means before the first pilots: a moderator
-- measured after treatment could itself be an outcome. `..._left_out` compares with the other cities only; `lq_credit` is the
-- quotient of (loans + deposits) / GDP; co-agglomeration is 1 - |m - f| / (m + f) + (m + f).
with complete as (
    select
        city,
        year,
        manufacturing,
        finance,
        employees,
        loans + deposits as credit,
        gdp,
        case when employees is not null then manufacturing end as m,
        case when manufacturing is not null then employees end as m_all,
        case when employees is not null then finance end as f,
        case when finance is not null then employees end as f_all,
        case when gdp is not null then loans + deposits end as c,
        case when loans + deposits is not null then gdp end as c_all
    from yearbook_clean
),
national as (
    select
        year,
        sum(m) as m,
        sum(m_all) as m_all,
        sum(f) as f,
        sum(f_all) as f_all,
        sum(c) as c,
        sum(c_all) as c_all,
        sum(m) / nullif(sum(m_all), 0.0) as manufacturing_share,
        sum(f) / nullif(sum(f_all), 0.0) as finance_share
    from complete
    group by year
),
quotients as (
    select
        complete.city,
        complete.year,
        complete.manufacturing / nullif(complete.employees, 0.0) / nullif(national.manufacturing_share, 0.0) as lq_manufacturing,
        complete.finance / nullif(complete.employees, 0.0) / nullif(national.finance_share, 0.0) as lq_finance,
        complete.manufacturing / nullif(complete.employees, 0.0)
            / nullif((national.m - complete.m) / nullif(national.m_all - complete.m_all, 0.0), 0.0) as lq_manufacturing_left_out,
        complete.finance / nullif(complete.employees, 0.0)
            / nullif((national.f - complete.f) / nullif(national.f_all - complete.f_all, 0.0), 0.0) as lq_finance_left_out,
        complete.credit / nullif(complete.gdp, 0.0) / nullif(national.c / nullif(national.c_all, 0.0), 0.0) as lq_credit,
        case
            when complete.manufacturing is null or complete.employees is null then 'MISSING_INPUT'
            when complete.employees = 0.0 or national.m = 0.0 then 'ZERO_DENOM'
        end as manufacturing_null_code,
        case
            when complete.finance is null or complete.employees is null then 'MISSING_INPUT'
            when complete.employees = 0.0 or national.f = 0.0 then 'ZERO_DENOM'
        end as finance_null_code
    from complete
    join national on national.year = complete.year
)
select
    city,
    year,
    lq_manufacturing,
    lq_finance,
    avg(case when year < ${first_pilot_year} then lq_manufacturing end) over (partition by city) as lq_manufacturing_before,
    avg(case when year < ${first_pilot_year} then lq_finance end) over (partition by city) as lq_finance_before,
    lq_manufacturing_left_out,
    lq_finance_left_out,
    lq_credit,
    1.0 - abs(lq_manufacturing - lq_finance) / nullif(lq_manufacturing + lq_finance, 0.0) + (lq_manufacturing + lq_finance) as co_agglomeration,
    manufacturing_null_code,
    finance_null_code
from quotients
