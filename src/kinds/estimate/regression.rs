//! The estimators of `stats::estimators` as methods of a stage: their variances, corrections and samples.

use super::further::{self, Fitted, Further};
use super::method::{self, Estimate, Estimated, Method, OwnTable, Problem, Request, RowTable, Statistics, Test};
use engine::manifest::Manifest;
use engine::yaml::Value;
use engine::yaml::fields::Fields;
use stats::design::{Conley, CountedEffects, Kernel, Options, Panel, Rules, SampleFlag, SmallSample, Vcov};
use stats::error::StatsError;
use stats::estimator::{Estimator, Fit};
use stats::instruments::{self, Instruments};
use stats::models::{self, Model};

struct Regression {
    estimator: &'static dyn Estimator,
    options: Options,
    further: Vec<(&'static str, Box<dyn Further>)>,
    keeps_residuals: bool,
}

/// Variances by name, without clusters.
const VCOV: &[(&str, Vcov)] = &[
    ("driscoll_kraay", Vcov::DriscollKraay { lags: None }),
    ("hc1", Vcov::Hetero),
    ("hc2", Vcov::Hc2),
    ("hc3", Vcov::Hc3),
    ("hetero", Vcov::Hetero),
    ("iid", Vcov::Iid),
    ("newey_west", Vcov::NeweyWest { lags: None }),
];

pub fn parse(request: &Request, estimator: &'static dyn Estimator) -> Option<Box<dyn Method>> {
    let fields = &request.spec.fields;
    let vcov = match request.common.cluster.is_empty() {
        true => vcov(fields),
        false => clustered(request),
    };
    let panel = panel(fields);
    let needs_panel = request.formulas.iter().any(stats::formula::Formula::needs_panel)
        || matches!(vcov, Some(Vcov::NeweyWest { .. } | Vcov::DriscollKraay { .. }))
        || matches!(&vcov, Some(Vcov::Conley(conley)) if conley.lags.is_some());
    if needs_panel && fields.node("panel").is_none() {
        fields.complain(
            fields.node("vcov").unwrap_or(fields.self_node()),
            "lags need `panel: [unit, period]`, the columns that say which unit a row is about, and when",
        );
    }
    let small_sample = small_sample(fields);
    let drop_singletons = fields.bool("drop_singletons").unwrap_or(false);
    if !request.is_chosen
        && let Some(node) = fields.node("treatment").or(fields.node("cohort"))
    {
        let message = format!("`{}` has no option `treatment` or `cohort`: its treatment is a term", estimator.name());
        fields.complain(node, message);
    } else {
        fields.allow(&["treatment", "cohort"]);
    }
    let further = further::parse(fields)?;
    if estimator.name() != "twfe"
        && let Some((name, _)) = further.first()
    {
        let message = format!("`{name}` is asked of least squares, `estimator: twfe`, not of `{}`", estimator.name());
        fields.complain(fields.node(name)?, message);
        return None;
    }
    Some(Box::new(Regression {
        keeps_residuals: fields.bool("residuals").unwrap_or(false),
        further,
        estimator,
        options: Options {
            vcov: vcov?,
            weights: request.common.weights.clone(),
            small_sample: small_sample?,
            level: request.common.level,
            drop_singletons,
            panel,
        },
    }))
}

/// The variance where there are clusters.
fn clustered(request: &Request) -> Option<Vcov> {
    let fields = &request.spec.fields;
    let columns: Vec<String> = request.common.cluster.iter().map(|column| column.value.clone()).collect();
    if columns.len() > 2 {
        fields.complain(fields.node("cluster")?, "`cluster` is one column or two");
        return None;
    }
    let Some(name) = fields.text("vcov") else { return Some(Vcov::Cluster(columns)) };
    let found = match (name.value.as_str(), &columns[..]) {
        ("cr1", _) => Vcov::Cluster(columns),
        ("cr2", [column]) => Vcov::Cr2(column.clone()),
        ("cr3", [column]) => Vcov::Cr3(column.clone()),
        ("cr2" | "cr3", _) => {
            fields.complain(fields.node("vcov")?, format!("`vcov: {}` clusters by one column", name.value));
            return None;
        }
        _ => {
            fields.complain(fields.node("vcov")?, "with `cluster`, `vcov` is one of cr1, cr2, cr3");
            return None;
        }
    };
    Some(found)
}

/// The variance where there are no clusters: a name, or a name with its options.
fn vcov(fields: &Fields) -> Option<Vcov> {
    let Some(node) = fields.node("vcov") else { return Some(Vcov::Hetero) };
    let Value::Map(entries) = &node.value else {
        let text = fields.as_text(node, "vcov")?;
        if ["cr1", "cr2", "cr3"].contains(&text.value.as_str()) {
            fields.complain(node, format!("`vcov: {}` needs `cluster`", text.value));
            return None;
        }
        let known: Vec<(&str, usize)> = VCOV.iter().enumerate().map(|(at, (name, _))| (*name, at)).collect();
        return Some(VCOV[fields.choice("vcov", &known)?].1.clone());
    };
    let [entry] = &entries[..] else {
        fields.complain(node, "`vcov` is one variance");
        return None;
    };
    let own = fields.at(&entry.node, format!("`vcov: {}`", entry.key));
    let lags = |own: &Fields| {
        let lags = own.int("lags")?;
        let found = u32::try_from(lags).ok();
        if found.is_none() {
            own.complain(own.self_node(), "`lags` is 0 or more");
        }
        found
    };
    let found = match entry.key.as_str() {
        "newey_west" => Some(Vcov::NeweyWest { lags: lags(&own) }),
        "driscoll_kraay" => Some(Vcov::DriscollKraay { lags: lags(&own) }),
        "conley" => {
            let (latitude, longitude) = (own.required_text("latitude"), own.required_text("longitude"));
            own.required("cutoff");
            let cutoff = own.float("cutoff");
            let kernel = own.choice("kernel", &[("bartlett", Kernel::Bartlett), ("uniform", Kernel::Uniform)]);
            Some(Vcov::Conley(Conley {
                latitude: latitude?.value,
                longitude: longitude?.value,
                cutoff: cutoff?,
                kernel: kernel.unwrap_or(Kernel::Uniform),
                lags: lags(&own),
            }))
        }
        name => {
            let message = format!("`{name}` is no variance with options; those are conley, driscoll_kraay, newey_west");
            fields.complain(node, message);
            return None;
        }
    };
    own.finish();
    found
}

/// `panel: [unit, period]`.
fn panel(fields: &Fields) -> Option<Panel> {
    let names = fields.texts("panel")?;
    let [unit, time] = &names[..] else {
        fields.complain(fields.node("panel")?, "`panel` is two columns, the unit and the period");
        return None;
    };
    Some(Panel { unit: unit.value.clone(), time: time.value.clone() })
}

/// A convention by name, or its parts.
fn small_sample(fields: &Fields) -> Option<SmallSample> {
    let Some(node) = fields.node("small_sample") else { return Some(SmallSample::Fixest) };
    if !matches!(node.value, Value::Map(_)) {
        let known = [("fixest", SmallSample::Fixest), ("none", SmallSample::None), ("stata", SmallSample::Stata)];
        return fields.choice("small_sample", &known);
    }
    let own = fields.at(node, "`small_sample`");
    let known =
        [("all", CountedEffects::All), ("none", CountedEffects::None), ("not_nested", CountedEffects::NotNested)];
    let rules = Rules {
        adjust: own.bool("adjust").unwrap_or(true),
        effects: own.choice("effects", &known).unwrap_or(CountedEffects::NotNested),
        cluster: own.bool("cluster").unwrap_or(true),
        smallest_clusters: own.bool("smallest_clusters").unwrap_or(true),
    };
    own.finish();
    Some(SmallSample::Rules(rules))
}

impl Method for Regression {
    fn name(&self) -> &'static str {
        self.estimator.name()
    }

