-- Groups of cities (METHODS 6), fixed before the first pilots: the mean of a city's years before ${first_pilot_year} against the median of these
-- means; ties are low. The dummies say `low`, since the effect is expected where capital is low. Regions have three zones
-- (`three`) or four (`four`, the north-east apart). Governance is the market index of the province (METHODS 6.1, b); the share of science in the
-- budget (d) is its alternative, since it is a part of the outcome too.
with means as (
    select
        yearbook_clean.city,
        avg(case when market_environment.year < ${first_pilot_year} then market_environment.market_index end) as governance,
        avg(case when yearbook_clean.year < ${first_pilot_year} then yearbook_clean.science_spending / nullif(yearbook_clean.expenditure, 0.0) end) as fiscal_effort,
        avg(case when yearbook_clean.year < ${first_pilot_year} then yearbook_clean.students / nullif(yearbook_clean.population, 0.0) end) as human_capital,
        avg(case when yearbook_clean.year < ${first_pilot_year} then capital_stock.capital_per_person end) as physical_capital
    from yearbook_clean
    left join capital_stock on capital_stock.city = yearbook_clean.city and capital_stock.year = yearbook_clean.year
    left join market_environment on market_environment.city = yearbook_clean.city and market_environment.year = yearbook_clean.year
    group by yearbook_clean.city
),
medians as (
    select
        quantile_stata(governance, 0.5) as governance,
        quantile_stata(fiscal_effort, 0.5) as fiscal_effort,
        quantile_stata(human_capital, 0.5) as human_capital,
        quantile_stata(physical_capital, 0.5) as physical_capital
    from means
)
select
    means.city,
    means.governance as governance_before,
    means.fiscal_effort as fiscal_effort_before,
    means.human_capital as human_capital_before,
    means.physical_capital as physical_capital_before,
    case when means.governance <= medians.governance then 1 when means.governance > medians.governance then 0 end as low_governance,
    case when means.fiscal_effort <= medians.fiscal_effort then 1 when means.fiscal_effort > medians.fiscal_effort then 0 end as low_fiscal_effort,
    case when means.human_capital <= medians.human_capital then 1 when means.human_capital > medians.human_capital then 0 end as low_human_capital,
    case when means.physical_capital <= medians.physical_capital then 1 when means.physical_capital > medians.physical_capital then 0 end as low_physical_capital,
    case
        when '${region_scheme}' = 'four' and cities.province in ('辽宁省', '吉林省', '黑龙江省') then 'northeast'
        when cities.province in ('北京市', '天津市', '河北省', '辽宁省', '上海市', '江苏省', '浙江省', '福建省', '山东省', '广东省', '海南省') then 'east'
        when cities.province in ('山西省', '吉林省', '黑龙江省', '安徽省', '江西省', '河南省', '湖北省', '湖南省') then 'central'
        else 'west'
    end as zone
from means
cross join medians
join cities on cities.code = means.city
