//! Writes the administrative tables: codes, coordinates, names with their years, exchange rate, price index, growth of
//! investment. Codes, names and events are facts; prices and growth are drawn.

use std::collections::BTreeSet;

use crate::{
    cities::{City, FORMER_NAMES},
    economy::economy,
    model::{STUDY_YEARS, Traits, World},
    rng::{self, Stream},
};

/// Yuan per US dollar, annual mean of the middle rate, from 2006 on.
const EXCHANGE: [f64; 15] = [
    7.9718, 7.6040, 6.9451, 6.8310, 6.7695, 6.4588, 6.3125, 6.1932, 6.1428, 6.2284, 6.6423, 6.7518, 6.6174, 6.8985,
    6.8976,
];

/// The last data year in which the yearbook prints a level of investment.
const LAST_LEVEL: i32 = 2017;

/// What happened to the cities that are not in the study or changed their name: first and last year-end, event, successor, source.
const HISTORY: [(u32, i32, i32, &str, &str, &str); 9] = [
    (341_400, 2000, 2010, "abolished 2011; divided among 合肥 芜湖 马鞍山", "", "国函〔2011〕84号"),
    (371_200, 2000, 2018, "merged into 济南 2019", "370100", "国函〔2018〕163号"),
    (520_500, 2011, 9999, "made a city 2011", "", "国函〔2011〕130号"),
    (520_600, 2011, 9999, "made a city 2011", "", "国函〔2011〕131号"),
    (630_200, 2013, 9999, "made a city 2013", "", "国函〔2013〕23号"),
    (460_300, 2012, 9999, "made a city 2012", "", "民政部公告 2012-06-21"),
    (540_100, 2000, 9999, "Tibet: not covered by most series", "", "division codes"),
    (420_600, 2010, 9999, "renamed from 襄樊 2010", "", "国函〔2010〕129号"),
    (530_800, 2007, 9999, "renamed from 思茅 2007", "", "国函〔2007〕8号"),
];

/// `admin/cities.csv`.
pub fn cities(cities: &[City]) -> String {
    let mut text = String::from("code,name,province,region,municipality,in_study,excluded_because\n");
    for city in cities {
        let reason = if city.in_study { "" } else { history(city.code).map_or("", |entry| entry.3) };
        let (municipality, in_study) = (city.tier == 1, city.in_study);
        text.push_str(&format!(
            "{},{},{},{},{municipality},{in_study},{reason}\n",
            city.code, city.name, city.province, city.region
        ));
    }
    text
}

/// `admin/coordinates.csv`: where the seats of the cities of the study are, in degrees.
pub fn coordinates(cities: &[City]) -> String {
    let rows = cities.iter().filter(|city| city.in_study);
    let rows = rows.map(|city| format!("{},{},{}\n", city.code, city.longitude, city.latitude));
    format!("code,longitude,latitude\n{}", rows.collect::<String>())
}

/// `admin/names.csv`: every name as printed, with and without 市, and the year-ends at which it was in force.
pub fn names(cities: &[City]) -> String {
    let mut text = String::from("name,code,valid_from,valid_to,event,successor_code,source\n");
    for city in cities {
        let (from, to, event, successor, source) = history(city.code)
            .map_or((2000, 9999, "", "", "division codes"), |&(_, from, to, event, successor, source)| {
                (from, to, event, successor, source)
            });
        let former = FORMER_NAMES
            .iter()
            .filter(|(code, _, _)| *code == city.code)
            .map(|(_, name, last)| (*name, 2000, *last, "renamed"));
        for (name, from, to, event) in former.chain([(city.name, from, to, event)]) {
            for printed in [name, name.trim_end_matches('市')] {
                text.push_str(&format!("{printed},{},{from},{to},{event},{successor},{source}\n", city.code));
            }
        }
    }
    text
}

/// `admin/exchange_rate.csv`.
pub fn exchange_rate() -> String {
    let rows = EXCHANGE.iter().enumerate().map(|(index, rate)| format!("{},{rate:.4}\n", 2006 + index));
    format!("year,yuan_per_dollar\n{}", rows.collect::<String>())
}

/// `admin/price_index.csv`: consumer prices by province, previous year = 100.
pub fn price_index(cities: &[City]) -> String {
    let provinces: BTreeSet<&str> = cities.iter().map(|city| city.province).collect();
    let mut text = String::from("province,year,index\n");
    for (number, province) in provinces.iter().enumerate() {
        for year in STUDY_YEARS.0 - 1..=STUDY_YEARS.1 {
            let common = 2.3 + 1.5 * rng::normal(Stream::Policy, &[7, year as u64]).clamp(-1.5, 2.0);
            let own = 0.3 * rng::normal(Stream::Policy, &[8, number as u64, year as u64]);
            text.push_str(&format!("{province},{year},{:.1}\n", 100.0 + common + own));
        }
    }
    text
}

/// `admin/investment_growth.csv`: growth of investment in per cent in the years without a level in the yearbook.
pub fn investment_growth(cities: &[City], traits: &[Traits]) -> String {
    let mut text = String::from("code,year,growth_percent\n");
    for (city, traits) in cities.iter().zip(traits).filter(|(city, _)| city.in_study) {
        let investment = |year| economy(city, traits, year, World::Observed).investment;
        for year in LAST_LEVEL + 1..=STUDY_YEARS.1 {
            let growth = 100.0 * (investment(year) / investment(year - 1) - 1.0);
            text.push_str(&format!("{},{year},{growth:.1}\n", city.code));
        }
    }
    text
}

fn history(code: u32) -> Option<&'static (u32, i32, i32, &'static str, &'static str, &'static str)> {
    HISTORY.iter().find(|entry| entry.0 == code)
}