    fn version(&self) -> u32 {
        self.estimator.version()
    }

    fn columns(&self) -> Vec<String> {
        let Options { vcov, panel, weights: _, small_sample: _, level: _, drop_singletons: _ } = &self.options;
        let mut columns: Vec<String> =
            panel.iter().flat_map(|panel| [panel.unit.clone(), panel.time.clone()]).collect();
        if let Vcov::Conley(conley) = vcov {
            columns.extend([conley.latitude.clone(), conley.longitude.clone()]);
        }
        columns.extend(self.further.iter().flat_map(|(_, analysis)| analysis.columns()));
        columns
    }

    fn describe(&self, manifest: &mut dyn Manifest) {
        // Weights and level are described by the stage, for every estimator.
        let Options { vcov, weights: _, small_sample, level: _, drop_singletons, panel } = &self.options;
        manifest.text("vcov", &format!("{vcov:?}"));
        manifest.text("small_sample", &format!("{small_sample:?}"));
        manifest.flag("drop_singletons", *drop_singletons);
        if let Some(Panel { unit, time }) = panel {
            manifest.list("panel", &[unit.clone(), time.clone()]);
        }
        manifest.flag("residuals", self.keeps_residuals);
        for (name, analysis) in &self.further {
            manifest.text("further", name);
            analysis.describe(manifest);
        }
    }

    fn draws(&self) -> bool {
        self.further.iter().any(|(_, analysis)| analysis.draws())
    }

    fn row_table(&self) -> Option<RowTable> {
        self.keeps_residuals.then_some(RowTable { suffix: "residuals", columns: &["residual"] })
    }

    fn own_tables(&self) -> Vec<OwnTable> {
        self.further.iter().flat_map(|(_, analysis)| analysis.own_tables()).copied().collect()
    }

