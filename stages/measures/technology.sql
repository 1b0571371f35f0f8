-- What a city's patents of a year are about and who holds them: entropy of subclasses in bits (designs have none), share of the
-- largest applicant, share of subclasses in which the city had no patent before. Below ${min_patents} patents there is no measure.
-- With `classes: main` a patent counts in its main subclass, with `fractional` equally in all of its subclasses.
with placed as (
    select city, year, subclass, subclasses, applicant from patent_places where in_study
),
classified as (
    select
        city,
        year,
        unnest(string_to_array(case when '${classes}' = 'main' then subclass else subclasses end, ';')) as subclass,
        case when '${classes}' = 'main' then 1.0 else 1.0 / cast(array_length(string_to_array(subclasses, ';')) as double) end as share
    from placed
    where subclass is not null
),
subclasses as (
    select city, year, subclass, sum(share) as n
    from classified
    group by city, year, subclass
),
entries as (
    select city, subclass, min(year) as entry_year from subclasses group by city, subclass
),
diversity as (
    select
        subclasses.city,
        subclasses.year,
        entropy(subclasses.n, 2) as technology_diversity,
        avg(case when entries.entry_year = subclasses.year then 1.0 else 0.0 end) as new_class_share
    from subclasses
    join entries on entries.city = subclasses.city and entries.subclass = subclasses.subclass
    group by subclasses.city, subclasses.year
),
applicants as (
    select city, year, applicant, cast(count(*) as double) as n
    from placed
    group by city, year, applicant
),
concentration as (
    select city, year, sum(n) as patents, max(n) / nullif(sum(n), 0.0) as top_applicant_share
    from applicants
    group by city, year
)
select
    concentration.city,
    concentration.year,
    diversity.technology_diversity,
    diversity.new_class_share,
    concentration.top_applicant_share
from concentration
left join diversity on diversity.city = concentration.city and diversity.year = concentration.year
where concentration.patents >= ${min_patents}
