-- Attention to science and technology (METHODS 4.1, variant `overlapping`): every occurrence of every term of the dictionary counts,
-- also inside a longer term, so 科技创新 counts for 科技, 创新 and 科技创新. Occurrences weigh their characters and are
-- divided by the report's Han characters; in per cent. A missing report or a fragment gives no value.
with counted as (
    select
        report_places.city,
        report_places.year,
        report_places.n_han,
        (character_length(report_places.body) - character_length(replace(report_places.body, dictionary.term, ''))) as n_characters,
        character_length(dictionary.term) as term_length
    from report_places
    cross join dictionary
    where report_places.counts
)
select
    city,
    year,
    max(n_han) as report_characters,
    sum(cast(n_characters as double) / cast(term_length as double)) as attention_terms,
    100.0 * cast(sum(n_characters) as double) / nullif(cast(max(n_han) as double), 0.0) as attention
from counted
group by city, year
