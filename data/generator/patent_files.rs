//! Prints patents as an office's yearly extract: one GB18030 CSV per year of grant, addresses as free text, cited patents as a list.
//! Draws dates, addresses, names, further classes and citations; what the measures count is drawn in `patents.rs`.

use std::collections::BTreeMap;

use crate::{
    cities::City,
    classes,
    model::{FIRST_PATENT_YEAR, STUDY_YEARS, Traits, World},
    patents::{Kind, Patent},
    postcodes,
    rng::{self, Stream},
    words,
};

const HEADER: &str = "申请号,申请日,公开日,授权日,专利类型,主分类号,副分类号,申请人,地址,引用专利";

/// A patent looks back at most this many years; the study counts five, so some citations are too old to count.
const OLDEST_CITED: i32 = 7;

/// Numbers of all patents: `[city][year][serial]`.
pub type Numbers = Vec<Vec<Vec<String>>>;

/// File name and bytes of every year.
pub fn files(
    cities: &[City],
    traits: &[Traits],
    patents: &[Vec<Vec<Patent>>],
    numbers: &Numbers,
) -> Vec<(String, Vec<u8>)> {
    (FIRST_PATENT_YEAR..=STUDY_YEARS.1)
        .map(|year| {
            let citing = Citing::new(traits, patents, year);
            let mut lines: Vec<String> = Vec::new();
            for index in 0..cities.len() {
                for (serial, patent) in patents[index][offset(year)].iter().enumerate() {
                    let place = Place { index, year, serial };
                    let cited = citing.draw(&place, &cities[index], numbers);
                    lines.push(line(cities, patent, &place, numbers, &cited));
                }
            }
            lines.extend(unplaced(year));
            lines.sort_unstable();
            (format!("patents/patents_{year}.csv"), encoded(HEADER, &lines))
        })
        .collect()
}

/// A GB18030 file with lines as Windows ends them.
pub fn encoded(header: &str, lines: &[String]) -> Vec<u8> {
    let text = format!("{header}\r\n{}\r\n", lines.join("\r\n"));
    let (bytes, _, _) = encoding_rs::GB18030.encode(&text);
    bytes.into_owned()
}

struct Place {
    index: usize,
    year: i32,
    serial: usize,
}

fn offset(year: i32) -> usize {
    (year - FIRST_PATENT_YEAR) as usize
}

/// Twelve digits: year of application, kind, running number of that year.
pub fn numbers(cities: &[City], patents: &[Vec<Vec<Patent>>]) -> Numbers {
    let mut last: BTreeMap<i32, usize> = BTreeMap::new();
    let mut number = |index: usize, year: i32, serial: usize, kind: Kind| {
        let applied = year - lag(&cities[index], year, serial, kind);
        let running = last.entry(applied).or_default();
        *running += 1;
        format!("{applied}{}{:07}", digit(kind), *running * 131)
    };
    patents
        .iter()
        .enumerate()
        .map(|(index, years)| {
            let of_year = |(year, patents): (usize, &Vec<Patent>)| {
                let year = FIRST_PATENT_YEAR + year as i32;
                patents.iter().enumerate().map(|(serial, patent)| number(index, year, serial, patent.kind)).collect()
            };
            years.iter().enumerate().map(of_year).collect()
        })
        .collect()
}

/// Years from application to grant.
fn lag(city: &City, year: i32, serial: usize, kind: Kind) -> i32 {
    let draw = rng::below(Stream::Format, &[city.key(), year as u64, serial as u64, 0], 3) as i32;
    match kind {
        Kind::Invention => 1 + draw,
        Kind::Utility => i32::from(draw > 0),
        Kind::Design => i32::from(draw > 1),
    }
}

fn line(cities: &[City], patent: &Patent, place: &Place, numbers: &Numbers, cited: &str) -> String {
    let city = &cities[place.index];
    let draw = |what: u64, count: usize| {
        rng::below(Stream::Format, &[city.key(), place.year as u64, place.serial as u64, what], count)
    };
    let number = &numbers[place.index][offset(place.year)][place.serial];
    // Applications of the first half, grants of the second: no grant can come before its application.
    let applied = format!("{}-{:02}-{:02}", &number[..4], 1 + draw(1, 6), 1 + draw(2, 28));
    let granted = format!("{}-{:02}-{:02}", place.year, 7 + draw(3, 6), 1 + draw(4, 28));
    let kind = match patent.kind {
        Kind::Invention => "发明",
        Kind::Utility => "实用新型",
        Kind::Design => "外观设计",
    };
    let class = match patent.kind {
        Kind::Design => patent.class.clone(),
        _ => format!("{}{}/{:02}", patent.class, 1 + draw(5, 29), draw(6, 40)),
    };
    let further = further_classes(city, patent, &draw);
    // An invention is published within a year, before any grant; the other kinds are published with their grant.
    let published = match patent.kind {
        Kind::Invention => {
            let month = 1 + draw(1, 6) + 6 + draw(14, 7);
            let year: i32 = number[..4].parse().unwrap_or(place.year);
            format!("{}-{:02}-{:02}", year + (month as i32 - 1) / 12, (month - 1) % 12 + 1, 1 + draw(15, 28))
        }
        _ => String::new(),
    };
    let applicants = applicants(cities, patent, &draw);
    let address = address(cities, city, number[..4].parse().unwrap_or(place.year), &draw);
    format!("{number},{applied},{published},{granted},{kind},{class},{further},{applicants},{address},{cited}")
}

