-- The city of every beginning of an address. By name: of the names that it begins with, after its province if there is one, the one
-- that reaches furthest, among those the ones in force in the year; 吉林省 is no 吉林, 中山路 no 中山. By postcode: the first digits. Where the two
-- disagree, `place_rule` says what counts: `name`, `postcode`, or `agree`, which places none of these.
with provinces as (
    select distinct
        province,
        regexp_replace(province, '(省|壮族自治区|回族自治区|维吾尔自治区|自治区)$', '') as short_name
    from cities
    where province not like '%市'
),
starts as (
    select place, prefix, year, cast(null as varchar) as province, 0 as skipped from patent_localities
    union all
    select place, prefix, year, provinces.province, character_length(provinces.province)
    from patent_localities
    join provinces on starts_with(patent_localities.place, provinces.province)
    union all
    select place, prefix, year, provinces.province, character_length(provinces.short_name)
    from patent_localities
    join provinces
        on starts_with(patent_localities.place, provinces.short_name)
        and not starts_with(patent_localities.place, provinces.province)
),
lengths as (
    select distinct character_length(name) as length from names
),
named as (
    select
        starts.place,
        starts.prefix,
        starts.year,
        names.code,
        names.name,
        rank() over (
            partition by starts.place, starts.prefix, starts.year
            order by
                starts.skipped + lengths.length desc,
                case when starts.year between names.valid_from and names.valid_to then 0 else 1 end
        ) as choice
    from starts
    cross join lengths
    join names on names.name = substr(starts.place, starts.skipped + 1, lengths.length)
    join cities on cities.code = names.code
    where character_length(starts.place) >= starts.skipped + lengths.length
        and (starts.province is null or cities.province = starts.province)
        and not regexp_like(substr(starts.place, starts.skipped + lengths.length + 1), '^(省|自治区|.{1,3}族自治[州区])')
        and (names.name like '%市' or not regexp_like(substr(starts.place, starts.skipped + lengths.length + 1), '^[东南西北中一二三四五]?[路街巷]|^大[道街]'))
),
by_name as (
    select
        place,
        prefix,
        year,
        count(distinct code) as n,
        min(code) as code,
        min(name) as name,
        string_agg(distinct cast(code as varchar) || ' ' || name, '; ' order by cast(code as varchar) || ' ' || name) as candidates
    from named
    where choice = 1
    group by place, prefix, year
),
by_postcode as (
    select
        patent_localities.place,
        patent_localities.prefix,
        patent_localities.year,
        count(distinct postcodes.code) as n,
        min(postcodes.code) as code,
        string_agg(distinct cast(postcodes.code as varchar), '; ' order by cast(postcodes.code as varchar)) as candidates
    from patent_localities
    join postcodes on postcodes.prefix = patent_localities.prefix
    group by patent_localities.place, patent_localities.prefix, patent_localities.year
),
by_both as (
    select named.place, named.prefix, named.year, count(distinct named.code) as n, min(named.code) as code
    from named
    join postcodes on postcodes.prefix = named.prefix and postcodes.code = named.code
    where named.choice = 1
    group by named.place, named.prefix, named.year
),
evidence as (
    select
        patent_localities.place,
        patent_localities.prefix,
        patent_localities.year,
        patent_localities.n_addresses,
        patent_localities.example,
        by_name.name,
        by_name.code as name_code,
        by_postcode.code as postcode_code,
        by_both.code as both_code,
        by_name.candidates as name_candidates,
        by_postcode.candidates as postcode_candidates,
        case
            when by_name.n is null and by_postcode.n is null then 'none'
            when by_name.n is null and by_postcode.n = 1 then 'postcode'
            when by_name.n is null then 'shared postcode'
            when by_name.n = 1 and by_postcode.n is null then 'name'
            when by_name.n = 1 and by_both.n = 1 then 'name and postcode'
            when by_name.n = 1 and by_postcode.n = 1 then 'disagree'
            when by_name.n = 1 then 'disagree, shared postcode'
            when by_both.n = 1 then 'shared name, postcode'
            else 'shared name'
        end as found
    from patent_localities
    left join by_name
        on by_name.place = patent_localities.place
        and by_name.prefix = patent_localities.prefix
        and by_name.year = patent_localities.year
    left join by_postcode
        on by_postcode.place = patent_localities.place
        and by_postcode.prefix = patent_localities.prefix
        and by_postcode.year = patent_localities.year
    left join by_both
        on by_both.place = patent_localities.place
        and by_both.prefix = patent_localities.prefix
        and by_both.year = patent_localities.year
)
select
    place,
    prefix,
    year,
    n_addresses,
    example,
    name,
    name_candidates,
    postcode_candidates,
    case
        when found in ('name', 'name and postcode') then name_code
        when found = 'postcode' then postcode_code
        when found = 'shared name, postcode' then both_code
        when found = 'disagree' and '${place_rule}' = 'postcode' then postcode_code
        when found in ('disagree', 'disagree, shared postcode') and '${place_rule}' in ('name', 'postcode') then name_code
    end as city,
    case
        when found = 'name' then 'name'
        when found = 'name and postcode' then 'name and postcode'
        when found = 'postcode' then 'postcode, no name'
        when found = 'shared name, postcode' then 'postcode, of several cities of that name'
        when found = 'disagree' and '${place_rule}' = 'postcode' then 'postcode, against the name'
        when found in ('disagree', 'disagree, shared postcode') and '${place_rule}' in ('name', 'postcode') then 'name, against the postcode'
    end as placed_by,
    case
        when found = 'postcode' then 'no name of a city'
        when found = 'shared postcode' then 'no name of a city, several cities of that postcode'
        when found in ('shared name', 'shared name, postcode') then 'several cities of that name'
        when found in ('disagree', 'disagree, shared postcode') then 'name and postcode disagree'
    end as doubt,
    case
        when found = 'none' and strpos(place, '市') > 0 then 'not in the table of names'
        when found = 'none' then 'no city in the address'
        when found = 'shared postcode' then 'no city in the address, several of that postcode'
        when found = 'shared name' then 'several cities of that name'
        when found in ('disagree', 'disagree, shared postcode') and '${place_rule}' = 'agree' then 'name and postcode disagree'
    end as reason,
    '${place_rule}' as place_rule
from evidence
