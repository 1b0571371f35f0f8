//! Designs at the edge, every method on each: an answer whose numbers are all numbers, or an error that says why there is
//! none. What each method says is written down below, so that a change of it shows.

use super::{options, panel};
use crate::design::{Design, Options, Vcov};
use crate::error::StatsError;
use crate::estimators;
use crate::formula;
use crate::random::Random;
use crate::reference::Frame;
use crate::staggered::Estimates;
use crate::staggered::bacon::bacon;
use crate::staggered::callaway_santanna::{self, Bootstrap, Comparison, MissingRows, Multiplier, callaway_santanna};
use crate::staggered::chaisemartin_dhaultfoeuille::{SwitcherOptions, chaisemartin_dhaultfoeuille};
use crate::staggered::event_study::{EventStudyOptions, event_study};
use crate::staggered::extended::extended;
use crate::staggered::imputation::imputation;
use crate::staggered::local_projections::{BaseOutcome, HorizonWeighting, LocalProjectionsOptions, local_projections};
use crate::staggered::panel::{Panel, PanelOptions, Treatment};
use crate::staggered::stacked::{StackWeighting, StackedOptions, stacked};
use crate::staggered::sun_abraham::sun_abraham;
use crate::staggered::synthetic::{SyntheticErrors, synthetic};
use crate::staggered::two_stage::two_stage;
use crate::staggered::two_way_weights::two_way_weights;

/// What a degenerate panel is made of.
struct Degenerate {
    /// The first treated period of each unit.
    firsts: Vec<Option<u64>>,
    periods: Vec<u64>,
    covariates: &'static str,
    cluster: fn(usize) -> usize,
    outcome: fn(usize, u64, f64, f64) -> f64,
    keep: fn(usize, u64) -> bool,
    treated: fn(usize, u64, bool) -> bool,
    treatment: Treatment,
}

impl Degenerate {
    /// Effects of 1 in 6 periods, every unit a cluster.
    fn of(firsts: &[u64]) -> Degenerate {
        Degenerate {
            firsts: firsts.iter().map(|first| Some(*first).filter(|first| *first > 0)).collect(),
            periods: (1..=6).collect(),
            covariates: "",
            cluster: |unit| unit,
            outcome: |unit, period, treated, noise| {
                (unit % 3) as f64 + 0.1 * (period * period) as f64 + treated + noise
            },
            keep: |_, _| true,
            treated: |_, _, treated| treated,
            treatment: Treatment::FirstPeriod("first".to_string()),
        }
    }

    fn frame(&self) -> Frame {
        let random = Random::new(5, 9);
        let mut csv = String::from("unit,period,first,treated,cluster,constant,common,half,twice,copy,y\n");
        for (unit, first) in self.firsts.iter().enumerate() {
            for period in self.periods.iter().copied().filter(|period| (self.keep)(unit, *period)) {
                let is_on = (self.treated)(unit, period, first.is_some_and(|first| period >= first));
                let on = f64::from(u8::from(is_on));
                let noise = random.uniform(unit as u64, period);
                let half = random.uniform(100 + unit as u64, period);
                let outcome = (self.outcome)(unit, period, on, noise);
                let first = first.map_or(String::new(), |first| first.to_string());
                let cluster = (self.cluster)(unit);
                csv += &format!(
                    "u{unit},{period},{first},{on},c{cluster},{},{period},{half},{},{on},{outcome}\n",
                    unit % 2,
                    2.0 * half
                );
            }
        }
        Frame::read(&csv)
    }
}

