-- One row per patent, its texts taken apart: the year by `patent_year` (utility models and designs are published with their grant),
-- subclasses, applicants, and of the address the first digits of the postcode and the text up to the first name of a city.
-- An address keeps the names of the day of filing.
with parts as (
    select
        patent,
        cast(extract(year from coalesce(${patent_year}, granted)) as bigint) as year,
        cast(extract(year from applied) as bigint) as filed,
        kind,
        case when kind <> '外观设计' then classification || coalesce(';' || further_classes, '') end as classes,
        applicants,
        case when regexp_like(address, '^[0-9]{6}') then left(address, ${postcode_digits}) else '' end as prefix,
        regexp_replace(regexp_replace(address, '^([0-9]{6})?[\s　]*(中国)?', ''), '[\s　]+', '', 'g') as street
    from patents
)
select
    patent,
    year,
    filed,
    kind,
    substr(classes, 1, 4) as subclass,
    array_to_string(array_distinct(string_to_array(regexp_replace(classes, '\s*([A-Z][0-9]{2}[A-Z])[^;]*', '\1', 'g'), ';')), ';') as subclasses,
    trim(split_part(applicants, ';', 1)) as applicant,
    coalesce(cast(array_length(string_to_array(applicants, ';')) as bigint), 0) as n_applicants,
    prefix,
    coalesce(left(regexp_replace(street, '^(.{1,19}?(市|地区|盟|自治州)).*$', '\1'), 20), '') as place
from parts
