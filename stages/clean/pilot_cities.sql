-- Listed units with the code of their prefecture, and the first year under the chosen reading (${first_year_rule}).
select
    pilots.batch,
    pilots.listed_name,
    pilots.level,
    pilots.prefecture,
    pilot_names.city,
    pilots.g_${first_year_rule} as first_year,
    pilots.verified,
    coalesce(pilot_names.in_study, false) as in_study,
    case
        when pilot_names.city is null then pilot_names.reason
        when not pilot_names.in_study then 'not in the study: ' || pilot_names.excluded_because
    end as reason
from pilots
left join pilot_names on pilot_names.printed = pilots.prefecture and pilot_names.year = pilots.g_designation
