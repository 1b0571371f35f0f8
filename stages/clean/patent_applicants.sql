-- One row per patent and applicant, in the order in which they are named.
select patent, place, trim(applicant) as applicant
from (
    select
        patent,
        unnest(range(1, cast(array_length(string_to_array(applicants, ';')) as bigint) + 1)) as place,
        unnest(string_to_array(applicants, ';')) as applicant
    from patents
    where applicants is not null
)
where trim(applicant) <> ''
