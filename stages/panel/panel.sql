-- One row per city and year with everything the models use.
select
    city_years.city,
    city_years.year,
    cities.name,
    cities.province,
    cities.province || cast(city_years.year as varchar) as province_year,
    cities.region,
    cities.municipality,
    resilience.score as resilience_index,
    martin.resilience_martin,
    martin.growth_gap,
    martin.null_code as martin_null_code,
    pilot_status.smart,
    pilot_status.first_year,
    pilot_status.event_time,
    pilot_status.in_sample,
    diffusion.knowledge_diffusion,
    informatization.score as informatization,
    attention.attention,
    location_quotients.lq_manufacturing,
    location_quotients.lq_finance,
    location_quotients.lq_manufacturing_before,
    location_quotients.lq_finance_before,
    controls.ln_gdp_pc,
    controls.industry2,
    controls.openness,
    controls.government,
    controls.ln_density,
    controls.ln_road,
    policies.broadband_china,
    policies.innovative_city,
    policies.ip_demonstration,
    policies.big_data_zone
from city_years
join cities on cities.code = city_years.city
join pilot_status on pilot_status.city = city_years.city and pilot_status.year = city_years.year
join policies on policies.city = city_years.city and policies.year = city_years.year
join diffusion on diffusion.city = city_years.city and diffusion.year = city_years.year
left join resilience on resilience.city = city_years.city and resilience.year = city_years.year
left join martin on martin.city = city_years.city and martin.year = city_years.year
left join informatization on informatization.city = city_years.city and informatization.year = city_years.year
left join attention on attention.city = city_years.city and attention.year = city_years.year
left join location_quotients on location_quotients.city = city_years.city and location_quotients.year = city_years.year
left join controls on controls.city = city_years.city and controls.year = city_years.year
