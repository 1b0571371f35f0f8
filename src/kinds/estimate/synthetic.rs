//! `estimator: synthetic`: the estimates, and in `.weights` how their comparisons are made.

use super::method::{Estimated, OwnTable, Problem};
use super::staggered::{self, Staggered};
use engine::manifest::Manifest;
use engine::yaml::fields::Fields;
use stats::error::StatsError;
use stats::staggered::panel::Panel;
use stats::staggered::synthetic::{SyntheticErrors, synthetic};

pub struct Synthetic {
    errors: Errors,
    draws: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Errors {
    Bootstrap,
    Jackknife,
    Placebo,
}

impl Staggered for Synthetic {
    const NAME: &'static str = "synthetic";
    const VERSION: u32 = 2;
    const HAS_OPTIONS: bool = true;
    const OWN_TABLES: &'static [OwnTable] = &[OwnTable {
        suffix: "weights",
        key: &["model", "cohort", "of", "name"],
        columns: &[("model", "int"), ("cohort", "float"), ("of", "text"), ("name", "text"), ("weight", "float")],
    }];

    fn parse(own: Option<&Fields>) -> Option<Synthetic> {
        let known = [("bootstrap", Errors::Bootstrap), ("jackknife", Errors::Jackknife), ("placebo", Errors::Placebo)];
        let errors = own.and_then(|own| own.choice("errors", &known)).unwrap_or(Errors::Placebo);
        if errors == Errors::Jackknife
            && let Some(own) = own
            && let Some(node) = own.node("draws")
        {
            own.complain(node, "the jackknife draws nothing");
        }
        let draws = own.and_then(|own| staggered::count(own, "draws")).unwrap_or(200);
        Some(Synthetic { errors, draws: u32::try_from(draws).unwrap_or(u32::MAX) })
    }

    fn describe(&self, manifest: &mut dyn Manifest) {
        let Synthetic { errors, draws } = self;
        manifest.text("errors", &format!("{errors:?}"));
        if self.draws() {
            manifest.int("draws", i64::from(*draws));
        }
    }

    fn draws(&self) -> bool {
        self.errors != Errors::Jackknife
    }

    fn estimate(&self, panel: Panel, problem: &Problem) -> Result<Estimated, StatsError> {
        let (draws, random) = (self.draws, problem.draws.random(Self::NAME));
        let errors = match self.errors {
            Errors::Bootstrap => SyntheticErrors::Bootstrap { draws, random },
            Errors::Jackknife => SyntheticErrors::Jackknife,
            Errors::Placebo => SyntheticErrors::Placebo { draws, random },
        };
        let found = synthetic(panel, &errors)?;
        let mut rows = Vec::new();
        for weights in &found.weights {
            let units = weights.units.iter().map(|(unit, weight)| ("unit", unit.clone(), *weight));
            let periods = weights.periods.iter().map(|(period, weight)| ("period", period.to_string(), *weight));
            for (of, name, weight) in units.chain(periods) {
                rows.push(vec![weights.cohort.into(), of.into(), name.as_str().into(), weight.into()]);
            }
        }
        let mut estimated = staggered::estimated(problem, vec![("dynamic", found.estimates)]);
        estimated.own = vec![rows];
        Ok(estimated)
    }
}
