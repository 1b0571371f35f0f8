//! `estimator: spatial_lag`, `spatial_error`, `spatial_durbin`: panels whose units depend on their neighbours, by maximum likelihood, with direct and
//! indirect effects in `.impacts`, and tests of the model against simpler ones.

use super::method::{self, Estimate, Estimated, Method, OwnTable, Problem, Request, SideTable, Statistics, Test};
use super::neighbours::{Neighbours, Sample};
use super::rows::Cell;
use super::staggered::{self, Entry};
use engine::manifest::Manifest;
use engine::yaml::fields::Fields;
use stats::error::StatsError;
use stats::estimator::Coefficient;
use stats::spatial::impacts::Impact;
use stats::spatial::lagrange::lagrange;
use stats::spatial::model::{self, Correction, Model, SpatialFit};
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
    neighbours: Neighbours,
    correction: Correction,
    draws: u32,
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
    let corrections = [("direct", Correction::Direct), ("lee_yu", Correction::LeeYu)];
    let correction = own.choice("correction", &corrections).unwrap_or(Correction::LeeYu);
    let draws = staggered::count(own, "draws").unwrap_or(0);
    let neighbours = Neighbours::parse(own, name)?;
    Some(Box::new(Spatial { name, model, neighbours, correction, draws: u32::try_from(draws).unwrap_or(u32::MAX) }))
}

impl Method for Spatial {
    fn name(&self) -> &'static str {
        self.name
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
        let Spatial { name: _, model: _, neighbours, correction, draws } = self;
        neighbours.describe(manifest);
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
        let Sample { design, observed, known } = self.neighbours.sample(problem)?;
        let weights = self.neighbours.weights(&known, &known.all())?;
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
            warnings: known.warnings(),
            own,
            ..Estimated::default()
        })
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
