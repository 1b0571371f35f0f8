//! `estimator: matching`: the formula explains who is treated; the logit's scores match treated rows with untreated ones. `.matches` has the
//! score and the weight of every row, `.balance` how alike the two groups are before and after.

use super::method::{self, Estimate, Estimated, Method, OwnTable, Problem, Request, RowTable, Statistics, Test};
use super::rows::Cell;
use super::staggered::{self, Entry};
use engine::manifest::Manifest;
use engine::yaml::fields::Fields;
use stats::design::{ColumnData, Data, Design, Options, Vcov};
use stats::error::StatsError;
use stats::sensitivity::matching::{self, Balance, Covariate, Group, Matcher, Reuse, Support};

pub const ENTRY: Entry = Entry { name: "matching", has_options: true, parse };

struct Matching {
    matcher: Matcher,
    support: Support,
}

const BALANCE: OwnTable = OwnTable {
    suffix: "balance",
    key: &["model", "covariate", "sample"],
    columns: &[
        ("model", "int"),
        ("covariate", "text"),
        ("sample", "text"),
        ("treated_mean", "float"),
        ("untreated_mean", "float"),
        ("bias", "float"),
        ("bias_reduction", "float"),
        ("t", "float"),
        ("p_value", "float"),
        ("variance_ratio", "float"),
    ],
};

/// The name under which the weights of the matching travel as a column.
const WEIGHT: &str = "_weight";

fn parse(request: &Request, own: Option<&Fields>) -> Option<Box<dyn Method>> {
    request.refuse(&["cluster"], ENTRY.name);
    let (mut matcher, mut support) = (None, true);
    if let Some(own) = own {
        let neighbours = staggered::count(own, "neighbours");
        let (caliper, replacement) = (own.float("caliper"), own.bool("replacement").unwrap_or(true));
        let (radius, bandwidth) = (own.float("radius"), own.float("bandwidth"));
        support = own.bool("common_support").unwrap_or(true);
        let reuse = if replacement { Reuse::WithReplacement } else { Reuse::WithoutReplacement };
        let nearest = Matcher::Nearest { neighbours: neighbours.unwrap_or(1), caliper, reuse };
        let given =
            [("neighbours", neighbours.is_some()), ("radius", radius.is_some()), ("bandwidth", bandwidth.is_some())];
        if given.iter().filter(|(_, given)| *given).count() > 1 {
            own.complain(own.self_node(), "give one of `neighbours`, `radius` and `bandwidth` (of a kernel)");
            return None;
        }
        if (radius.is_some() || bandwidth.is_some())
            && let Some(node) = own.node("caliper").or(own.node("replacement"))
        {
            own.complain(node, "`caliper` and `replacement` are options of the nearest neighbours");
        }
        matcher = Some(match (radius, bandwidth) {
            (Some(radius), _) => Matcher::Radius { radius },
            (None, Some(bandwidth)) => Matcher::Kernel { bandwidth },
            (None, None) => nearest,
        });
    }
    let nearest = Matcher::Nearest { neighbours: 1, caliper: None, reuse: Reuse::WithReplacement };
    let support = if support { Support::Common } else { Support::All };
    Some(Box::new(Matching { matcher: matcher.unwrap_or(nearest), support }))
}

impl Method for Matching {
    fn name(&self) -> &'static str {
        ENTRY.name
    }

    fn version(&self) -> u32 {
        1
    }

    fn columns(&self) -> Vec<String> {
        Vec::new()
    }

    fn describe(&self, manifest: &mut dyn Manifest) {
        let Matching { matcher, support } = self;
        manifest.text("matcher", &format!("{matcher:?}"));
        manifest.text("support", &format!("{support:?}"));
    }

    fn own_tables(&self) -> Vec<OwnTable> {
        vec![BALANCE]
    }

    fn row_table(&self) -> Option<RowTable> {
        Some(RowTable { suffix: "matches", columns: &["propensity", "weight"] })
    }

    fn estimate(&self, problems: &[Problem]) -> Vec<Result<Estimated, StatsError>> {
        problems.iter().map(|problem| self.matched(problem)).collect()
    }
}