    fn estimate(&self, problems: &[Problem]) -> Vec<Result<Estimated, StatsError>> {
        let Some(first) = problems.first() else { return Vec::new() };
        let formulas = problems.iter().map(|problem| problem.formula);
        let models: Vec<Model> =
            formulas.map(|formula| Model { formula, options: &self.options, estimator: self.estimator }).collect();
        models::fit_all(first.data, &models, |_, found| {
            let (design, fit) = found?;
            let model = Fitted { design, data: first.data, fit: &fit, level: first.common.level, draws: first.draws };
            let mut answer = estimated(&fit, design.sample());
            if self.keeps_residuals {
                let mut of_rows = vec![None; first.data.rows];
                // Separated rows are in the design and not in the fit.
                let used = (0..first.data.rows).filter(|row| answer.reasons[*row].is_none());
                used.zip(&fit.residuals).for_each(|(row, value)| of_rows[row] = Some(*value));
                answer.of_rows = vec![of_rows];
            }
            for (_, analysis) in &self.further {
                let rows = analysis.add(&model, &mut answer)?;
                answer.own.extend(rows);
            }
            Ok(answer)
        })
    }
}

fn estimated(fit: &Fit, sample: &[SampleFlag]) -> Estimated {
    let mut reasons = method::reasons(sample);
    let likelihood = fit.likelihood.as_ref();
    for row in likelihood.iter().flat_map(|likelihood| &likelihood.separated) {
        reasons[*row] = Some("separated".to_string());
    }
    let linear = likelihood.is_none();
    let statistics = Statistics {
        vcov: Some(fit.vcov_label.clone()),
        n_obs: fit.n_obs,
        n_units: None,
        n_clusters: fit.n_clusters,
        n_singletons: Some(fit.n_singletons),
        df_residual: Some(fit.df_residual),
        df_t: Some(fit.df_t),
        r2: linear.then_some(fit.r2),
        adj_r2: linear.then_some(fit.adj_r2),
        r2_within: fit.r2_within,
        adj_r2_within: fit.adj_r2_within,
        pseudo_r2: likelihood.map(|likelihood| likelihood.pseudo_r2),
        log_likelihood: likelihood.map(|likelihood| likelihood.log_likelihood),
        deviance: likelihood.map(|likelihood| likelihood.deviance),
        rmse: Some(fit.rmse),
        outcome_mean: Some(fit.outcome_mean),
        outcome_sd: Some(fit.outcome_sd),
        iterations: Some(fit.iterations as usize),
        condition: Some(fit.condition),
    };
    let mut estimates: Vec<Estimate> = fit.coefficients.iter().cloned().map(Estimate::new).collect();
    let mut tests = Vec::new();
    if let Some(instruments) = &fit.instruments {
        estimates.extend(first_stages(instruments));
        tests = tests_of(instruments);
    }
    Estimated {
        estimates,
        statistics,
        tests,
        dropped_terms: fit.dropped_terms.clone(),
        reasons,
        ..Estimated::default()
    }
}

/// The coefficients of the instruments, under names of their own.
fn first_stages(instruments: &Instruments) -> Vec<Estimate> {
    let mut estimates = Vec::new();
    for stage in &instruments.first_stages {
        for coefficient in &stage.coefficients {
            let mut estimate = Estimate::new(coefficient.clone());
            estimate.coefficient.term = format!("first_stage:{}:{}", stage.endogenous, coefficient.term);
            estimate.part = Some("first_stage");
            estimates.push(estimate);
        }
    }
    estimates
}

fn tests_of(instruments: &Instruments) -> Vec<Test> {
    let test = |name: String, test: &instruments::Test| Test {
        name,
        statistic: test.statistic,
        df: Some(test.df),
        df_denominator: test.df_denominator,
        p_value: Some(test.p_value),
    };
    let number = Test::number;
    let mut tests = Vec::new();
    for stage in &instruments.first_stages {
        tests.push(test(format!("first_stage_f:{}", stage.endogenous), &stage.f));
        tests.push(number(format!("partial_r2:{}", stage.endogenous), stage.partial_r2));
    }
    tests.push(test("underidentification".to_string(), &instruments.underidentification));
    tests.push(number("cragg_donald_f".to_string(), instruments.cragg_donald_f));
    tests.extend(instruments.kleibergen_paap_f.map(|value| number("kleibergen_paap_f".to_string(), value)));
    tests.push(test("anderson_rubin".to_string(), &instruments.anderson_rubin));
    // An end that is infinite is missing in the table.
    for (index, (low, high)) in instruments.anderson_rubin_set.iter().flatten().enumerate() {
        let which = if index == 0 { String::new() } else { format!(":{}", index + 1) };
        tests.push(number(format!("anderson_rubin_low{which}"), *low));
        tests.push(number(format!("anderson_rubin_high{which}"), *high));
    }
    tests.extend(instruments.overidentification.iter().map(|found| test("overidentification".to_string(), found)));
    tests.push(test("endogeneity".to_string(), &instruments.endogeneity));
    tests
}
