//! Prints changes of owners as an office's register: one GB18030 CSV of all years.
//! Every transfer starts from a patent drawn in `patents.rs`; a pilot city hands over more.

use crate::{
    cities::City,
    model::{FIRST_PATENT_YEAR, STUDY_YEARS, Traits, World},
    patent_files::{self, Numbers},
    patents::Patent,
    rng::{self, Stream},
    words,
};

const HEADER: &str = "申请号,生效日,变更前权利人,变更后权利人,变更后地址";

/// The share of patents that are handed over where no pilot raises it.
const SHARE: f64 = 0.025;

/// The bytes of the register.
pub fn file(cities: &[City], traits: &[Traits], patents: &[Vec<Vec<Patent>>], numbers: &Numbers) -> Vec<u8> {
    let mut lines = Vec::new();
    for (index, city) in cities.iter().enumerate() {
        for (offset, patents) in patents[index].iter().enumerate() {
            for (serial, patent) in patents.iter().enumerate() {
                let keys = [city.key(), offset as u64, serial as u64];
                let number = &numbers[index][offset][serial];
                let granted = FIRST_PATENT_YEAR + offset as i32;
                lines.extend(line(cities, &traits[index], patent, number, granted, keys));
            }
        }
    }
    lines.sort_unstable();
    patent_files::encoded(HEADER, &lines)
}

fn line(
    cities: &[City],
    traits: &Traits,
    patent: &Patent,
    number: &str,
    granted: i32,
    keys: [u64; 3],
) -> Option<String> {
    let draw = |what: u64, count: usize| rng::below(Stream::Transfer, &[keys[0], keys[1], keys[2], what], count);
    let year = granted + 1 + draw(0, 4) as i32;
    if year > STUDY_YEARS.1 {
        return None;
    }
    let share = SHARE * core_math::exp(9.0 * traits.effect(year, World::Observed));
    if rng::uniform(Stream::Transfer, &[keys[0], keys[1], keys[2], 1]) >= share {
        return None;
    }
    let before = words::applicant(&cities[patent.city], patent.applicant);
    let index = if draw(2, 4) == 0 { patent.city } else { draw(3, cities.len()) };
    let city = &cities[index];
    // Some hand a patent over to a branch of their own.
    let after = match draw(4, 6) {
        0 => format!("{before}{}分公司", city.short_name()),
        _ => words::applicant(city, 1 + draw(5, 30)),
    };
    let address = patent_files::address(cities, city, year, &draw);
    Some(format!("{number},{year}-{:02}-{:02},{before},{after},{address}", 1 + draw(6, 12), 1 + draw(7, 28)))
}
