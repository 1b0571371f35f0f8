-- Addresses that leave a doubt: who could be meant, by name and by postcode, what was chosen, and why.
select
    locality_cities.place,
    locality_cities.prefix,
    locality_cities.year,
    locality_cities.n_addresses,
    locality_cities.example,
    locality_cities.name_candidates,
    locality_cities.postcode_candidates,
    locality_cities.city as chosen,
    cities.name as chosen_name,
    coalesce(locality_cities.placed_by, locality_cities.reason) as because,
    locality_cities.doubt
from locality_cities
left join cities on cities.code = locality_cities.city
where locality_cities.doubt is not null
