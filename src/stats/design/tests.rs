//! Which rows and columns a design has, and what it refuses.

use super::{Data, Design, DropReason, Options, Panel, SampleFlag, SmallSample, Vcov};
use crate::error::StatsError;
use crate::formula;
use crate::reference::Frame;

const TABLE: &str = "\
y,x,unit,time,region,w,size
1,2.5,1,2001,east,1,10
2,,1,2002,east,1,20
3,0,2,2001,,1,0
4,1,2,2002,west,0,-1
,1,3,2001,west,1,5
6,2,3,2002,north,2,8
7,3,3,2003,west,1,9
8,5,1,2003,north,,7
";

fn design(formula: &str, change: impl Fn(&mut Options)) -> Result<Design, StatsError> {
    let mut options = Options {
        vcov: Vcov::Iid,
        weights: None,
        small_sample: SmallSample::Fixest,
        level: 0.95,
        drop_singletons: false,
        panel: None,
    };
    change(&mut options);
    Design::new(&formula::parse(formula).expect(formula), &Frame::read(TABLE).data(), &options)
}

/// One reason per row; `-` for a row in the sample.
fn check_sample(formula: &str, change: impl Fn(&mut Options), expected: [&str; 8]) {
    let design = design(formula, change).expect(formula);
    let shown = |flag: &SampleFlag| match flag {
        SampleFlag::Used => "-".to_string(),
        SampleFlag::Dropped(reason) => reason.to_string(),
    };
    assert_eq!(design.sample().iter().map(shown).collect::<Vec<_>>(), expected, "{formula}");
    assert_eq!(design.n_obs(), expected.iter().filter(|reason| **reason == "-").count());
}

#[test]
fn every_row_is_used_or_has_its_reason() {
    let no_y = "missing `y`";
    check_sample("y ~ x", |_| (), ["-", "missing `x`", "-", "-", no_y, "-", "-", "-"]);
    check_sample("y ~ 1", |_| (), ["-", "-", "-", "-", no_y, "-", "-", "-"]);
    let by_region = |options: &mut Options| options.vcov = Vcov::Cluster(vec!["region".to_string()]);
    check_sample("y ~ 1", by_region, ["-", "-", "missing `region`", "-", no_y, "-", "-", "-"]);
    check_sample("y ~ i(region)", |_| (), ["-", "-", "missing `region`", "-", no_y, "-", "-", "-"]);
    let weighted = |options: &mut Options| options.weights = Some("w".to_string());
    check_sample("y ~ 1", weighted, ["-", "-", "-", "weight `w` is 0", no_y, "-", "-", "missing `w`"]);
    let log = "log of a value of `size` that is not positive";
    check_sample("y ~ log(size)", |_| (), ["-", "-", log, log, no_y, "-", "-", "-"]);
    check_sample("log(size) ~ 1", |_| (), ["-", "-", log, log, "-", "-", "-", "-"]);
    let negative = |options: &mut Options| options.weights = Some("size".to_string());
    let error = design("y ~ x | unit + time", negative).expect_err("a negative weight");
    assert_eq!(error.to_string(), "weight `size` is -1 in row 4 (negative weights: 1)");
}

#[test]
fn singletons_go_until_none_is_left() {
    let strict = |options: &mut Options| options.drop_singletons = true;
    let weighted = |options: &mut Options| (options.weights, options.drop_singletons) = (Some("w".to_string()), true);
    let no_y = "missing `y`";
    check_sample("y ~ 1 + x | unit", strict, ["-", "missing `x`", "-", "-", no_y, "-", "-", "-"]);
    // Row 8 has no weight and row 4 none that counts, so that units 1 and 2 are left with one row each, rows 1 and 3.
    // Without these, 2002 and 2003 have one row each.
    let unit = "singleton in `unit`";
    let error = design("y ~ 1 + x | unit + time", weighted).expect_err("no row is left");
    let message = "no row is left of 8: missing `w`: 1, missing `x`: 1, missing `y`: 1, singleton in `time`: 2, \
                   singleton in `unit`: 2, weight `w` is 0: 1";
    assert_eq!(error.to_string(), message);
    // The same rows without time as an effect: two are left.
    check_sample(
        "y ~ 1 + x | unit",
        weighted,
        [unit, "missing `x`", unit, "weight `w` is 0", no_y, "-", "-", "missing `w`"],
    );
    let counted =
        design("y ~ 1 + x | unit + time", |options| options.weights = Some("w".to_string())).expect("a design");
    assert_eq!((counted.n_singletons, counted.n_obs()), (4, 4));
}