impl Matching {
    fn matched(&self, problem: &Problem) -> Result<Estimated, StatsError> {
        let options = Options {
            vcov: Vcov::Iid,
            weights: problem.common.weights.clone(),
            level: problem.common.level,
            ..Options::default()
        };
        let design = Design::new(problem.formula, problem.data, &options)?;
        let before = matching::propensity(&design)?;
        let treated: Vec<bool> = design.outcome().iter().map(|value| *value == 1.0).collect();
        let found = matching::match_rows(&treated, &before.scores, self.matcher, self.support)?;
        let columns = design.regressors();
        let covariates: Vec<Covariate> = columns.iter().map(|(name, values)| Covariate { name, values }).collect();
        let balance = matching::balance(&treated, &found.weights, &covariates)?;

        let rows = design.rows();
        let in_rows = |values: &[f64]| {
            let mut of_rows = vec![None; problem.data.rows];
            rows.iter().zip(values).for_each(|(row, value)| of_rows[*row] = Some(*value));
            of_rows
        };
        let (scores, weights) = (in_rows(&before.scores), in_rows(&found.weights));
        let mut weighted = Data { columns: problem.data.columns.clone(), ..problem.data.clone() };
        weighted.columns.insert(WEIGHT.to_string(), ColumnData::Float(&weights));
        let options = Options { weights: Some(WEIGHT.to_string()), ..options };
        // Where matching leaves nothing to tell, or too much, the second logit has no maximum.
        let after = Design::new(problem.formula, &weighted, &options).and_then(|design| matching::propensity(&design));

        let mut tests = vec![
            likelihood_ratio("before", &before),
            Test::number("pseudo_r2:before".to_string(), before.pseudo_r2),
            Test::number("n_off_support".to_string(), found.off_support.len() as f64),
            Test::number("n_unmatched".to_string(), found.unmatched.len() as f64),
        ];
        if let Ok(after) = &after {
            tests.push(likelihood_ratio("after", after));
            tests.push(Test::number("pseudo_r2:after".to_string(), after.pseudo_r2));
        }
        let mut warnings = Vec::new();
        for (count, what) in
            [(found.off_support.len(), "off the common support"), (found.unmatched.len(), "without a match")]
        {
            if count > 0 {
                warnings.push(format!("{count} treated rows are {what}"));
            }
        }
        let statistics = Statistics {
            n_obs: before.fit.n_obs,
            pseudo_r2: Some(before.pseudo_r2),
            log_likelihood: before.fit.likelihood.as_ref().map(|likelihood| likelihood.log_likelihood),
            ..Statistics::default()
        };
        Ok(Estimated {
            estimates: before.fit.coefficients.iter().cloned().map(Estimate::new).collect(),
            statistics,
            tests,
            dropped_terms: before.fit.dropped_terms.clone(),
            reasons: method::reasons(design.sample()),
            warnings,
            own: vec![balance.iter().flat_map(lines).collect()],
            of_rows: vec![scores, weights],
            dynamic: None,
        })
    }
}

fn likelihood_ratio(when: &str, propensity: &matching::Propensity) -> Test {
    Test {
        name: format!("likelihood_ratio:{when}"),
        statistic: propensity.likelihood_ratio,
        df: Some(propensity.df),
        df_denominator: None,
        p_value: Some(propensity.p_value),
    }
}

fn lines(balance: &Balance) -> [Vec<Cell>; 2] {
    let line = |sample: &str, group: &Group, reduction: Option<f64>| {
        vec![
            balance.covariate.as_str().into(),
            sample.into(),
            group.treated_mean.into(),
            group.untreated_mean.into(),
            group.bias.into(),
            reduction.into(),
            group.t.into(),
            group.p_value.into(),
            group.variance_ratio.into(),
        ]
    };
    [line("before", &balance.before, None), line("after", &balance.after, Some(balance.bias_reduction))]
}
