-- The frame of the study: every city in every year, whatever the files hold.
select cities.code as city, years.year
from cities
cross join (select distinct year from yearbook where year between ${first_year} and ${last_year}) as years
where cities.in_study
