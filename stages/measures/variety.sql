-- Technological variety (METHODS 1.5; Frenken et al. 2007): entropy of IPC subclasses in bits, between sections (unrelated) and
-- within them (related); the total is their sum. A patent counts once, by its main class. Designs have no class; below
-- ${min_patents} patents with one there is no measure.
with subclasses as (
    select city, year, substr(subclass, 1, 1) as section, subclass, count(*) as n
    from patent_places
    where in_study and subclass is not null
    group by city, year, subclass
),
sections as (
    select city, year, section, cast(sum(n) as double) as n, entropy(n, 2) as within_section
    from subclasses
    group by city, year, section
),
between_sections as (
    select city, year, sum(n) as n, entropy(n, 2) as unrelated_variety, sum(n * within_section) / nullif(sum(n), 0.0) as related_variety
    from sections
    group by city, year
),
totals as (
    select city, year, entropy(n, 2) as total_variety, 1.0 - herfindahl(n) as diversity
    from subclasses
    group by city, year
)
select
    totals.city,
    totals.year,
    cast(between_sections.n as bigint) as classified_patents,
    case when between_sections.n >= ${min_patents} then totals.total_variety end as total_variety,
    case when between_sections.n >= ${min_patents} then between_sections.unrelated_variety end as unrelated_variety,
    case when between_sections.n >= ${min_patents} then between_sections.related_variety end as related_variety,
    case when between_sections.n >= ${min_patents} then totals.diversity end as diversity,
    case when between_sections.n < ${min_patents} then 'MISSING_INPUT' end as null_code
from totals
join between_sections on between_sections.city = totals.city and between_sections.year = totals.year
