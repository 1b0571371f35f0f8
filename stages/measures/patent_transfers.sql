-- Patents that change their owner, from city to city. The city before is that of the change before, or of the first applicant. An owner stays
-- within its group if one of the two names, without brackets and legal form, begins the other.
with owners as (
    select
        transfer_records.patent,
        transfer_records.effective,
        transfer_records.year,
        transfer_records.owner_before,
        transfer_records.owner_after,
        locality_cities.city,
        locality_cities.reason,
        regexp_replace(regexp_replace(owner_before, '[(（][^)）]*[)）]', '', 'g'), '(股份|集团|有限|责任|公司)+$', '') as stem_before,
        regexp_replace(regexp_replace(owner_after, '[(（][^)）]*[)）]', '', 'g'), '(股份|集团|有限|责任|公司)+$', '') as stem_after
    from transfer_records
    left join locality_cities
        on locality_cities.place = transfer_records.place
        and locality_cities.prefix = transfer_records.prefix
        and locality_cities.year = transfer_records.year
),
chained as (
    select
        *,
        row_number() over (partition by patent order by effective, owner_after) as change,
        lag(city) over (partition by patent order by effective, owner_after) as city_before
    from owners
)
select
    chained.patent,
    chained.effective,
    chained.year,
    chained.owner_before,
    chained.owner_after,
    case when chained.change = 1 then patent_places.city else chained.city_before end as from_city,
    chained.city as to_city,
    starts_with(chained.stem_before, chained.stem_after) or starts_with(chained.stem_after, chained.stem_before) as same_group,
    case
        when patent_places.patent is null then 'the patent is not in the files'
        when chained.city is null then chained.reason
    end as reason
from chained
left join patent_places on patent_places.patent = chained.patent
