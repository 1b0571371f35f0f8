-- The panel once for each moderator, with its value before the pilots in `agglomeration`, as a deviation from its mean over the cities (METHODS 9.17):
-- centring changes the coefficient of the treatment alone, which is then the effect in a city of the mean.
with moderators as (
    select 'manufacturing' as moderated_by, city, year, lq_manufacturing_before as value from panel
    union all
    select 'finance', city, year, lq_finance_before from panel
)
select
    moderators.moderated_by,
    moderators.value - avg(moderators.value) over (partition by moderators.moderated_by) as agglomeration,
    panel.*
from moderators
join panel on panel.city = moderators.city and panel.year = moderators.year
