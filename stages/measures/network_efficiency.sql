-- Global efficiency of the knowledge network of a year (METHODS 1.6, transmission): the mean of 1/d over all ordered pairs of cities with a partner,
-- where pairs that no path joins count 0. `unreached` counts them.
select
    year,
    count(*) as cities,
    case
        when count(*) > 1 then sum(closeness) / cast(count(*) * (count(*) - 1) as double)
        else missing('ZERO_DENOM')
    end as global_efficiency,
    max(farthest) as diameter,
    count(*) * (count(*) - 1) - sum(reached) as unreached
from network_distances
group by year
