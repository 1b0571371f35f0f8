//! `estimator: moran`: whether the outcome of units is like that of their neighbours, in each period, and at each unit in `.local`
//! (a Moran scatter is its `value` and `lag`).

use super::method::{self, Estimate, Estimated, Method, OwnTable, Problem, Request, SideTable, Statistics, Test};
use super::neighbours::{Known, Neighbours, Sample};
use super::rows::Cell;
use super::staggered::{self, Entry};
use engine::manifest::Manifest;
use engine::yaml::fields::Fields;
use stats::error::StatsError;
use stats::spatial::error::SpatialError;
use stats::spatial::moran::{LocalMoran, Permutations, Quadrant, local_moran, moran};
use stats::spatial::observed::Observed;
use stats::spatial::panel::Effects;
use std::collections::BTreeMap;

pub const ENTRY: Entry = Entry { name: "moran", has_options: true, parse };

struct Moran {
    neighbours: Neighbours,
    draws: u32,
}

const LOCAL: OwnTable = OwnTable {
    suffix: "local",
    key: &["model", "period", "unit"],
    columns: &[
        ("model", "int"),
        ("period", "float"),
        ("unit", "text"),
        ("value", "float"),
        ("lag", "float"),
        ("statistic", "float"),
        ("quadrant", "text"),
        ("p_value", "float"),
    ],
};

fn parse(request: &Request, own: Option<&Fields>) -> Option<Box<dyn Method>> {
    let name = ENTRY.name;
    request.refuse(&["cluster", "weights"], name);
    let fields = &request.spec.fields;
    let Some(own) = own else {
        let message = format!("`{name}` needs options under `{name}:`, such as `panel: [unit, period]`");
        fields.complain(fields.node("estimator")?, message);
        return None;
    };
    if request.formulas.iter().any(|formula| formula.first_column().is_some()) {
        let message = "Moran's I is of one column: write `column ~ 1`";
        fields.complain(fields.node("formula")?, message);
    }
    let draws = staggered::count(own, "draws").unwrap_or(0);
    let neighbours = Neighbours::parse(own, name)?;
    Some(Box::new(Moran { neighbours, draws: u32::try_from(draws).unwrap_or(u32::MAX) }))
}

impl Method for Moran {
    fn name(&self) -> &'static str {
        ENTRY.name
    }

    fn version(&self) -> u32 {
        1
    }

    fn columns(&self) -> Vec<String> {
        self.neighbours.columns()
    }

    fn side_tables(&self) -> Vec<SideTable> {
        self.neighbours.side_tables()
    }

    fn describe(&self, manifest: &mut dyn Manifest) {
        let Moran { neighbours, draws } = self;
        neighbours.describe(manifest);
        manifest.int("draws", i64::from(*draws));
    }

    fn draws(&self) -> bool {
        self.draws > 0
    }

    fn own_tables(&self) -> Vec<OwnTable> {
        vec![LOCAL]
    }

    fn estimate(&self, problems: &[Problem]) -> Vec<Result<Estimated, StatsError>> {
        problems.iter().map(|problem| self.fitted(problem)).collect()
    }
}

impl Moran {
    fn fitted(&self, problem: &Problem) -> Result<Estimated, StatsError> {
        let Sample { design, observed, known } = self.neighbours.sample(problem)?;
        if observed.effects != Effects::None {
            let (option, value) = ("formula", problem.formula.to_string());
            let reason = "Moran's I is of a column as it stands, without effects";
            return Err(SpatialError::Option { option, value, reason }.into());
        }
        let random = problem.draws.random(self.name());
        let permutations = (self.draws > 0).then_some(Permutations { draws: self.draws, random });
        let mut found = Estimated {
            statistics: Statistics {
                n_obs: observed.observations().outcome.len(),
                n_units: Some(known.units().len()),
                ..Statistics::default()
            },
            reasons: method::reasons(design.sample()),
            warnings: known.warnings(),
            ..Estimated::default()
        };
        let mut local = Vec::new();
        for (period, values) in by_period(&observed, &known)? {
            let (of, values): (Vec<usize>, Vec<f64>) = values.into_iter().unzip();
            let weights = self.neighbours.weights(&known, &of)?;
            let outcome = &problem.formula.outcome();
            let global = moran(&weights, outcome, &values, permutations.as_ref())?;
            let inference = global.randomised.unwrap_or(global.normal);
            let mut estimate = Estimate::without_inference(&format!("moran_i::{period}"), global.statistic);
            estimate.coefficient.std_error = inference.variance.sqrt();
            estimate.coefficient.statistic = inference.z;
            estimate.coefficient.p_value = inference.p_value;
            estimate.period = Some(period);
            found.estimates.push(estimate);
            let test = |name: &str, statistic: f64, p_value: f64| Test {
                name: format!("{name}:{period}"),
                statistic,
                df: None,
                df_denominator: None,
                p_value: Some(p_value),
            };
            found.tests.push(Test::number(format!("expected:{period}"), global.expected));
            found.tests.push(test("normal", global.normal.z, global.normal.p_value));
            found.tests.extend(global.permuted_p_value.map(|p_value| test("permuted", global.statistic, p_value)));
            let at_units = local_moran(&weights, outcome, &values, permutations.as_ref())?;
            local.extend(of.iter().zip(at_units).map(|(unit, at)| local_row(period, &known.units()[*unit], &at)));
        }
        found.own.push(local);
        Ok(found)
    }
}

/// A period, and its units' positions with their values.
type Period = (f64, Vec<(usize, f64)>);

/// Of each period, in order: the positions of its units, ascending, with their values.
fn by_period(observed: &Observed, known: &Known) -> Result<Vec<Period>, StatsError> {
    let observations = observed.observations();
    let mut periods: BTreeMap<u64, (f64, BTreeMap<usize, f64>)> = BTreeMap::new();
    // Finite numbers in ascending order of this code.
    let code = |number: f64| {
        let bits = number.to_bits();
        if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
    };
    for ((period, unit), value) in observations.periods.iter().zip(observations.units).zip(observations.outcome) {
        let position = known.units().binary_search(unit).expect("the units of the sample are known");
        let (_, values) = periods.entry(code(*period)).or_insert_with(|| (*period, BTreeMap::new()));
        if values.insert(position, *value).is_some() {
            let error = SpatialError::Duplicate { unit: unit.clone(), period: *period };
            return Err(error.into());
        }
    }
    Ok(periods.into_values().map(|(period, values)| (period, values.into_iter().collect())).collect())
}

fn local_row(period: f64, unit: &str, local: &LocalMoran) -> Vec<Cell> {
    let quadrant = match local.quadrant {
        Quadrant::HighHigh => "high among high",
        Quadrant::LowHigh => "low among high",
        Quadrant::LowLow => "low among low",
        Quadrant::HighLow => "high among low",
    };
    vec![
        period.into(),
        unit.into(),
        local.value.into(),
        local.lag.into(),
        local.statistic.into(),
        quadrant.into(),
        local.permuted_p_value.into(),
    ]
}
