-- Every name as a yearbook printed it, with the code it had in that year. Without a code the name is not in the
-- administrative table, or was not in force at that year's end.
with printed as (
    select city as printed, year, regexp_replace(city, '[\s　]+', '', 'g') as name
    from yearbook
)
select
    printed.printed,
    printed.year,
    printed.name,
    names.code as city,
    coalesce(cities.in_study, false) as in_study,
    case
        when names.code is null and known.name is null then 'not in the table of names'
        when names.code is null then 'name not in force at the end of this year'
        when not cities.in_study then 'not in the study: ' || cities.excluded_because
    end as reason
from printed
left join names
    on names.name = printed.name
    and printed.year >= names.valid_from
    and printed.year <= names.valid_to
left join (select distinct name from names) as known on known.name = printed.name
left join cities on cities.code = names.code
