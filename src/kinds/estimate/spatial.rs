//! `estimator: spatial_lag`, `spatial_error`, `spatial_durbin`: panels whose units depend on their neighbours, by maximum likelihood, with direct and
//! indirect effects in `.impacts`, and tests of the model against simpler ones.

use super::method::{self, Estimate, Estimated, Method, OwnTable, Problem, Request, Statistics, Test};
use super::rows::Cell;
use super::staggered::{self, Entry};
use engine::manifest::Manifest;
use engine::yaml::fields::Fields;
use stats::design::{Design, Options, Vcov};
use stats::error::StatsError;
use stats::estimator::Coefficient;
use stats::spatial::impacts::Impact;
use stats::spatial::lagrange::lagrange;
use stats::spatial::model::{self, Correction, Model, SpatialFit};
use stats::spatial::observed::Observed;
use stats::spatial::weights::{Proximity, Standardisation, Weights};
use stats::spatial::{self, Simulation};

pub const LAG: Entry =
    Entry { name: "spatial_lag", has_options: true, parse: |request, own| parse(request, LAG.name, Model::Lag, own) };
pub const ERROR: Entry = Entry {
    name: "spatial_error",
    has_options: true,
    parse: |request, own| parse(request, ERROR.name, Model::Error, own),
};
pub const DURBIN: Entry = Entry {
    name: "spatial_durbin",
    has_options: true,
    parse: |request, own| parse(request, DURBIN.name, Model::Durbin, own),
};

struct Spatial {
    name: &'static str,
    model: Model,
    unit: String,
    time: String,
    neighbours: Neighbours,
    standardisation: Standardisation,
    correction: Correction,
    draws: u32,
}

/// Who is near whom.
#[derive(Debug)]
enum Neighbours {
    /// Columns of degrees, and how distance counts.
    Places { latitude: String, longitude: String, by: By },
    /// |zᵢ - zⱼ|⁻¹ of a column.
    Economic { column: String },
}

#[derive(Clone, Copy, Debug)]
enum By {
    InverseDistance { power: u32, cutoff: Option<f64> },
    Nearest { count: usize },
    Band { cutoff: f64 },
}

const IMPACTS: OwnTable = OwnTable {
    suffix: "impacts",
    key: &["model", "term", "effect"],
    columns: &[
        ("model", "int"),
        ("term", "text"),
        ("effect", "text"),
        ("estimate", "float"),
        ("std_error", "float"),
        ("statistic", "float"),
        ("p_value", "float"),
        ("conf_low", "float"),
        ("conf_high", "float"),
        ("simulated_std_error", "float"),
    ],
};

fn parse(request: &Request, name: &'static str, model: Model, own: Option<&Fields>) -> Option<Box<dyn Method>> {
    request.refuse(&["cluster", "weights"], name);
    let Some(own) = own else {
        let fields = &request.spec.fields;
        fields.complain(
            fields.node("estimator")?,
            format!("`{name}` needs options under `{name}:`, such as `panel: [unit, period]`"),
        );
        return None;
    };
    let panel = own.texts("panel").unwrap_or_default();
    let [unit, time] = &panel[..] else {
        own.complain(own.node("panel").unwrap_or(own.self_node()), format!("`{name}` needs `panel: [unit, period]`"));
        return None;
    };
    let (latitude, longitude) = (own.text("latitude"), own.text("longitude"));
    let economic = own.text("economic");
    let power = staggered::count(own, "power").unwrap_or(1) as u32;
    let (cutoff, nearest, band) = (own.float("cutoff"), staggered::count(own, "nearest"), own.float("band"));
    let by_distance = nearest.is_none() && band.is_none() && economic.is_none();
    if !by_distance && let Some(node) = own.node("power").or(own.node("cutoff")) {
        own.complain(node, "`power` and `cutoff` are options of inverse distances");
    }
    let neighbours = match (latitude, longitude, economic) {
        (Some(latitude), Some(longitude), None) => {
            let by = match (nearest, band) {
                (None, None) => By::InverseDistance { power, cutoff },
                (Some(count), None) => By::Nearest { count },
                (None, Some(cutoff)) => By::Band { cutoff },
                (Some(_), Some(_)) => {
                    own.complain(
                        own.node("band")?,
                        "give either `nearest`, a number of units, or `band`, a distance in km",
                    );
                    return None;
                }
            };
            Neighbours::Places { latitude: latitude.value, longitude: longitude.value, by }
        }
        (None, None, Some(column)) => Neighbours::Economic { column: column.value },
        _ => {
            let message = format!(
                "`{name}` needs to know who is near whom: `latitude` and `longitude`, columns of degrees, or `economic`, a \
                 column of which near values make neighbours"
            );
            own.complain(own.self_node(), message);
            return None;
        }
    };
    let standardisations = [("row", Standardisation::Row), ("spectral", Standardisation::Spectral)];
    let corrections = [("direct", Correction::Direct), ("lee_yu", Correction::LeeYu)];
    let draws = staggered::count(own, "draws").unwrap_or(0);
    Some(Box::new(Spatial {
        name,
        model,
        unit: unit.value.clone(),
        time: time.value.clone(),
        neighbours,
        standardisation: own.choice("standardise", &standardisations).unwrap_or(Standardisation::Row),
        correction: own.choice("correction", &corrections).unwrap_or(Correction::LeeYu),
        draws: u32::try_from(draws).unwrap_or(u32::MAX),
    }))
}

