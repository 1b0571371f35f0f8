-- Attention to science and technology (METHODS 4.1, variant `overlapping`): every occurrence of every term of the dictionary counts,
-- also inside a longer term, so 科技创新 counts for 科技, 创新 and 科技创新. Occurrences weigh their characters and are
-- divided by the report's Han characters; in per cent. A missing report or a fragment gives no value.
select
    report_names.city,
    report_names.year,
    cast(sum(report_terms.n_han) as bigint) as report_characters,
    cast(sum(report_terms.terms_overlapping) as double) as attention_terms,
    100.0 * cast(sum(report_terms.characters_overlapping) as double) / nullif(cast(sum(report_terms.n_han) as double), 0.0) as attention
from report_terms
join report_names on report_names.printed = report_terms.city and report_names.year = report_terms.year
where report_terms.dictionary = 'full' and report_names.in_study and not report_terms.fragment
group by report_names.city, report_names.year