/// Names of the columns of numbers, and what is left out as the reference.
#[test]
fn factors_have_a_dummy_per_level_but_the_reference() {
    for (formula, terms, references) in [
        ("y ~ i(time)", "time::2002 time::2003", "time=2001"),
        ("y ~ region", "region::north region::west", "region=east"),
        ("y ~ i(region, ref = west)", "region::east region::north", "region=west"),
        ("y ~ i(time, 2002)", "time::2001 time::2003", "time=2002"),
        ("y ~ i(time, \"2002\")", "time::2001 time::2003", "time=2002"),
        ("y ~ region | unit", "region::north region::west", "region=east"),
        ("y ~ 0 + region", "region::east region::north region::west", ""),
        ("y ~ i(time, x)", "time::2001:x time::2002:x time::2003:x", ""),
        ("y ~ x + i(time, x)", "x time::2002:x time::2003:x", "time=2001"),
        ("y ~ i(time, x, ref = 2003)", "time::2001:x time::2002:x", "time=2003"),
        ("y ~ x*region", "x region::north region::west x:region::north x:region::west", "region=east"),
        ("y ~ x:log(time) | unit", "x:log(time)", ""),
    ] {
        let design = design(formula, |_| ()).expect(formula);
        let found: Vec<&str> = design.regressors.iter().map(|regressor| regressor.term.as_str()).collect();
        assert_eq!(found.join(" "), terms, "{formula}");
        let found: Vec<String> =
            design.references().iter().map(|(column, level)| format!("{column}={level}")).collect();
        assert_eq!(found.join(" "), references, "{formula}");
    }
    let products = design("y ~ x:i(time, 2001)", |_| ()).expect("a product").regressors;
    // Rows 1, 3, 4, 6, 7 and 8 have y and x.
    assert_eq!(products[0].values, [0.0, 0.0, 1.0, 2.0, 0.0, 0.0]);
    assert_eq!(products[1].values, [0.0, 0.0, 0.0, 0.0, 3.0, 5.0]);
}

