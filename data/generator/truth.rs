//! The true effect on the resilience index, by potential outcomes: every indicator is generated with and without the pilot from
//! the same draws, both are mapped to the index with the scale of the observed rows, and the difference is averaged.
//! Works on complete, unrounded quantities; the files have gaps and rounded numbers.

use std::fmt::Write;

use crate::{
    cities::City,
    economy::{Economy, economy},
    indicators::{self, COUNT, INDICATORS},
    model::{STUDY_YEARS, Traits, World},
    patents::{self, Patent},
};

/// The effect on the index in one city-year with a pilot.
struct Effect {
    cohort: i32,
    since: i32,
    size: f64,
}

/// The averages, every treated city-year, and the weights of the index, as CSV.
pub struct Truth {
    /// `truth.csv`.
    pub averages: String,
    /// `truth_effects.csv`.
    pub effects: String,
    /// `truth_weights.csv`.
    pub weights: String,
}

/// Computes the truth from the observed patents and the model.
pub fn truth(cities: &[City], traits: &[Traits], observed: &[Vec<Vec<Patent>>]) -> Truth {
    let years = || STUDY_YEARS.0..=STUDY_YEARS.1;
    let study: Vec<usize> = (0..cities.len()).filter(|&index| cities[index].in_study).collect();
    let economies = |index: usize, world| -> Vec<Economy> {
        years().map(|year| economy(&cities[index], &traits[index], year, world)).collect()
    };
    let actual: Vec<Vec<[f64; COUNT]>> =
        study.iter().map(|&index| indicators::rows(&observed[index], &economies(index, World::Observed))).collect();
    let scale = indicators::scale(&actual.concat());

    let mut effects = Vec::new();
    let mut lines = String::from("city,year,cohort,years_since,effect\n");
    for (&index, actual) in study.iter().zip(&actual) {
        let Some(cohort) = traits[index].first_year else {
            continue;
        };
        let untreated = patents::of_city(cities, index, &traits[index], World::Untreated);
        let without = indicators::rows(&untreated, &economies(index, World::Untreated));
        for ((year, actual), without) in years().zip(actual).zip(&without).filter(|((year, _), _)| *year >= cohort) {
            let size = scale.score(actual) - scale.score(without);
            effects.push(Effect { cohort, since: year - cohort, size });
            line(&mut lines, format_args!("{},{year},{cohort},{},{size:.10}", cities[index].code, year - cohort));
        }
    }
    let mut weights = String::from("indicator,sign,weight\n");
    for ((name, positive), weight) in INDICATORS.iter().zip(scale.weights) {
        line(&mut weights, format_args!("{name},{},{weight:.10}", if *positive { "+" } else { "-" }));
    }
    Truth { averages: averages(&effects), effects: lines, weights }
}

fn averages(effects: &[Effect]) -> String {
    let mut text = String::from("estimand,level,n_city_years,value,definition\n");
    let mut add = |estimand: &str, level: String, keep: &dyn Fn(&Effect) -> bool, definition: &str| {
        let sizes: Vec<f64> = effects.iter().filter(|effect| keep(effect)).map(|effect| effect.size).collect();
        let mean = sizes.iter().sum::<f64>() / sizes.len() as f64;
        line(&mut text, format_args!("{estimand},{level},{},{mean:.10},{definition}", sizes.len()));
    };
    add("att", "overall".into(), &|_| true, "mean of index with pilot minus index without over all treated city-years");
    let mut cohorts: Vec<i32> = effects.iter().map(|effect| effect.cohort).collect();
    cohorts.sort_unstable();
    cohorts.dedup();
    for cohort in cohorts {
        add(
            "att_by_cohort",
            cohort.to_string(),
            &|effect| effect.cohort == cohort,
            "the same over the cities designated in that year",
        );
    }
    let last = effects.iter().map(|effect| effect.since).max().unwrap_or(0);
    for since in 0..=last {
        add(
            "att_by_event_time",
            since.to_string(),
            &|effect| effect.since == since,
            "the same over the city-years so many years after designation",
        );
    }
    text
}

fn line(text: &mut String, content: std::fmt::Arguments) {
    writeln!(text, "{content}").expect("writing to a string cannot fail");
}
