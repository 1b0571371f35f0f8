//! Writes series that no yearbook of cities has: contracts of the technology market, residents, the market index of provinces, the index of digital
//! finance, telephones of 1984 and users of the internet. Only the last are facts. Knows no spreadsheet, and moves no draw of any other module.

use std::collections::BTreeSet;

use crate::{
    cities::City,
    economy::economy,
    model::{STUDY_YEARS, Traits, World},
    rng::{self, Stream},
};

/// Users of the internet in China, millions at the end of the year, from 2006 on.
const INTERNET_USERS: [u32; 15] = [137, 210, 298, 384, 457, 513, 564, 618, 649, 688, 731, 772, 829, 904, 989];

/// First and last year of the market index: editions before and after it have another base.
const MARKET_YEARS: (i32, i32) = (2008, 2019);

/// First year of the index of digital finance.
const FIRST_DIGITAL_YEAR: i32 = 2011;

/// The census before which a few cities counted registered persons alone.
const CENSUS: i32 = 2010;

/// `technology/contracts.csv`: turnover of technology contracts in 10,000 yuan, sold and bought. Most cities begin to publish it within the
/// years of the study, and leave out single years.
pub fn contracts(cities: &[City], traits: &[Traits]) -> String {
    let mut text = String::from("code,year,sold,bought\n");
    for (city, traits) in cities.iter().zip(traits).filter(|(city, _)| city.in_study) {
        let fixed = |what: u64| rng::normal(Stream::Contracts, &[city.key(), what]).clamp(-2.5, 2.5);
        let start = if city.tier < 3 { 0 } else { rng::below(Stream::Contracts, &[city.key(), 9], 9) as i32 };
        for year in STUDY_YEARS.0 + start..=STUDY_YEARS.1 {
            if rng::uniform(Stream::Contracts, &[city.key(), 10, year as u64]) < 0.02 {
                continue;
            }
            let moves = |what: u64| rng::normal(Stream::Contracts, &[city.key(), what, year as u64]);
            let gdp = economy(city, traits, year, World::Observed).gdp;
            let common = 6.0 * traits.capacity(year, World::Observed)
                + 2.0 * traits.effect(year, World::Observed)
                + 0.04 * f64::from(year - STUDY_YEARS.0);
            let sold = gdp * core_math::exp(-5.6 + common + 0.6 * fixed(0) + 0.15 * moves(1));
            let bought = gdp * core_math::exp(-5.3 + common + 0.4 * fixed(2) + 0.15 * moves(3));
            text.push_str(&format!("{},{year},{sold:.0},{bought:.0}\n", city.code));
        }
    }
    text
}

/// `admin/residents.csv`: residents and those of them in towns, in 10,000 persons.
pub fn residents(cities: &[City], traits: &[Traits]) -> String {
    let mut text = String::from("code,year,residents,urban_residents\n");
    for (city, traits) in cities.iter().zip(traits).filter(|(city, _)| city.in_study) {
        let fixed = |what: u64| rng::normal(Stream::Residents, &[city.key(), what]).clamp(-2.5, 2.5);
        let unknown = rng::uniform(Stream::Residents, &[city.key(), 9]) < 0.04;
        for year in STUDY_YEARS.0..=STUDY_YEARS.1 {
            if unknown && year < CENSUS {
                continue;
            }
            let time = f64::from(year - STUDY_YEARS.0);
            let moves = rng::normal(Stream::Residents, &[city.key(), 2, year as u64]);
            let population = economy(city, traits, year, World::Observed).population;
            let residents = population * (0.97 + 0.08 * f64::from(3 - city.tier) + 0.06 * fixed(0)).max(0.7);
            let share = 0.41 + 0.12 * f64::from(3 - city.tier) + 0.07 * fixed(1) + 0.0125 * time + 0.004 * moves;
            text.push_str(&format!("{},{year},{residents:.2},{:.2}\n", city.code, residents * share.clamp(0.15, 0.98)));
        }
    }
    text
}

