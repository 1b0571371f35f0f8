-- The panel with what robustness, heterogeneity and the instrument need (METHODS 9): other outcomes and mechanisms, winsorised columns (1 % of each tail,
-- Stata's rule), other readings of the treatment, years before it, groups, places. `complete` marks cities without a gap in the outcome and the
-- controls, for what needs a balanced panel. The seats of provinces have codes that end in 0100, and 大连, 宁波, 厦门, 青岛 and 深圳 have a line of their own in
-- the state plan.
with variants as (
    select
        city,
        year,
        max(case when method = 'equal' then score end) as resilience_equal,
        max(case when method = 'pca' then score end) as resilience_pca,
        max(case when method = 'topsis' then score end) as resilience_topsis,
        max(case when method = 'critic' then score end) as resilience_critic
    from resilience_variants
    group by city, year
)
select
    panel.*,
    variants.resilience_equal,
    variants.resilience_pca,
    variants.resilience_topsis,
    variants.resilience_critic,
    martin.log_gap,
    innovation_efficiency.actual_to_expected,
    trend_deviation.trend_stability,
    winsorize(panel.resilience_index, 0.01) over () as resilience_index_w,
    winsorize(panel.ln_gdp_pc, 0.01) over () as ln_gdp_pc_w,
    winsorize(panel.openness, 0.01) over () as openness_w,
    winsorize(panel.government, 0.01) over () as government_w,
    winsorize(panel.ln_density, 0.01) over () as ln_density_w,
    winsorize(panel.ln_road, 0.01) over () as ln_road_w,
    controls_further.upgrading,
    controls_further.ln_population,
    controls_further.ln_gdp_pc_before,
    controls_further.openness_before,
    controls_further.government_before,
    controls_further.ln_density_before,
    controls_further.ln_road_before,
    urbanisation.urban_share,
    patent_links.knowledge_transfers,
    patent_links.knowledge_copatents,
    technology_market.technology_sold,
    informatization_pca.score as informatization_pca,
    informatization_inputs.internet_per_100,
    digital_access.digital_finance,
    fiscal_attention.fiscal_attention,
    pilot_readings.smart_effective,
    pilot_readings.smart_lagged,
    pilot_readings.smart_broad,
    pilot_readings.only_partial,
    case when panel.first_year is null then 0 else 1 end as ever_pilot,
    case when panel.event_time = -1 then 1 else 0 end as one_before,
    case when panel.event_time = -2 then 1 else 0 end as two_before,
    case when panel.event_time = -3 then 1 else 0 end as three_before,
    pilots_near.smart_near,
    pilots_near.smart_around,
    telephone_instrument.telephone_internet,
    city_groups.low_governance,
    city_groups.low_fiscal_effort,
    city_groups.low_human_capital,
    city_groups.low_physical_capital,
    case when panel.region = 'east' then 0 else 1 end as inland,
    panel.city % 10000 = 100 or panel.city in (210200, 330200, 350200, 370200, 440300) as provincial_seat,
    coordinates.latitude,
    coordinates.longitude,
    sum(case when panel.resilience_index is null or panel.ln_gdp_pc is null or panel.openness is null or panel.government is null or panel.ln_density is null or panel.ln_road is null then 1 else 0 end)
        over (partition by panel.city) = 0 as complete
from panel
join pilot_readings on pilot_readings.city = panel.city and pilot_readings.year = panel.year
join pilots_near on pilots_near.city = panel.city and pilots_near.year = panel.year
join city_groups on city_groups.city = panel.city
join coordinates on coordinates.city = panel.city
left join variants on variants.city = panel.city and variants.year = panel.year
left join martin on martin.city = panel.city and martin.year = panel.year
left join innovation_efficiency on innovation_efficiency.city = panel.city and innovation_efficiency.year = panel.year
left join trend_deviation on trend_deviation.city = panel.city and trend_deviation.year = panel.year
left join controls_further on controls_further.city = panel.city and controls_further.year = panel.year
left join urbanisation on urbanisation.city = panel.city and urbanisation.year = panel.year
left join patent_links on patent_links.city = panel.city and patent_links.year = panel.year
left join technology_market on technology_market.city = panel.city and technology_market.year = panel.year
left join informatization_pca on informatization_pca.city = panel.city and informatization_pca.year = panel.year
left join informatization_inputs on informatization_inputs.city = panel.city and informatization_inputs.year = panel.year
left join digital_access on digital_access.city = panel.city and digital_access.year = panel.year
left join fiscal_attention on fiscal_attention.city = panel.city and fiscal_attention.year = panel.year
left join telephone_instrument on telephone_instrument.city = panel.city and telephone_instrument.year = panel.year
