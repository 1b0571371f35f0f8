//! The cities: codes, names, provinces and coordinates are facts (`cities.csv`); everything else about them is drawn elsewhere.
//! Knows which names a yearbook printed in which data year; knows no model.

/// A city as the administrative table has it.
pub struct City {
    /// Six-digit administrative code.
    pub code: u32,
    /// Name today, with 市.
    pub name: &'static str,
    /// Province, region or municipality.
    pub province: &'static str,
    /// `east`, `central` or `west`, three-zone scheme.
    pub region: &'static str,
    /// 1 municipality, 2 provincial capital or city with an own line in the state plan, 3 other.
    pub tier: u8,
    /// One of the 284.
    pub in_study: bool,
    /// First and last data year with a row in the yearbook.
    pub printed: (i32, i32),
    /// Of its seat, in degrees, as text; empty where the city no longer exists.
    pub longitude: &'static str,
    /// See `longitude`.
    pub latitude: &'static str,
}

/// A former name: `(code, name, last year-end with this name)`.
pub const FORMER_NAMES: [(u32, &str, i32); 2] = [(420600, "襄樊市", 2009), (530800, "思茅市", 2006)];

const TABLE: &str = include_str!("cities.csv");

impl City {
    /// The name at the end of `year`.
    pub fn name_in(&self, year: i32) -> &'static str {
        FORMER_NAMES
            .iter()
            .find(|(code, _, last)| *code == self.code && year <= *last)
            .map_or(self.name, |(_, name, _)| *name)
    }

    /// The name without 市, as addresses and firm names use it.
    pub fn short_name(&self) -> &'static str {
        self.name.trim_end_matches('市')
    }

    /// The name at the end of `year` without 市.
    pub fn short_name_in(&self, year: i32) -> &'static str {
        self.name_in(year).trim_end_matches('市')
    }

    /// The key under which everything about this city is drawn.
    pub fn key(&self) -> u64 {
        u64::from(self.code)
    }

    /// Whether the yearbook with this data year has a row for the city.
    pub fn is_printed_in(&self, year: i32) -> bool {
        (self.printed.0..=self.printed.1).contains(&year)
    }
}

/// All cities that appear in any file, in the order of their codes.
pub fn all() -> Vec<City> {
    TABLE.lines().skip(1).map(parse).collect()
}

fn parse(line: &'static str) -> City {
    let fields: Vec<&'static str> = line.split(',').collect();
    let number = |index: usize| {
        fields[index].parse::<i32>().expect("`cities.csv` is part of this crate and has whole numbers here")
    };
    City {
        code: number(0) as u32,
        name: fields[1],
        province: fields[2],
        region: fields[3],
        tier: number(4) as u8,
        in_study: number(5) == 1,
        printed: (number(6), number(7)),
        longitude: fields[8],
        latitude: fields[9],
    }
}

#[cfg(test)]
mod tests {
    use super::all;

    #[test]
    fn the_study_has_284_cities_and_each_edition_its_own_count() {
        let cities = all();
        assert_eq!(cities.iter().filter(|city| city.in_study).count(), 284);
        let rows = |year| cities.iter().filter(|city| city.is_printed_in(year)).count();
        let expected = [(2006, 287), (2010, 287), (2011, 288), (2013, 289), (2018, 289), (2020, 289)];
        for (year, count) in expected {
            assert_eq!(rows(year), count, "data year {year}");
        }
        assert!(cities.iter().all(|city| !city.in_study || city.printed == (2006, 2020)));
    }

    #[test]
    fn every_city_of_the_study_is_somewhere_in_china() {
        for city in all().iter().filter(|city| city.in_study) {
            let degrees = |text: &str| text.parse::<f64>().expect("a number");
            assert!((73.0..136.0).contains(&degrees(city.longitude)), "{}", city.name);
            assert!((18.0..54.0).contains(&degrees(city.latitude)), "{}", city.name);
        }
    }

    #[test]
    fn a_renamed_city_has_the_name_of_the_year() {
        let cities = all();
        let name = |code, year| cities.iter().find(|city| city.code == code).map(|city| city.name_in(year));
        assert_eq!(name(420600, 2009), Some("襄樊市"));
        assert_eq!(name(420600, 2010), Some("襄阳市"));
        assert_eq!(name(530800, 2006), Some("思茅市"));
    }
}