/// The designs by name.
fn designs() -> Vec<(&'static str, Degenerate)> {
    const USUAL: [u64; 13] = [3, 3, 3, 5, 5, 5, 0, 0, 0, 0, 0, 0, 0];
    let usual = || Degenerate::of(&USUAL);
    vec![
        ("nothing degenerate", usual()),
        ("no never treated", Degenerate::of(&[3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5])),
        ("one cohort", Degenerate::of(&[4, 4, 4, 4, 0, 0, 0, 0])),
        ("one cohort, no never treated", Degenerate::of(&[4; 8])),
        ("one unit per cohort", Degenerate::of(&[3, 4, 5, 0, 0, 0, 0, 0])),
        ("one unit per cohort, no never treated", Degenerate::of(&[2, 3, 4, 5, 6])),
        ("two units", Degenerate::of(&[4, 0])),
        ("some always treated", Degenerate::of(&[1, 1, 1, 4, 4, 4, 0, 0, 0, 0])),
        ("always or never treated", Degenerate::of(&[1, 1, 1, 1, 0, 0, 0, 0])),
        ("all always treated", Degenerate::of(&[1; 8])),
        ("nobody treated", Degenerate::of(&[0; 8])),
        ("treated after the last period", Degenerate::of(&[9, 9, 9, 0, 0, 0])),
        ("treated in the second period", Degenerate::of(&[2, 2, 2, 0, 0, 0])),
        ("treated in the last period", Degenerate::of(&[6, 6, 6, 0, 0, 0])),
        ("collinear covariates", Degenerate { covariates: " + constant + common + half + twice", ..usual() }),
        ("a covariate that is the treatment", Degenerate { covariates: " + copy", ..usual() }),
        ("one cluster", Degenerate { cluster: |_| 0, ..usual() }),
        ("two clusters", Degenerate { cluster: |unit| unit % 2, ..usual() }),
        ("constant outcome", Degenerate { outcome: |_, _, _, _| 7.0, ..usual() }),
        (
            "outcome of units and periods",
            Degenerate { outcome: |unit, period, _, _| unit as f64 + period as f64, ..usual() },
        ),
        (
            "effect without error",
            Degenerate { outcome: |unit, period, on, _| unit as f64 + period as f64 + on, ..usual() },
        ),
        (
            "treatment that switches off",
            Degenerate {
                treated: |unit, period, on| on && (unit > 1 || period < 5),
                treatment: Treatment::Status("treated".to_string()),
                ..usual()
            },
        ),
        ("gaps", Degenerate { keep: |unit, period| !(unit as u64 + period).is_multiple_of(5), ..usual() }),
        ("no row before the treatment", Degenerate { keep: |unit, period| unit > 2 || period >= 3, ..usual() }),
        ("a period without a row", Degenerate { periods: vec![1, 2, 4, 5, 6], ..usual() }),
        ("two periods", Degenerate { periods: vec![2, 3], ..Degenerate::of(&[3, 3, 3, 0, 0, 0]) }),
        ("one period", Degenerate { periods: vec![3], ..usual() }),
        ("one row per unit", Degenerate { keep: |unit, period| unit as u64 % 6 + 1 == period, ..usual() }),
    ]
}

type Check = fn(&Degenerate) -> Result<Vec<String>, StatsError>;

/// Every method, with what is wrong with its numbers.
const METHODS: &[(&str, Check)] = &[
    ("twfe", |design| two_way(design, Vcov::Cluster(vec!["cluster".to_string()]))),
    ("twfe CR2", |design| two_way(design, Vcov::Cr2("cluster".to_string()))),
    ("twfe CR3", |design| two_way(design, Vcov::Cr3("cluster".to_string()))),
    ("event study", |design| Ok(wrong(&[&event_study(&checked(design)?, &EventStudyOptions::default())?]))),
    ("bacon", |design| {
        let found = bacon(&checked(design)?)?;
        let numbers = found.comparisons.iter().flat_map(|pair| [pair.weight, pair.estimate]);
        Ok(not_finite("bacon", numbers.chain([found.two_way])))
    }),
    ("two-way weights", |design| {
        let found = two_way_weights(&checked(design)?)?;
        let spreads = found.std_dev_zero.into_iter().chain(found.std_dev_opposite);
        Ok(not_finite("weights", spreads.chain(found.cells.iter().map(|cell| cell.weight)).chain([found.estimate])))
    }),
    ("callaway, never", |design| cohorts_and_periods(design, Comparison::NeverTreated, MissingRows::LeaveOutUnits)),
    ("callaway, not yet", |design| cohorts_and_periods(design, Comparison::NotYetTreated, MissingRows::LeaveOutUnits)),
    ("callaway, rows", |design| cohorts_and_periods(design, Comparison::NeverTreated, MissingRows::CrossSections)),
    ("sun", |design| {
        let found = sun_abraham(checked(design)?)?;
        Ok(wrong(&[&found.estimates, &found.cohort_effects]))
    }),
    ("imputation", |design| {
        let found = imputation(checked(design)?, 2)?;
        let sets = [Some(&found.estimates), Some(&found.cohorts), found.leads.as_ref()];
        Ok(wrong(&sets.into_iter().flatten().collect::<Vec<_>>()))
    }),
    ("two-stage", |design| {
        let found = two_stage(checked(design)?)?;
        Ok(wrong(&[&found.overall, &found.dynamic]))
    }),
    ("stacked", |design| stacks(design, StackWeighting::Variance)),
    ("stacked, treated", |design| stacks(design, StackWeighting::Treated)),
    ("chaisemartin", |design| {
        let options = SwitcherOptions { effects: 2, placebos: 1 };
        Ok(wrong(&[&chaisemartin_dhaultfoeuille(checked(design)?, &options)?]))
    }),
    ("projections", |design| horizons(design, HorizonWeighting::Equal, BaseOutcome::LastPeriod)),
    ("projections, mean", |design| horizons(design, HorizonWeighting::Variance, BaseOutcome::MeanBefore)),
    ("extended, never", |design| saturated(design, Comparison::NeverTreated)),
    ("extended, not yet", |design| saturated(design, Comparison::NotYetTreated)),
    ("synthetic, placebo", |design| {
        weighted(design, &SyntheticErrors::Placebo { draws: 5, random: Random::new(1, 2) })
    }),
    ("synthetic, bootstrap", |design| {
        weighted(design, &SyntheticErrors::Bootstrap { draws: 5, random: Random::new(1, 3) })
    }),
    ("synthetic, jackknife", |design| weighted(design, &SyntheticErrors::Jackknife)),
];