/// What a design refuses: the message names the column, the hint the next step.
#[test]
fn bad_input_is_an_error() {
    fn cluster(names: &'static [&'static str]) -> impl Fn(&mut Options) {
        |options| options.vcov = Vcov::Cluster(names.iter().map(|name| name.to_string()).collect())
    }
    fn weighted(name: &'static str) -> impl Fn(&mut Options) {
        |options| options.weights = Some(name.to_string())
    }
    let columns = "[region, size, time, unit, w, x, y]";
    let known = |name: &str| format!("no column `{name}`; there are {columns}");
    let check = |found: Result<Design, StatsError>, message: &str, hint: &str| {
        let error = found.map(|design| design.sample).expect_err(message);
        assert_eq!(error.to_string(), message);
        let found = error.hint().unwrap_or_default();
        assert!(found.contains(hint) && found.is_empty() == hint.is_empty(), "{message}: {found}");
    };
    check(design("y ~ q", |_| ()), &known("q"), "");
    check(design("y ~ x | q", |_| ()), &known("q"), "");
    check(design("y ~ x", cluster(&["q"])), &known("q"), "");
    check(design("y ~ x", weighted("q")), &known("q"), "");
    check(design("region ~ x", |_| ()), "column `region` is text and cannot be the outcome", "a factor");
    check(
        design("y ~ log(region)", |_| ()),
        "column `region` is text and cannot be part of an expression",
        "i(region)",
    );
    check(design("y ~ x", weighted("region")), "column `region` is text and cannot be a weight", "a factor");
    check(
        design("y ~ i(region, south)", |_| ()),
        "no column `south`; there are [region, size, time, unit, w, x, y]",
        "",
    );
    check(
        design("y ~ i(region, ref = south)", |_| ()),
        "the factor `region` has no level `south`; it has [east, north, west]",
        "as `ref`",
    );
    check(design("y ~ x", cluster(&[])), "0 columns to cluster by; there can be one or two", "combine columns");
    check(
        design("y ~ x", cluster(&["unit", "time", "region"])),
        "3 columns to cluster by; there can be one or two",
        "combine columns",
    );
    for level in [0.0, 1.0, f64::NAN] {
        let message = format!("the confidence level {level} is not between 0 and 1");
        check(design("y ~ x", |options| options.level = level), &message, "");
    }

    // Tables that are themselves wrong.
    let refused = |frame: &Frame, change: &dyn Fn(&mut Options)| -> Result<Design, StatsError> {
        let mut options = Options {
            vcov: Vcov::Iid,
            weights: None,
            small_sample: SmallSample::None,
            level: 0.9,
            drop_singletons: false,
            panel: None,
        };
        change(&mut options);
        Design::new(&formula::parse("y ~ x").expect("a formula"), &frame.data(), &options)
    };
    let nothing: &dyn Fn(&mut Options) = &|_| ();
    let frame = || Frame::read("y,x,g\n1,2,5\n3,5,5\n");
    let one = frame();
    check(refused(&one, &cluster(&["g"])), "all rows are in one cluster of `g`", "at least two values");
    let infinite = frame().with("x", vec![Some(f64::INFINITY), Some(f64::NAN)]);
    check(
        refused(&infinite, nothing),
        "column `x` holds inf in row 1 (values that are not finite: 2)",
        "make such values missing",
    );
    let empty = frame().with("x", vec![None, None]);
    check(refused(&empty, nothing), "no row is left of 2: missing `x`: 2", "one by one");
    let mut short = one.data();
    short.rows = 3;
    let found = Design::new(
        &formula::parse("y ~ x").expect("a formula"),
        &short,
        &Options {
            vcov: Vcov::Hetero,
            weights: None,
            small_sample: SmallSample::None,
            level: 0.9,
            drop_singletons: false,
            panel: None,
        },
    );
    check(found, "column `y` has 2 values where there are 3 rows", "");
}

/// Units 1 and 2; unit 1 has no 2003, and the rows are not in order.
const PERIODS: &str = "\
y,x,unit,time
10,4,1,2004
1,1,1,2001
5,,1,2002
20,2,2,2001
30,8,2,2003
25,4,2,2002
40,16,1,2005
";

fn panel_design(formula: &str) -> Result<Design, StatsError> {
    let panel = Some(Panel { unit: "unit".to_string(), time: "time".to_string() });
    let formula = formula::parse(formula).expect(formula);
    Design::new(&formula, &Frame::read(PERIODS).data(), &Options { panel, ..Options::default() })
}

