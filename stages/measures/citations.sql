-- One row per citing patent and cited application number. A list longer than 20 is refused by a check of `patent_places`.
select distinct
    patent_places.patent,
    patent_places.year,
    split_part(patent_places.cited, ';', cast(places.place as bigint)) as cited
from patent_places
cross join (
    values (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12), (13), (14), (15), (16), (17), (18), (19), (20)
) as places (place)
where patent_places.cited is not null
    and split_part(patent_places.cited, ';', cast(places.place as bigint)) <> ''
