-- Changes of owners with the parts of the new owner's address, as `patent_records` has them.
with parts as (
    select
        patent,
        effective,
        owner_before,
        owner_after,
        case when regexp_like(address_after, '^[0-9]{6}') then left(address_after, ${postcode_digits}) else '' end as prefix,
        regexp_replace(regexp_replace(address_after, '^([0-9]{6})?[\s　]*(中国)?', ''), '[\s　]+', '', 'g') as street
    from transfers
)
select
    patent,
    effective,
    cast(extract(year from effective) as bigint) as year,
    owner_before,
    owner_after,
    prefix,
    coalesce(left(regexp_replace(street, '^(.{1,19}?(市|地区|盟|自治州)).*$', '\1'), 20), '') as place
from parts