/// Rows that are used, and the values of the columns there.
#[test]
fn lags_follow_periods_and_not_rows() {
    for (formula, rows, columns) in [
        // 2002 of unit 1 has no x and yet a lag; 2004 has no 2003 before it.
        ("y ~ l(x)", vec![2, 4, 5, 6], vec![vec![1.0, 4.0, 2.0, 4.0]]),
        ("y ~ f(x)", vec![0, 3, 5], vec![vec![16.0, 4.0, 8.0]]),
        ("y ~ l(x, 2)", vec![4], vec![vec![2.0]]),
        ("y ~ d(x)", vec![4, 5, 6], vec![vec![4.0, 2.0, 12.0]]),
        ("y ~ l(x, 3)", vec![0], vec![vec![1.0]]),
        ("d(y) ~ x", vec![4, 5, 6], vec![vec![8.0, 4.0, 16.0]]),
        ("y ~ log2(l(x)) + x", vec![4, 5, 6], vec![vec![2.0, 1.0, 2.0], vec![8.0, 4.0, 16.0]]),
    ] {
        let design = panel_design(formula).expect(formula);
        let used: Vec<usize> = design.rows();
        assert_eq!(used, rows, "{formula}");
        let found: Vec<Vec<f64>> = design.regressors.iter().map(|regressor| regressor.values.clone()).collect();
        assert_eq!(found, columns, "{formula}");
    }
    let sample = panel_design("y ~ l(x)").expect("a design").sample()[0].clone();
    assert_eq!(sample, SampleFlag::Dropped(DropReason::Undefined { expression: "l(x, 1)".to_string() }));
    let error = design("y ~ l(x)", |_| ()).expect_err("no panel");
    assert_eq!(error.to_string(), "l(x, 1) needs the columns of unit and period");
    let twice = |options: &mut Options| {
        options.panel = Some(Panel { unit: "unit".to_string(), time: "w".to_string() });
    };
    let error = design("y ~ l(x)", twice).expect_err("two rows");
    assert_eq!(error.to_string(), "`unit` has two rows of `w` 1: rows 1 and 2");
    let broken = |options: &mut Options| {
        options.panel = Some(Panel { unit: "time".to_string(), time: "x".to_string() });
    };
    let error = design("y ~ l(size)", broken).expect_err("half a period");
    assert_eq!(error.to_string(), "period `x` is 2.5 in row 1, not a whole number");
}

#[test]
fn expressions_are_computed_row_by_row() {
    for (formula, expected) in [
        ("y ~ I(x / 2 - y^2)", vec![0.25, -9.0, -15.5, -35.0, -47.5, -61.5]),
        ("y ~ I(x >= 2)", vec![1.0, 0.0, 0.0, 1.0, 1.0, 1.0]),
        ("y ~ I(unit != 1)", vec![0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0]),
        ("y ~ exp(x) + log1p(x)", vec![2.5_f64.exp(), 1.0, 1_f64.exp(), 2_f64.exp(), 3_f64.exp(), 5_f64.exp()]),
        ("y ~ sqrt(x)", vec![2.5_f64.sqrt(), 0.0, 1.0, 2_f64.sqrt(), 3_f64.sqrt(), 5_f64.sqrt()]),
        ("y ~ -1 + I(-x):x^2", vec![-15.625, 0.0, -1.0, -8.0, -27.0, -125.0]),
    ] {
        let design = design(formula, |_| ()).expect(formula);
        for (found, expected) in design.regressors[0].values.iter().zip(&expected) {
            assert!((found - expected).abs() <= 1e-15 * expected.abs(), "{formula}: {found}");
        }
    }
    let no = |text: &str| format!("no value of `{text}`");
    let no_y = "missing `y`".to_string();
    let reasons = |text: &str| {
        let design = design(text, |_| ()).expect(text);
        let shown = |flag: &SampleFlag| match flag {
            SampleFlag::Used => "-".to_string(),
            SampleFlag::Dropped(reason) => reason.to_string(),
        };
        design.sample().iter().map(shown).collect::<Vec<_>>()
    };
    let used = || "-".to_string();
    let (x, root) = ("missing `x`".to_string(), no("sqrt(size)"));
    assert_eq!(reasons("y ~ sqrt(size)"), [used(), used(), used(), root, no_y.clone(), used(), used(), used()]);
    let ratio = no("I(1 / x)");
    assert_eq!(reasons("y ~ I(1/x)"), [used(), x, ratio, used(), no_y, used(), used(), used()]);
}

