-- The panel with the weights of the matched cities (METHODS 9.4): by the nearest and by a kernel of scores from the means before the pilots, and
-- year by year, where the scores of each year have a model of their own. A city or a city-year without a match has no weight, and is left out.
with yearly as (
    select city, year, max(weight) as weight from matching_yearly.matches group by city, year
)
select
    panel_further.*,
    nearest.weight as weight_nearest,
    kernel.weight as weight_kernel,
    yearly.weight as weight_yearly
from panel_further
left join matching_nearest.matches as nearest on nearest.city = panel_further.city and nearest.year = ${first_pilot_year} - 1
left join matching_kernel.matches as kernel on kernel.city = panel_further.city and kernel.year = ${first_pilot_year} - 1
left join yearly on yearly.city = panel_further.city and yearly.year = panel_further.year
