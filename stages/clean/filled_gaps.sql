-- How much of every yearbook variable was interpolated and how much is still missing, in the years of the study.
select
    variable,
    count(*) as n_city_years,
    sum(case when imputed then 1 else 0 end) as n_imputed,
    sum(case when amount is null then 1 else 0 end) as n_missing,
    cast(sum(case when imputed then 1 else 0 end) as double) / nullif(cast(count(*) as double), 0.0) as share_imputed
from yearbook_long
where year between ${first_year} and ${last_year}
group by variable
