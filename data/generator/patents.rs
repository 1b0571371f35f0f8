//! The patents granted to a city in a year: kind, class, applicants, and who is cited.
//! Knows nothing of files and formats; `patent_files.rs` prints what is drawn here.

use crate::{
    cities::City,
    classes,
    model::{FIRST_PATENT_YEAR, STUDY_YEARS, Traits, World},
    rng::{self, Stream},
};

/// The three kinds of patents in China.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Invention,
    Utility,
    Design,
}

/// One granted patent.
pub struct Patent {
    /// Index of the city of the first applicant.
    pub city: usize,
    /// Its kind.
    pub kind: Kind,
    /// Four characters of the international classification; designs have a Locarno class instead.
    pub class: String,
    /// Rank of the applicant in its city; 0 is the one that dominates.
    pub applicant: usize,
    /// Index of the city of a second applicant.
    pub partner: Option<usize>,
}

/// Growth of the number of grants by year from 2005 on. The dip of 2014 is the trap of METHODS 1.1:
/// national growth near zero makes the ratio of the Martin index explode.
const GROWTH: [f64; 16] =
    [0.10, 0.11, 0.09, 0.08, 0.10, 0.09, 0.07, 0.06, 0.05, -0.022, 0.06, 0.05, 0.06, 0.06, 0.05, 0.10];

/// Cities outside the study hold few patents; they are there to be dropped by name.
const OUTSIDE_PATENTS: usize = 3;

/// All patents of one city, by year from `FIRST_PATENT_YEAR` on.
pub fn of_city(cities: &[City], index: usize, traits: &Traits, world: World) -> Vec<Vec<Patent>> {
    let city = &cities[index];
    (FIRST_PATENT_YEAR..=STUDY_YEARS.1)
        .map(|year| {
            let count = count(city, traits, year, world);
            (0..count).map(|serial| patent(cities, index, traits, (year, serial as u64), world)).collect()
        })
        .collect()
}

fn count(city: &City, traits: &Traits, year: i32, world: World) -> usize {
    if !city.in_study {
        return if city.is_printed_in(year) { OUTSIDE_PATENTS } else { 0 };
    }
    let capacity = traits.capacity(year, world);
    let trend: f64 = (FIRST_PATENT_YEAR..year).map(|past| GROWTH[(past - FIRST_PATENT_YEAR) as usize]).sum();
    let spread = (0.19 - 1.0 * capacity).clamp(0.08, 0.4);
    let noise = spread * rng::normal(Stream::Patents, &[city.key(), year as u64]);
    let expected = core_math::exp(1.93 + 0.36 * traits.size + 2.5 * capacity + trend + noise);
    (expected.round() as usize).max(4)
}

fn patent(cities: &[City], index: usize, traits: &Traits, (year, serial): (i32, u64), world: World) -> Patent {
    let key = cities[index].key();
    let draw = |what: u64| rng::uniform(Stream::PatentDetail, &[key, year as u64, serial, what]);
    let capacity = traits.capacity(year, world);
    let invention = (0.30 + capacity + 0.006 * f64::from(year - 2012)).clamp(0.04, 0.9);
    // The first patent of a year is no design, so that the technology measures are defined everywhere.
    let kind = if draw(0) < invention {
        Kind::Invention
    } else if serial > 0 && draw(1) < 0.25 {
        Kind::Design
    } else {
        Kind::Utility
    };
    let novel = (0.20 + 1.1 * capacity).clamp(0.02, 0.8);
    let class = match kind {
        Kind::Design => classes::locarno(draw(2)),
        _ if draw(3) < novel => classes::rare(draw(4)),
        _ => classes::core(key, draw(4)),
    };
    let dominated = (0.21 - capacity).clamp(0.03, 0.6);
    let applicant = if draw(5) < dominated { 0 } else { 1 + (draw(6) * 30.0) as usize };
    let joint = (0.21 + 0.8 * capacity).clamp(0.004, 0.6);
    let partner = (draw(7) < joint).then(|| partner(cities, index, draw(8))).flatten();
    Patent { city: index, kind, class, applicant, partner }
}

/// Any other city of the study with equal chance; the draw that hits the city itself makes no partner.
fn partner(cities: &[City], index: usize, draw: f64) -> Option<usize> {
    let other = ((draw * cities.len() as f64) as usize).min(cities.len() - 1);
    (other != index && cities[other].in_study).then_some(other)
}
