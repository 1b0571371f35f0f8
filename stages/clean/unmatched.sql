-- Every name that was dropped or could not be matched, by file and year, with the number of rows and the reason.
select 'yearbook' as origin, name, year, count(*) as n_rows, reason
from yearbook_names
where reason is not null
group by name, year, reason
union all
select 'patents', place, year, count(*), reason
from patent_places
where reason is not null
group by place, year, reason
union all
select 'work_reports', printed, year, count(*), reason
from report_places
where reason is not null
group by printed, year, reason
union all
select 'pilots', prefecture, first_year, count(*), reason
from pilot_cities
where reason is not null
group by prefecture, first_year, reason
