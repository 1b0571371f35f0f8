-- The city of every patent, from the address of the first applicant: postcode and province are taken off, then everything up
-- to the first 市. An address keeps the name of the day of filing, so names count here whatever year they were in force.
with streets as (
    select
        patent,
        regexp_replace(regexp_replace(address, '^[0-9]{6}', '', 'g'), '[\s　]+', '', 'g') as street
    from patents
),
places as (
    select
        patent,
        regexp_replace(street, '^(内蒙古自治区|广西壮族自治区|西藏自治区|宁夏回族自治区|新疆维吾尔自治区|[^省市]{2,3}省)', '', 'g') as street
    from streets
),
named as (
    select patent, substr(street, 1, cast(strpos(street, '市') as bigint)) as place, street
    from places
),
codes as (
    select name, min(code) as code from names group by name
)
select
    patents.patent,
    patents.year,
    patents.kind,
    case when patents.kind <> '外观设计' then substr(patents.classification, 1, 4) end as subclass,
    split_part(patents.applicants, ';', 1) as applicant,
    patents.applicants,
    patents.cited,
    case when named.place = '' then '(' || substr(named.street, 1, 4) || ')' else named.place end as place,
    codes.code as city,
    coalesce(cities.in_study, false) as in_study,
    case
        when named.place = '' then 'no city in the address'
        when codes.code is null then 'not in the table of names'
        when not cities.in_study then 'not in the study: ' || cities.excluded_because
    end as reason
from patents
join named on named.patent = patents.patent
left join codes on codes.name = named.place
left join cities on cities.code = codes.code
