-- The alternatives of `attention` (METHODS 4.1 and 4.2), by dictionary: all terms, the core, the core without 创新. Greedy and overlapping
-- counts over Han characters, and sentences with at least one term over all sentences; in per cent.
select
    report_terms.dictionary,
    report_names.city,
    report_names.year,
    100.0 * cast(sum(report_terms.characters_longest) as double) / nullif(cast(sum(report_terms.n_han) as double), 0.0) as attention_longest,
    100.0 * cast(sum(report_terms.characters_overlapping) as double) / nullif(cast(sum(report_terms.n_han) as double), 0.0) as attention_overlapping,
    100.0 * cast(sum(report_terms.sentences_with_terms) as double) / nullif(cast(sum(report_terms.n_sentences) as double), 0.0) as attention_sentences
from report_terms
join report_names on report_names.printed = report_terms.city and report_names.year = report_terms.year
where report_names.in_study and not report_terms.fragment
group by report_terms.dictionary, report_names.city, report_names.year
