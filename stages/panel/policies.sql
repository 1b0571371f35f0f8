-- Other programmes as dummies from their first year on.
with starts as (
    select
        names.code as city,
        min(case when other_policies.policy = 'broadband_china' then other_policies.year end) as broadband_china,
        min(case when other_policies.policy = 'innovative_city' then other_policies.year end) as innovative_city,
        min(case when other_policies.policy = 'ip_demonstration' then other_policies.year end) as ip_demonstration,
        min(case when other_policies.policy = 'big_data_zone' then other_policies.year end) as big_data_zone
    from other_policies
    join names
        on names.name = other_policies.prefecture
        and other_policies.year >= names.valid_from
        and other_policies.year <= names.valid_to
    group by names.code
)
select
    city_years.city,
    city_years.year,
    case when city_years.year >= starts.broadband_china then 1 else 0 end as broadband_china,
    case when city_years.year >= starts.innovative_city then 1 else 0 end as innovative_city,
    case when city_years.year >= starts.ip_demonstration then 1 else 0 end as ip_demonstration,
    case when city_years.year >= starts.big_data_zone then 1 else 0 end as big_data_zone
from city_years
left join starts on starts.city = city_years.city
