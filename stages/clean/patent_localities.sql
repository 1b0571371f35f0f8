-- Every different beginning of an address with its postcode and year. There are few, however many patents there are: what is
-- slow or doubtful about addresses is done once for each of these.
select
    place,
    prefix,
    year,
    count(*) as n_addresses,
    min(patent) as example
from (
    select place, prefix, filed as year, patent from patent_records
    union all
    select place, prefix, year, patent from transfer_records
)
group by place, prefix, year
