-- The instrument (METHODS 9.14): telephones per 100 persons in 1984 times the country's users of the internet in the year before, in hundred millions.
-- The first varies between cities, the second over the years, so the product is not absorbed by their effects.
select
    city_years.city,
    city_years.year,
    telephones.telephones * internet_users.internet_users / 100.0 as telephone_internet
from city_years
left join telephones on telephones.city = city_years.city
left join internet_users on internet_users.year = city_years.year - 1