/// `admin/market_index.csv`: by province; an index of cities does not exist.
pub fn market_index(cities: &[City]) -> String {
    let provinces: BTreeSet<(&str, &str)> = cities.iter().map(|city| (city.province, city.region)).collect();
    let mut text = String::from("province,year,index\n");
    for (number, (province, region)) in provinces.iter().enumerate() {
        let place = match *region {
            "east" => 1.3,
            "central" => 0.0,
            _ => -1.1,
        };
        let fixed = rng::normal(Stream::Market, &[number as u64]).clamp(-2.0, 2.0);
        for year in MARKET_YEARS.0..=MARKET_YEARS.1 {
            let moves = rng::normal(Stream::Market, &[number as u64, year as u64]);
            let index = 6.1 + place + 0.7 * fixed + 0.13 * f64::from(year - MARKET_YEARS.0) + 0.12 * moves;
            text.push_str(&format!("{province},{year},{index:.3}\n"));
        }
    }
    text
}

/// `admin/digital_finance.csv`: an index of digital finance, which begins with the fifth year of the study.
pub fn digital_finance(cities: &[City], traits: &[Traits]) -> String {
    let mut text = String::from("code,year,index\n");
    for (city, traits) in cities.iter().zip(traits).filter(|(city, _)| city.in_study) {
        let fixed = rng::normal(Stream::DigitalFinance, &[city.key()]).clamp(-2.5, 2.5);
        for year in FIRST_DIGITAL_YEAR..=STUDY_YEARS.1 {
            let time = f64::from(year - FIRST_DIGITAL_YEAR);
            let moves = rng::normal(Stream::DigitalFinance, &[city.key(), year as u64]);
            let index = 52.0 + 34.0 * time - 1.1 * time * time
                + 5.0 * traits.level
                + 6.0 * fixed
                + 220.0 * traits.effect(year, World::Observed)
                + 3.0 * moves;
            text.push_str(&format!("{},{year},{index:.2}\n", city.code));
        }
    }
    text
}

/// `admin/telephones_1984.csv`: telephones per 100 persons in 1984. Pilots had more of them, and nothing else follows from them: with the users
/// of the internet they make an instrument that is valid by construction.
pub fn telephones(cities: &[City], traits: &[Traits]) -> String {
    let mut text = String::from("code,telephones_per_100\n");
    for (city, traits) in cities.iter().zip(traits).filter(|(city, _)| city.in_study) {
        let pilot = f64::from(u8::from(traits.first_year.is_some()));
        let fixed = rng::normal(Stream::Telephones, &[city.key()]).clamp(-2.5, 2.5);
        text.push_str(&format!("{},{:.2}\n", city.code, core_math::exp(-1.0 + 0.7 * pilot + 0.4 * fixed)));
    }
    text
}

/// `admin/internet_users.csv`.
pub fn internet_users() -> String {
    let rows = INTERNET_USERS.iter().enumerate().map(|(index, users)| format!("{},{users}\n", 2006 + index));
    format!("year,million_users\n{}", rows.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::{contracts, digital_finance, market_index, residents, telephones};
    use crate::{cities, model};

    #[test]
    fn series_begin_and_end_where_they_should() {
        let cities = cities::all();
        let traits = model::traits(&cities);
        let years = |text: &str| {
            let years = text.lines().skip(1).filter_map(|line| line.split(',').nth(1)?.parse::<i32>().ok());
            years.fold((i32::MAX, i32::MIN), |(first, last), year| (first.min(year), last.max(year)))
        };
        assert_eq!(years(&market_index(&cities)), (2008, 2019));
        assert_eq!(years(&digital_finance(&cities, &traits)), (2011, 2020));
        let whole = digital_finance(&cities, &traits).lines().count() - 1;
        assert_eq!(whole, 284 * 10);
        assert_eq!(telephones(&cities, &traits).lines().count() - 1, 284);
        // Incomplete, and more so in the first years.
        let count = contracts(&cities, &traits).lines().count() - 1;
        assert!((2_000..3_500).contains(&count), "{count}");
    }

    #[test]
    fn towns_hold_a_part_of_the_residents() {
        let cities = cities::all();
        let traits = model::traits(&cities);
        for line in residents(&cities, &traits).lines().skip(1) {
            let numbers: Vec<f64> = line.split(',').filter_map(|field| field.parse().ok()).collect();
            assert!(numbers[3] > 0.1 * numbers[2] && numbers[3] < numbers[2], "{line}");
        }
    }
}
