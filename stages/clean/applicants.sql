-- The type of every applicant, by the longest end of its name in `applicant_types`, with what stands in brackets at the end left out.
-- A name of two to four Han characters, or of parts with a dot between them, that no rule knows is a person. The city is the one
-- whose name begins the applicant's name, whatever year it was in force; 吉林省 is no 吉林, 中山路 no 中山.
-- Ends and beginnings are looked up by their length and only numbers are kept, so that millions of names need little memory; the smaller
-- table stands first in every join.
with bare as (
    select applicant, n_patents, regexp_replace(applicant, '[\s　]*[(（][^)）]*[)）]$', '') as name
    from applicant_names
),
ends as (
    select suffix, type, row_number() over (order by character_length(suffix), suffix) as number from applicant_types
),
end_lengths as (
    select distinct character_length(suffix) as length from applicant_types
),
-- A name that several cities have had tells none of them.
beginnings as (
    select
        name,
        case when count(distinct code) = 1 then min(code) end as code,
        row_number() over (order by character_length(name), name) as number
    from names
    group by name
),
beginning_lengths as (
    select distinct character_length(name) as length from names
),
found as (
    select applicant, n_patents, cast(null as bigint) as end_number, cast(null as bigint) as beginning_number from bare
    union all
    select parts.applicant, null, ends.number, null
    from ends
    join (select applicant, right(name, length) as part from end_lengths cross join bare) as parts on parts.part = ends.suffix
    union all
    select parts.applicant, null, null, beginnings.number
    from beginnings
    join (
        select applicant, left(name, length) as part, substr(name, length + 1) as rest
        from beginning_lengths
        cross join bare
    ) as parts on parts.part = beginnings.name
    where parts.rest <> ''
        and not regexp_like(parts.rest, '^(省|自治区|.{1,3}族自治[州区])')
        and (beginnings.name like '%市' or not regexp_like(parts.rest, '^[东南西北中一二三四五]?[路街巷]|^大[道街]'))
),
furthest as (
    select
        applicant,
        max(n_patents) as n_patents,
        max(end_number) as end_number,
        max(beginning_number) as beginning_number
    from found
    group by applicant
),
told as (
    select
        furthest.applicant,
        furthest.n_patents,
        furthest.type,
        furthest.suffix,
        beginnings.code,
        regexp_replace(furthest.applicant, '[\s　]*[(（][^)）]*[)）]$', '') as name
    from beginnings
    right join (
        select furthest.applicant, furthest.n_patents, furthest.beginning_number, ends.type, ends.suffix
        from ends
        right join furthest on furthest.end_number = ends.number
    ) as furthest on furthest.beginning_number = beginnings.number
)
select
    applicant,
    n_patents,
    case
        when type is not null then type
        when regexp_like(name, '^\p{Han}{2,4}$') or regexp_like(name, '^\p{Han}+([·•.]\p{Han}+)+$') then 'individual'
        else 'unknown'
    end as type,
    suffix as rule,
    code as city
from told
