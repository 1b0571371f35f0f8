//! Postcodes of cities: their first four digits are facts (`data/admin/postcodes.csv`), the last two are drawn.
//! Knows nothing of patents.

use crate::cities::City;

const TABLE: &str = include_str!("../admin/postcodes.csv");

/// A postcode of the city. Every city has one; a test says so.
pub fn of(city: &City, draw: &dyn Fn(u64, usize) -> usize) -> String {
    let prefixes = prefixes(city);
    format!("{}{:02}", prefixes[draw(13, prefixes.len())], draw(10, 40))
}

/// Whether none of its prefixes is shared with another city.
pub fn is_certain(city: &City) -> bool {
    let cities = |prefix: &str| rows().filter(|(other, _)| *other == prefix).count();
    prefixes(city).iter().all(|prefix| cities(prefix) == 1)
}

fn prefixes(city: &City) -> Vec<&'static str> {
    rows().filter(|(_, code)| *code == city.code).map(|(prefix, _)| prefix).collect()
}

fn rows() -> impl Iterator<Item = (&'static str, u32)> {
    TABLE.lines().skip(1).map(|line| {
        let mut fields = line.split(',');
        let mut next = || fields.next().expect("`postcodes.csv` is part of this repository and has three columns");
        (next(), next().parse().expect("a code is a whole number"))
    })
}

#[cfg(test)]
mod tests {
    use super::prefixes;
    use crate::cities;

    #[test]
    fn every_city_has_a_postcode() {
        for city in &cities::all() {
            assert!(!prefixes(city).is_empty(), "{}", city.name);
        }
    }
}
