//! `placebo: {term: d, unit: city, time: year, draws: 500}`: the estimate among those of drawn treatments, with every draw in `.draws` and
//! their density in `.density`.

use super::{Fitted, Further};
use crate::estimate::method::{Estimated, OwnTable, Test};
use crate::estimate::rows::Cell;
use crate::estimate::staggered;
use engine::manifest::Manifest;
use engine::yaml::fields::Fields;
use stats::density;
use stats::error::StatsError;
use stats::resampling::placebo::{self, Scheme};

struct Placebo {
    term: String,
    unit: String,
    time: String,
    draws: u32,
    scheme: Scheme,
    /// Periods by which the treatment is moved to an earlier date, in the rows before the first treated period.
    in_time: Vec<usize>,
}

const TABLES: &[OwnTable] = &[
    OwnTable {
        suffix: "draws",
        key: &["model", "draw"],
        columns: &[("model", "int"), ("draw", "int"), ("estimate", "float"), ("statistic", "float")],
    },
    OwnTable {
        suffix: "density",
        key: &["model", "estimate"],
        columns: &[("model", "int"), ("estimate", "float"), ("density", "float")],
    },
];

/// Points at which the density is given; R's default.
const POINTS: usize = 512;

pub fn parse(fields: &Fields) -> Option<Box<dyn Further>> {
    let (term, unit, time) = (fields.required_text("term"), fields.required_text("unit"), fields.required_text("time"));
    let dates = staggered::range(fields, "dates").unwrap_or_default();
    let drawn = fields.choice("draw", &[("units", false), ("units_and_dates", true)]).unwrap_or(false);
    if !drawn && let Some(node) = fields.node("dates") {
        fields.complain(node, "`dates` are those that `draw: units_and_dates` draws from");
    }
    let scheme = if drawn { Scheme::UnitsAndPeriods { from: dates[0], to: dates[1] } } else { Scheme::Units };
    let mut in_time = Vec::new();
    for shift in fields.texts("in_time").unwrap_or_default() {
        match shift.value.parse::<usize>() {
            Ok(shift) if shift > 0 => in_time.push(shift),
            _ => fields.complain(fields.node("in_time")?, "`in_time` is a list of numbers of periods, such as [2, 3]"),
        }
    }
    let draws = super::draws(fields, 500);
    Some(Box::new(Placebo { term: term?.value, unit: unit?.value, time: time?.value, draws, scheme, in_time }))
}

impl Further for Placebo {
    fn columns(&self) -> Vec<String> {
        vec![self.unit.clone(), self.time.clone()]
    }

    fn describe(&self, manifest: &mut dyn Manifest) {
        let Placebo { term, unit, time, draws, scheme, in_time } = self;
        manifest.list("columns", &[term.clone(), unit.clone(), time.clone()]);
        manifest.int("draws", i64::from(*draws));
        manifest.text("scheme", &format!("{scheme:?}"));
        manifest.text("in_time", &format!("{in_time:?}"));
    }

    fn draws(&self) -> bool {
        true
    }

    fn own_tables(&self) -> &'static [OwnTable] {
        TABLES
    }

    fn add(&self, model: &Fitted, found: &mut Estimated) -> Result<Vec<Vec<Vec<Cell>>>, StatsError> {
        let Placebo { term, unit, time, draws, scheme, in_time } = self;
        let options = placebo::Options {
            term: term.clone(),
            unit: unit.clone(),
            time: time.clone(),
            draws: *draws,
            random: model.draws.random("placebo"),
            scheme: *scheme,
        };
        let drawn = placebo::placebo(model.design, model.data, &options)?;
        let test = |name: &str, statistic, p_value| Test {
            name: format!("{name}:{term}"),
            statistic,
            df: None,
            df_denominator: None,
            p_value,
        };
        found.tests.push(test("placebo", drawn.estimate, Some(drawn.p_value)));
        if let Some(statistic) = drawn.statistic {
            found.tests.push(test("placebo_t", statistic, drawn.p_value_of_statistic));
        }
        for shift in in_time {
            let shape = [unit.as_str(), time.as_str()];
            let earlier = placebo::in_time(model.design, model.data, term, shape, *shift as f64)?;
            let coefficient = earlier.coefficients.iter().find(|coefficient| coefficient.term == *term);
            if let Some(coefficient) = coefficient {
                let name = format!("placebo_in_time_{shift}");
                found.tests.push(test(&name, coefficient.estimate, Some(coefficient.p_value)));
                found.tests.push(test(&format!("{name}_std_error"), coefficient.std_error, None));
            }
        }
        found.warnings.extend(drawn.warnings.iter().cloned());
        let rows = drawn.draws.iter().enumerate().map(|(draw, drawn)| {
            let estimate = drawn.map(|drawn| drawn.estimate);
            vec![(draw + 1).into(), estimate.into(), drawn.and_then(|drawn| drawn.statistic()).into()]
        });
        let smooth = density::density(&drawn.estimates(), POINTS)?;
        let points = smooth.points.iter().zip(&smooth.densities);
        let points = points.map(|(point, density)| vec![(*point).into(), (*density).into()]);
        Ok(vec![rows.collect(), points.collect()])
    }
}
