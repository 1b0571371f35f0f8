-- One row per citing patent and cited application number, with the citing patent's year by `patent_year`.
select patent, year, trim(cited) as cited
from (
    select
        patent,
        cast(extract(year from coalesce(${patent_year}, granted)) as bigint) as year,
        unnest(array_distinct(string_to_array(replace(cited, ' ', ''), ';'))) as cited
    from patents
    where cited is not null
)
where trim(cited) <> ''
