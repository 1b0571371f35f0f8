-- The yearbook by city code, one row per variable, city and year; a gap of one or two years between two printed values is
-- filled by a straight line and flagged. Nothing is carried past the first or the last printed value.
with coded as (
    select yearbook_names.city as code, yearbook.*
    from yearbook
    join yearbook_names on yearbook_names.printed = yearbook.city and yearbook_names.year = yearbook.year
    where yearbook_names.in_study
),
stacked as (
    select 'population' as variable, code, year, population as printed from coded
    union all select 'area', code, year, area from coded
    union all select 'employees', code, year, employees from coded
    union all select 'manufacturing', code, year, manufacturing from coded
    union all select 'information', code, year, information from coded
    union all select 'finance', code, year, finance from coded
    union all select 'science', code, year, science from coded
    union all select 'gdp', code, year, gdp from coded
    union all select 'industry2', code, year, industry2 from coded
    union all select 'industry3', code, year, industry3 from coded
    union all select 'investment', code, year, investment from coded
    union all select 'revenue', code, year, revenue from coded
    union all select 'expenditure', code, year, expenditure from coded
    union all select 'science_spending', code, year, science_spending from coded
    union all select 'education_spending', code, year, education_spending from coded
    union all select 'students', code, year, students from coded
    union all select 'deposits', code, year, deposits from coded
    union all select 'loans', code, year, loans from coded
    union all select 'telecom', code, year, telecom from coded
    union all select 'mobile', code, year, mobile from coded
    union all select 'broadband', code, year, broadband from coded
    union all select 'foreign_investment', code, year, foreign_investment from coded
    union all select 'road', code, year, road from coded
),
neighbours as (
    select
        variable, code, year, printed,
        lag_by(printed, year, 1) over series as before1,
        lag_by(printed, year, 2) over series as before2,
        lead_by(printed, year, 1) over series as after1,
        lead_by(printed, year, 2) over series as after2
    from stacked
    window series as (partition by variable, code)
),
filled as (
    select
        variable, code, year, printed,
        case
            when printed is not null then printed
            when before1 is not null and after1 is not null then (before1 + after1) / 2.0
            when before1 is not null and after2 is not null then before1 + (after2 - before1) / 3.0
            when before2 is not null and after1 is not null then before2 + (after1 - before2) * 2.0 / 3.0
        end as filled
    from neighbours
)
select
    variable,
    code as city,
    year,
    filled as amount,
    printed is null and filled is not null as imputed
from filled
