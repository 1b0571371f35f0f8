-- Listed units with the code of their prefecture, and the first year under the chosen reading (${first_year_rule}).
select
    pilots.batch,
    pilots.listed_name,
    pilots.level,
    pilots.prefecture,
    names.code as city,
    pilots.g_${first_year_rule} as first_year,
    pilots.verified,
    coalesce(cities.in_study, false) as in_study,
    case
        when names.code is null then 'not in the table of names, or not in force at the end of this year'
        when not cities.in_study then 'not in the study: ' || cities.excluded_because
    end as reason
from pilots
left join names
    on names.name = pilots.prefecture
    and pilots.g_designation >= names.valid_from
    and pilots.g_designation <= names.valid_to
left join cities on cities.code = names.code