fn checked(design: &Degenerate) -> Result<Panel, StatsError> {
    let options = PanelOptions { cluster: Some("cluster".to_string()), ..options(design.treatment.clone()) };
    let treatment = match &design.treatment {
        Treatment::FirstPeriod(column) | Treatment::Status(column) => column,
    };
    panel(&design.frame(), &format!("y ~ {treatment}{} | unit + period", design.covariates), &options)
}

fn two_way(design: &Degenerate, vcov: Vcov) -> Result<Vec<String>, StatsError> {
    let formula = formula::parse(&format!("y ~ treated{} | unit + period", design.covariates)).expect("a formula");
    let checked = Design::new(&formula, &design.frame().data(), &Options { vcov, ..Options::default() })?;
    let fit = estimators::find("twfe").expect("twfe").fit(&checked)?;
    if !fit.coefficients.iter().any(|coefficient| coefficient.term == "treated") {
        // What R's `fixest` does too; the reason is among the dropped terms.
        assert!(fit.dropped_terms.iter().any(|(term, _)| term == "treated"), "{:?}", fit.dropped_terms);
        return Ok(vec!["an answer without the treatment, which is collinear".to_string()]);
    }
    if fit.coefficients.iter().any(|found| found.std_error == 0.0 && found.estimate.is_finite()) {
        return Ok(vec!["an answer with a standard error of 0".to_string()]);
    }
    let of_coefficient = |found: &crate::estimator::Coefficient| {
        not_finite(
            &found.term,
            [found.estimate, found.std_error, found.statistic, found.p_value, found.conf_low, found.conf_high],
        )
    };
    let mut wrong: Vec<String> = fit.coefficients.iter().flat_map(of_coefficient).collect();
    let numbers = [fit.r2, fit.adj_r2, fit.rmse, fit.condition, fit.outcome_mean, fit.outcome_sd];
    wrong.extend(not_finite("fit", numbers.into_iter().chain(fit.r2_within).chain(fit.adj_r2_within)));
    Ok(wrong)
}

fn cohorts_and_periods(
    design: &Degenerate,
    comparison: Comparison,
    missing_rows: MissingRows,
) -> Result<Vec<String>, StatsError> {
    let options = callaway_santanna::Options { comparison, missing_rows, ..callaway_santanna::Options::default() };
    let bootstrap = Bootstrap { draws: 9, multiplier: Multiplier::Rademacher, random: Random::new(1, 4) };
    let found = callaway_santanna(checked(design)?, &options, Some(&bootstrap))?;
    Ok(wrong(&[&found.cells, &found.simple, &found.dynamic, &found.group, &found.calendar]))
}

