-- Government attention by money instead of words (METHODS 4.3): spending on science and technology over general public budget
-- expenditure, and over GDP. The first is an indicator of the resilience index: never a mechanism of that outcome.
select
    city,
    year,
    science_spending / nullif(expenditure, 0.0) as fiscal_attention,
    science_spending / nullif(gdp, 0.0) as science_to_gdp,
    case when science_spending is null or expenditure is null then 'MISSING_INPUT' when expenditure = 0.0 then 'ZERO_DENOM' end as null_code
from yearbook_clean
