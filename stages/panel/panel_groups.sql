-- The panel once for each of the four groupings of METHODS 6, with `low`: 1 in the group in which the abstract expects the smaller effect by governance
-- and region, and the larger by human and physical capital.
with groupings as (
    select 'governance' as split_by, city, year, low_governance as low from panel_further
    union all
    select 'region', city, year, inland from panel_further
    union all
    select 'human_capital', city, year, low_human_capital from panel_further
    union all
    select 'physical_capital', city, year, low_physical_capital from panel_further
    union all
    select 'fiscal_effort', city, year, low_fiscal_effort from panel_further
)
select groupings.split_by, groupings.low, panel.*
from groupings
join panel on panel.city = groupings.city and panel.year = groupings.year
