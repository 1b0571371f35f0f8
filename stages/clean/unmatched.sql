-- Every name that was dropped or could not be matched, by file and year, with the number of rows and the reason.
select
    'yearbook' as origin,
    name,
    year,
    sum(n_rows) as n_rows,
    coalesce(reason, 'not in the study: ' || excluded_because) as reason
from yearbook_names
where reason is not null or not in_study
group by name, year, coalesce(reason, 'not in the study: ' || excluded_because)
union all
select 'patents', place, year, count(*), reason
from patent_places
where reason is not null
group by place, year, reason
union all
select
    'work_reports',
    report_names.printed,
    report_names.year,
    sum(report_names.n_rows),
    case
        when report_names.reason is not null then report_names.reason
        when not report_names.in_study then 'not in the study: ' || report_names.excluded_because
        else 'fragment'
    end
from report_names
join report_terms on report_terms.city = report_names.printed and report_terms.year = report_names.year
where report_terms.dictionary = 'full' and (report_names.reason is not null or not report_names.in_study or report_terms.fragment)
group by report_names.printed, report_names.year, case
        when report_names.reason is not null then report_names.reason
        when not report_names.in_study then 'not in the study: ' || report_names.excluded_because
        else 'fragment'
    end
union all
select 'pilots', prefecture, first_year, count(*), reason
from pilot_cities
where reason is not null
group by prefecture, first_year, reason