impl Method for Spatial {
    fn name(&self) -> &'static str {
        self.name
    }

    fn version(&self) -> u32 {
        1
    }

    fn columns(&self) -> Vec<String> {
        let mut columns = vec![self.unit.clone(), self.time.clone()];
        match &self.neighbours {
            Neighbours::Places { latitude, longitude, by: _ } => columns.extend([latitude.clone(), longitude.clone()]),
            Neighbours::Economic { column } => columns.push(column.clone()),
        }
        columns
    }

    fn describe(&self, manifest: &mut dyn Manifest) {
        let Spatial { name: _, model: _, unit, time, neighbours, standardisation, correction, draws } = self;
        manifest.list("panel", &[unit.clone(), time.clone()]);
        manifest.text("neighbours", &format!("{neighbours:?}"));
        manifest.text("standardise", &format!("{standardisation:?}"));
        manifest.text("correction", &format!("{correction:?}"));
        manifest.int("draws", i64::from(*draws));
    }

    fn draws(&self) -> bool {
        self.draws > 0
    }

    fn own_tables(&self) -> Vec<OwnTable> {
        vec![IMPACTS]
    }

    fn estimate(&self, problems: &[Problem]) -> Vec<Result<Estimated, StatsError>> {
        problems.iter().map(|problem| self.fitted(problem)).collect()
    }
}

impl Spatial {
    fn fitted(&self, problem: &Problem) -> Result<Estimated, StatsError> {
        let options = Options { vcov: Vcov::Iid, level: problem.common.level, ..Options::default() };
        let design = Design::new(problem.formula, problem.data, &options)?;
        let observed = Observed::new(&design, problem.data, &self.unit, &self.time)?;
        let weights = self.weights(&design, problem, &observed)?;
        let observations = observed.observations();
        let effects = observed.effects;
        let random = problem.draws.random(self.name);
        let simulation = (self.draws > 0).then_some(Simulation { draws: self.draws, random });
        let level = problem.common.level;
        let options = model::Options { model: self.model, effects, correction: self.correction, level, simulation };
        let (fit, tests) = match self.model {
            Model::Durbin => {
                let compared = model::compare(&weights, &observations, &options)?;
                (compared.durbin, compared.tests)
            }
            Model::Lag | Model::Error => {
                let found = lagrange(&weights, &observations, effects)?;
                let tests = vec![found.lag, found.error, found.robust_lag, found.robust_error];
                (model::fit(&weights, &observations, &options)?, tests)
            }
        };
        let test = |test: &spatial::Test| Test {
            name: test.name.to_string(),
            statistic: test.statistic,
            df: Some(test.freedom),
            df_denominator: None,
            p_value: Some(test.p_value),
        };
        let mut tests: Vec<Test> = tests.iter().map(test).collect();
        tests.extend([("aic", fit.aic), ("bic", fit.bic)].map(|(name, value)| Test::number(name.to_string(), value)));
        let own = vec![fit.impacts.iter().flat_map(impact_rows).collect()];
        Ok(Estimated {
            statistics: statistics(&fit),
            estimates: fit.coefficients.into_iter().map(Estimate::new).collect(),
            tests,
            dropped_terms: fit.dropped_terms,
            reasons: method::reasons(design.sample()),
            own,
            ..Estimated::default()
        })
    }

    fn weights(&self, design: &Design, problem: &Problem, observed: &Observed) -> Result<Weights, StatsError> {
        let units = observed.unit_names();
        let of_units = |column: &str| -> Result<Vec<f64>, StatsError> {
            Ok(observed.of_units(column, &design.in_sample(problem.data, column)?)?)
        };
        let places: Vec<(f64, f64)>;
        let values: Vec<f64>;
        let proximity = match &self.neighbours {
            Neighbours::Places { latitude, longitude, by } => {
                places = of_units(latitude)?.into_iter().zip(of_units(longitude)?).collect();
                let places = places.as_slice();
                match *by {
                    By::InverseDistance { power, cutoff } => Proximity::InverseDistance { places, power, cutoff },
                    By::Nearest { count } => Proximity::Nearest { places, count },
                    By::Band { cutoff } => Proximity::Band { places, cutoff },
                }
            }
            Neighbours::Economic { column } => {
                values = of_units(column)?;
                Proximity::Economic { values: &values }
            }
        };
        Ok(Weights::new(&units, &proximity, self.standardisation)?)
    }
}

fn statistics(fit: &SpatialFit) -> Statistics {
    Statistics {
        vcov: Some("information".to_string()),
        n_obs: fit.n_obs,
        n_units: Some(fit.n_units),
        pseudo_r2: Some(fit.pseudo_r2),
        log_likelihood: Some(fit.log_likelihood),
        ..Statistics::default()
    }
}

fn impact_rows(impact: &Impact) -> [Vec<Cell>; 3] {
    let row = |index: usize, effect: &str, of: &Coefficient| {
        let term = of.term.rsplit_once("::").map_or(of.term.as_str(), |(_, term)| term);
        vec![
            term.into(),
            effect.into(),
            of.estimate.into(),
            of.std_error.into(),
            of.statistic.into(),
            of.p_value.into(),
            of.conf_low.into(),
            of.conf_high.into(),
            impact.simulated_std_errors.map(|errors| errors[index]).into(),
        ]
    };
    [row(0, "direct", &impact.direct), row(1, "indirect", &impact.indirect), row(2, "total", &impact.total)]
}
