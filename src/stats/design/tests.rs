//! Which rows and columns a design has, and what it refuses.

use super::{Design, Options, SampleFlag, SmallSample, Vcov};
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
    check(design("y ~ log(region)", |_| ()), "column `region` is text and cannot be a logarithm", "i(region)");
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
        },
    );
    check(found, "column `y` has 2 values where there are 3 rows", "");
}