/// formulaic 1.2.2, `poly(x, 3)`, which is R's: c(2.5, 0, 1, 2, 3, 5) is the sample.
#[test]
fn polynomials_are_those_of_r() {
    let columns = design("y ~ poly(x, 3)", |_| ()).expect("a design").regressors;
    for (column, term, expected) in [
        (0, "poly(x, 3)1", [0.06482037, -0.58338335, -0.32410186, -0.06482037, 0.19446112, 0.7130241]),
        (1, "poly(x, 3)2", [-0.38194594, 0.56557379, -0.03819459, -0.34228232, -0.34668939, 0.54353845]),
        (2, "poly(x, 3)3", [-0.14229255, -0.38731162, 0.64539837, 0.27478434, -0.55682851, 0.16624997]),
    ] {
        assert_eq!(columns[column].term, term);
        for (found, expected) in columns[column].values.iter().zip(expected) {
            assert!((found - expected).abs() < 5.1e-9, "{term}: {found} is not {expected}");
        }
    }
    let error = design("y ~ poly(unit, 3)", |_| ()).expect_err("three values");
    assert_eq!(error.to_string(), "`unit` has too few different values for a polynomial of degree 3");
}

#[test]
fn factors_may_have_several_references_and_meet() {
    for (formula, terms) in [
        ("y ~ i(time, ref = c(2001, 2003))", "time::2002"),
        (
            "y ~ i(unit, i.time, ref = 1, ref2 = 2001)",
            "unit::2:time::2002 unit::2:time::2003 unit::3:time::2002 unit::3:time::2003",
        ),
    ] {
        let design = design(formula, |_| ()).expect(formula);
        let found: Vec<&str> = design.regressors.iter().map(|regressor| regressor.term.as_str()).collect();
        assert_eq!(found.join(" "), terms, "{formula}");
    }
}

#[test]
fn slopes_and_instruments_are_columns_too() {
    let design = design("y ~ x | unit[size] + time[[log(w)]] | region ~ i(unit)", |_| ()).expect("a design");
    assert_eq!(design.absorbed_names(), ["unit[size]", "time[[log(w)]]"]);
    let effects: Vec<&str> = design.effects.iter().map(|effect| effect.name.as_str()).collect();
    assert_eq!(effects, ["unit"]);
    assert_eq!((design.slopes[0].variables.len(), design.slopes[1].group.levels), (1, 3));
    assert_eq!((design.endogenous.len(), design.instruments.len()), (2, 1));
}

/// Rows that are not kept are in no sample, and nothing is asked of them, but the lags of other rows may be theirs.
#[test]
fn lags_look_at_rows_that_are_not_kept() {
    let frame = Frame::read(TABLE).with("z", [Some(f64::INFINITY)].into_iter().chain(vec![Some(1.0); 7]).collect());
    let keep = [false, true, true, false, true, true, true, true];
    let options =
        Options { panel: Some(Panel { unit: "unit".to_string(), time: "time".to_string() }), ..Options::default() };
    let reasons = |text: &str| {
        let data = Data { keep: Some(keep.as_slice().into()), ..frame.data() };
        let design = Design::new(&formula::parse(text).expect(text), &data, &options).expect(text);
        let shown = |flag: &SampleFlag| match flag {
            SampleFlag::Used => "-".to_string(),
            SampleFlag::Dropped(reason) => reason.to_string(),
        };
        design.sample().iter().map(shown).collect::<Vec<_>>().join(", ")
    };
    let first = "no value of `l(size, 1)`";
    assert_eq!(
        reasons("y ~ l(size, 1)"),
        format!("not kept, -, {first}, not kept, missing `y`, -, -, -"),
        "the second row has its lag in the first"
    );
    assert_eq!(reasons("y ~ z"), "not kept, -, -, not kept, missing `y`, -, -, -");
}
