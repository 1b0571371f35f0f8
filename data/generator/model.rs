//! The data-generating process: who is treated, when, and what it does to a city's innovation capacity.
//! Knows no file format; both potential outcomes come from the same draws (`World`).

use crate::{
    cities::City,
    rng::{self, Stream},
};

/// First year with patents.
pub const FIRST_PATENT_YEAR: i32 = 2004;
/// First and last year of the study.
pub const STUDY_YEARS: (i32, i32) = (2007, 2020);

/// Year and number of whole prefectures designated in it.
pub const COHORTS: [(i32, usize); 3] = [(2012, 33), (2013, 41), (2014, 20)];

/// A potential outcome.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum World {
    /// What happened.
    Observed,
    /// The same cities and the same draws, had there been no pilot.
    Untreated,
}

/// What is fixed about a city.
pub struct Traits {
    /// Level of innovation capacity; the traits down to `investment` are in standard deviations.
    pub level: f64,
    /// Size of population and patenting.
    pub size: f64,
    /// Weight of manufacturing.
    pub manufacturing: f64,
    /// Weight of finance.
    pub finance: f64,
    /// Human capital.
    pub students: f64,
    /// Physical capital.
    pub investment: f64,
    /// Year of designation of a pilot.
    pub first_year: Option<i32>,
    /// The city's effect relative to the average pilot city; mean 1 over the pilots.
    pub multiplier: f64,
    key: u64,
}

/// Year 0 of the persistent noise, early enough to forget its start.
const NOISE_START: i32 = 1995;
const NOISE_PERSISTENCE: f64 = 0.6;
const NOISE_SD: f64 = 0.010;
/// One unit of capacity moves the index by about 1.3 with the slopes of `economy.rs` and `patents.rs`; this brings the effect
/// to the scale of the index, so that `average_effect` is about what `truth.csv` reports.
const CAPACITY_PER_EFFECT: f64 = 0.77;

/// Traits of all cities, in their order.
pub fn traits(cities: &[City]) -> Vec<Traits> {
    let mut all: Vec<Traits> = cities.iter().map(untreated_traits).collect();
    assign_pilots(cities, &mut all);
    set_multipliers(cities, &mut all);
    all
}

/// The effect `years` after designation of an average pilot city, on the scale of the entropy index.
pub fn average_effect(years: i32) -> f64 {
    if years < 0 { 0.0 } else { 0.02 + 0.005 * f64::from(years) }
}

impl Traits {
    /// What the pilot adds to the city's capacity in `year`.
    pub fn effect(&self, year: i32, world: World) -> f64 {
        match (world, self.first_year) {
            (World::Observed, Some(first)) => average_effect(year - first) * self.multiplier,
            _ => 0.0,
        }
    }

    /// Innovation capacity: level of the city, persistent noise, effect of the pilot. Trends belong to the indicators.
    pub fn capacity(&self, year: i32, world: World) -> f64 {
        let noise = (NOISE_START..=year).fold(0.0, |state, past| {
            NOISE_PERSISTENCE * state + NOISE_SD * rng::normal(Stream::Capacity, &[self.key, past as u64])
        });
        0.05 * self.level + noise + CAPACITY_PER_EFFECT * self.effect(year, world)
    }
}

fn untreated_traits(city: &City) -> Traits {
    let draw = |what: u64| rng::normal(Stream::Trait, &[city.key(), what]).clamp(-2.5, 2.5);
    let rank = f64::from(3 - city.tier);
    let east = f64::from(u8::from(city.region == "east"));
    Traits {
        level: draw(0) + 0.5 * rank + 0.3 * east,
        size: draw(1) + 0.9 * rank,
        manufacturing: draw(2) + 0.4 * east,
        finance: draw(3) + 0.3 * rank,
        students: draw(4) + 0.9 * rank,
        investment: draw(5),
        first_year: None,
        multiplier: 0.0,
        key: city.key(),
    }
}

/// Pilots are drawn within blocks of three neighbours by level, so that they do not differ in level from the others:
/// the indicators are bounded, and bounded outcomes of unlike cities would not move in parallel.
fn assign_pilots(cities: &[City], all: &mut [Traits]) {
    let mut order: Vec<usize> =
        (0..cities.len()).filter(|&index| cities[index].in_study && cities[index].tier != 1).collect();
    order.sort_by(|&a, &b| all[a].level.total_cmp(&all[b].level).then(a.cmp(&b)));
    let total: usize = COHORTS.iter().map(|(_, count)| count).sum();
    // 280 eligible cities give 94 blocks, the last with one city.
    let blocks = order.chunks(3).take(total).enumerate();
    let mut pilots: Vec<(u64, usize)> = blocks
        .map(|(block, members)| {
            let chosen = members[rng::below(Stream::Assignment, &[1, block as u64], members.len())];
            (rng::bits(Stream::Assignment, &[2, block as u64]), chosen)
        })
        .collect();
    pilots.sort_unstable();
    let years = COHORTS.iter().flat_map(|&(year, count)| std::iter::repeat_n(year, count));
    for ((_, index), year) in pilots.into_iter().zip(years) {
        all[index].first_year = Some(year);
    }
}

/// Moderators and groups of the abstract: more manufacturing, more finance, the east, little human capital, little physical capital.
fn set_multipliers(cities: &[City], all: &mut [Traits]) {
    let low = |value: f64| f64::from(u8::from(value < 0.0)) - 0.5;
    let raw: Vec<f64> = all
        .iter()
        .zip(cities)
        .map(|(city, facts)| {
            let east = f64::from(u8::from(facts.region == "east")) - 0.35;
            (1.0 + 0.20 * city.manufacturing
                + 0.15 * city.finance
                + 0.30 * east
                + 0.25 * low(city.students)
                + 0.25 * low(city.investment))
            .max(0.2)
        })
        .collect();
    let pilots: Vec<f64> =
        all.iter().zip(&raw).filter(|(city, _)| city.first_year.is_some()).map(|(_, &value)| value).collect();
    let mean = pilots.iter().sum::<f64>() / pilots.len() as f64;
    for (city, value) in all.iter_mut().zip(raw) {
        city.multiplier = value / mean;
    }
}

#[cfg(test)]
mod tests {
    use super::{CAPACITY_PER_EFFECT, COHORTS, World, traits};
    use crate::cities;

    #[test]
    fn cohorts_have_their_sizes_and_the_average_multiplier_is_one() {
        let cities = cities::all();
        let all = traits(&cities);
        for (year, count) in COHORTS {
            assert_eq!(all.iter().filter(|city| city.first_year == Some(year)).count(), count, "cohort {year}");
        }
        let pilots: Vec<_> = all.iter().filter(|city| city.first_year.is_some()).collect();
        let mean = pilots.iter().map(|city| city.multiplier).sum::<f64>() / pilots.len() as f64;
        assert!((mean - 1.0).abs() < 1e-12);
    }

    #[test]
    fn worlds_differ_by_the_effect_alone() {
        let all = traits(&cities::all());
        for city in &all {
            for year in [2007, 2011, 2014, 2020] {
                let gap = city.capacity(year, World::Observed) - city.capacity(year, World::Untreated);
                assert!((gap - CAPACITY_PER_EFFECT * city.effect(year, World::Observed)).abs() < 1e-12);
                assert!(city.first_year.is_some_and(|first| year >= first) || gap == 0.0);
            }
        }
    }
}