fn stacks(design: &Degenerate, weighting: StackWeighting) -> Result<Vec<String>, StatsError> {
    let found = stacked(checked(design)?, &StackedOptions { before: 2.0, after: 1.0, weighting })?;
    Ok(wrong(&[&found.overall, &found.dynamic]))
}

fn horizons(design: &Degenerate, weighting: HorizonWeighting, base: BaseOutcome) -> Result<Vec<String>, StatsError> {
    let comparison = Comparison::NotYetTreated;
    let options = LocalProjectionsOptions { before: 3, after: 1, weighting, base, comparison };
    let found = local_projections(checked(design)?, &options)?;
    Ok(wrong(&[Some(&found.dynamic), found.pooled.as_ref()].into_iter().flatten().collect::<Vec<_>>()))
}

fn saturated(design: &Degenerate, comparison: Comparison) -> Result<Vec<String>, StatsError> {
    let found = extended(checked(design)?, comparison)?;
    Ok(wrong(&[&found.estimates, &found.cohorts, &found.periods, &found.cells]))
}

fn weighted(design: &Degenerate, errors: &SyntheticErrors) -> Result<Vec<String>, StatsError> {
    Ok(wrong(&[&synthetic(checked(design)?, errors)?.estimates]))
}

/// What a method says where no variance is seen: the statistic has no end then.
const CERTAIN: &str = "an answer without a variance, which it warns of";

/// What is not a number.
fn wrong(sets: &[&Estimates]) -> Vec<String> {
    let mut wrong = Vec::new();
    for set in sets {
        if set.effects.is_empty() && set.dropped_terms.is_empty() {
            wrong.push("no effect, and no reason".to_string());
        }
        let is_said = set.warnings.iter().any(|warning| warning.starts_with("effects with a standard error of 0"));
        for effect in &set.effects {
            let found = &effect.coefficient;
            if found.std_error == 0.0 && found.statistic.is_infinite() && found.estimate.is_finite() && is_said {
                wrong.extend((!wrong.iter().any(|known| known == CERTAIN)).then(|| CERTAIN.to_string()));
                continue;
            }
            let numbers =
                [found.estimate, found.std_error, found.statistic, found.p_value, found.conf_low, found.conf_high];
            wrong.extend(not_finite(&found.term, numbers.into_iter().chain(effect.band.into_iter().flatten())));
        }
        let tests = set.tests.iter().flat_map(|test| [test.statistic, test.p_value]);
        wrong.extend(not_finite("tests", tests));
        let bootstrap =
            set.bootstrap.iter().flat_map(|found| found.std_errors.iter().copied().chain(found.critical_value));
        wrong.extend(not_finite("bootstrap", bootstrap));
        let products = set.vcov.iter().chain(&set.influence).flatten().copied();
        wrong.extend(not_finite("variance", products));
    }
    wrong
}

fn not_finite(what: &str, numbers: impl IntoIterator<Item = f64>) -> Vec<String> {
    let numbers: Vec<f64> = numbers.into_iter().collect();
    if numbers.iter().all(|number| number.is_finite()) { Vec::new() } else { vec![format!("{what}: {numbers:?}")] }
}

#[test]
fn no_method_is_silent_at_the_edge() {
    let mut found = String::new();
    for (name, design) in designs() {
        let mut outcomes: Vec<(String, Vec<&str>)> = Vec::new();
        for (method, check) in METHODS {
            let outcome = match check(&design) {
                Ok(wrong) if wrong.is_empty() => "an answer".to_string(),
                Ok(wrong) if wrong.len() == 1 && wrong[0].starts_with("an answer") => wrong[0].clone(),
                Ok(wrong) => format!("WRONG {}", wrong.join("; ")),
                Err(error) => format!("error: {error}"),
            };
            match outcomes.iter_mut().find(|(known, _)| *known == outcome) {
                Some((_, methods)) => methods.push(method),
                None => outcomes.push((outcome, vec![method])),
            }
        }
        found += &format!("{name}\n");
        for (outcome, methods) in outcomes {
            let methods = if methods.len() == METHODS.len() { "all".to_string() } else { methods.join("; ") };
            found += &format!("  {outcome}\n    {methods}\n");
        }
    }
    assert_eq!(found, EXPECTED, "\n{found}");
}

const EXPECTED: &str = include_str!("degenerate.txt");