/// The first applicant, its partner, and now and then a third: a person, or an institution of one more city.
fn applicants(cities: &[City], patent: &Patent, draw: &dyn Fn(u64, usize) -> usize) -> String {
    let city = &cities[patent.city];
    let mut applicants = words::applicant(city, patent.applicant);
    let mut add = |name: String| {
        applicants.push(';');
        applicants.push_str(&name);
    };
    if let Some(partner) = patent.partner {
        add(words::applicant(&cities[partner], 1 + draw(7, 30)));
        let third = &cities[draw(16, cities.len())];
        if draw(17, 20) == 0 && third.in_study {
            add(words::applicant(third, 1 + draw(18, 30)));
        }
    }
    if draw(19, 25) == 0 {
        add(words::person(draw(20, words::PERSONS)));
    }
    applicants
}

/// None, one or two classes besides the main one, in what the city knows best.
fn further_classes(city: &City, patent: &Patent, draw: &dyn Fn(u64, usize) -> usize) -> String {
    let count = match (patent.kind, draw(21, 10)) {
        (Kind::Design, _) | (_, 0..6) => 0,
        (_, 6..9) => 1,
        _ => 2,
    };
    let class = |number: u64| {
        let subclass = classes::core(city.key(), draw(22 + 3 * number, 1000) as f64 / 1000.0);
        format!("{subclass}{}/{:02}", 1 + draw(23 + 3 * number, 29), draw(24 + 3 * number, 40))
    };
    (0..count).map(class).collect::<Vec<_>>().join(";")
}

fn digit(kind: Kind) -> u8 {
    match kind {
        Kind::Invention => 1,
        Kind::Utility => 2,
        Kind::Design => 3,
    }
}

/// The address keeps the city's name of the year. A few lack the postcode, the province or the city, have a wide blank, a
/// city without 市, or the postcode of another place.
pub fn address(cities: &[City], city: &City, year: i32, draw: &dyn Fn(u64, usize) -> usize) -> String {
    let name = city.name_in(year);
    let province = if city.province == name { "" } else { city.province };
    let street = format!("{}{}号", words::street(draw(8, words::STREETS)), 1 + draw(9, 99));
    let postcode = postcodes::of(city, draw);
    match draw(11, 400) {
        0 | 1 => format!("{province}{name}{street}"),
        2 | 3 => format!("{postcode}\u{3000}{province}{name}{street}"),
        4 | 5 => format!("{postcode} {name}{street}"),
        6 if postcodes::is_certain(city) => format!("{postcode} {street}"),
        7 => format!("{} {province}{name}{street}", postcodes::of(&cities[draw(12, cities.len())], draw)),
        8 => format!("{postcode} {}{street}", city.short_name_in(year)),
        _ => format!("{postcode} {province}{name}{street}"),
    }
}

/// Applicants from abroad and addresses without a city: they must be listed, not guessed.
fn unplaced(year: i32) -> Vec<String> {
    let places = ["日本东京都千代田区", "美国加利福尼亚州", "999077 香港特别行政区九龙", "德国慕尼黑", "通信信箱7号"];
    (0..8_u64)
        .map(|serial| {
            let draw = |what: u64, count: usize| rng::below(Stream::Format, &[year as u64, serial, what], count);
            let (month, day) = (7 + draw(0, 6), 1 + draw(1, 28));
            let class = 1 + draw(2, 20);
            let place = places[draw(3, places.len())];
            let applied = year - 2;
            format!(
                "{applied}19{serial:06},{applied}-03-{day:02},{applied}-12-{day:02},{year}-{month:02}-{day:02},发明,H04L{class}/00,,境外申请人{serial},{place},"
            )
        })
        .collect()
}

/// Who is cited by the patents of one year: cities in proportion to their patents of the cited year,
/// raised where a pilot spreads knowledge; a fifth of all citations stay in the city.
struct Citing<'a> {
    patents: &'a [Vec<Vec<Patent>>],
    /// Cumulated weights of the cities for every cited year, latest first.
    weights: Vec<Vec<f64>>,
}

impl<'a> Citing<'a> {
    fn new(traits: &[Traits], patents: &'a [Vec<Vec<Patent>>], year: i32) -> Self {
        let of_year = |cited: i32| {
            let mut total = 0.0;
            let weight = |(index, city): (usize, &Traits)| {
                let pull = core_math::exp(9.0 * city.effect(year, World::Observed));
                total += patents[index][offset(cited)].len() as f64 * pull;
                total
            };
            traits.iter().enumerate().map(weight).collect()
        };
        let first = (year - OLDEST_CITED).max(FIRST_PATENT_YEAR);
        Self { patents, weights: (first..year).rev().map(of_year).collect() }
    }

    fn draw(&self, place: &Place, city: &City, numbers: &Numbers) -> String {
        if self.weights.is_empty() {
            return String::new();
        }
        let draw =
            |what: u64| rng::uniform(Stream::Citation, &[city.key(), place.year as u64, place.serial as u64, what]);
        let count = [0, 0, 1, 1, 2][(draw(0) * 5.0) as usize % 5];
        let mut cited: Vec<&str> = Vec::new();
        for citation in 0..count {
            let what = 10 * (citation + 1);
            // The square makes young patents more frequent.
            let age = (self.weights.len() as f64 * draw(what) * draw(what)) as usize;
            let index = if draw(what + 1) < 0.2 { place.index } else { self.city(age, draw(what + 2)) };
            let year = offset(place.year - 1 - age as i32);
            let choices = self.patents[index][year].len();
            if choices > 0 {
                cited.push(&numbers[index][year][((draw(what + 3) * choices as f64) as usize).min(choices - 1)]);
            }
        }
        cited.sort_unstable();
        cited.dedup();
        cited.join(";")
    }

    fn city(&self, age: usize, draw: f64) -> usize {
        let cumulated = &self.weights[age];
        let target = draw * cumulated.last().copied().unwrap_or(0.0);
        cumulated.partition_point(|&value| value <= target).min(cumulated.len() - 1)
    }
}
