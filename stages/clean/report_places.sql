-- Work reports by city code; a report shorter than ${min_report_characters} Han characters is a fragment and does not count.
with named as (
    select
        city as printed,
        year,
        body,
        regexp_replace(city, '[\s　]+', '', 'g') as name,
        cast(character_length(regexp_replace(body, '[^一-龥]', '', 'g')) as bigint) as n_han
    from work_reports
)
select
    named.printed,
    named.year,
    names.code as city,
    named.n_han,
    named.body,
    coalesce(cities.in_study, false) and named.n_han >= ${min_report_characters} as counts,
    case
        when names.code is null then 'not in the table of names, or not in force at the end of this year'
        when not cities.in_study then 'not in the study: ' || cities.excluded_because
        when named.n_han < ${min_report_characters} then 'fragment'
    end as reason
from named
left join names
    on names.name = named.name
    and named.year >= names.valid_from
    and named.year <= names.valid_to
left join cities on cities.code = names.code
