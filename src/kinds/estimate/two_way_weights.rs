//! `estimator: two_way_weights`: how the two-way estimate weighs the effects, which may be below 0, and in `.weights` the weight of
//! each cohort and period.

use super::method::{Estimate, Estimated, OwnTable, Problem, Statistics, Test};
use super::staggered::{self, Staggered};
use engine::manifest::Manifest;
use engine::yaml::fields::Fields;
use stats::error::StatsError;
use stats::staggered::panel::Panel;
use stats::staggered::two_way_weights::two_way_weights;

pub struct TwoWayWeights;

impl Staggered for TwoWayWeights {
    const NAME: &'static str = "two_way_weights";
    const VERSION: u32 = 2;
    const HAS_OPTIONS: bool = false;
    const OWN_TABLES: &'static [OwnTable] = &[OwnTable {
        suffix: "weights",
        key: &["model", "cohort", "period"],
        columns: &[("model", "int"), ("cohort", "float"), ("period", "float"), ("n_rows", "int"), ("weight", "float")],
    }];

    fn parse(_own: Option<&Fields>) -> Option<TwoWayWeights> {
        Some(TwoWayWeights)
    }

    fn describe(&self, _manifest: &mut dyn Manifest) {}

    fn estimate(&self, panel: Panel, problem: &Problem) -> Result<Estimated, StatsError> {
        let found = two_way_weights(&panel)?;
        let number = |name: &str, statistic: f64| Test::number(name.to_string(), statistic);
        let mut tests = vec![
            number("n_weights", found.n_weights as f64),
            number("n_negative", found.n_negative as f64),
            number("sum_negative", found.sum_negative),
        ];
        tests.extend(found.std_dev_zero.map(|value| number("std_dev_zero", value)));
        tests.extend(found.std_dev_opposite.map(|value| number("std_dev_opposite", value)));
        let cells = found.cells.iter();
        let own =
            cells.map(|cell| vec![cell.cohort.into(), cell.period.into(), cell.n_rows.into(), cell.weight.into()]);
        Ok(Estimated {
            estimates: vec![Estimate::without_inference("att", found.estimate)],
            statistics: Statistics { n_obs: panel.n_obs(), n_units: Some(panel.n_units()), ..Statistics::default() },
            tests,
            reasons: staggered::reasons(problem, panel.dropped_rows()),
            own: vec![own.collect()],
            ..Estimated::default()
        })
    }
}
