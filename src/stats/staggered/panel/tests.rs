//! What makes a panel, and what does not.

use super::*;
use crate::formula;
use crate::reference::Frame;

/// Units a to d, periods 1 to 3: first treated in 2, in 3, never, and after the last period.
const ROWS: &str = "unit,period,y,first,on,region,w,x
a,1,1.0,2,0,n,1,0.5
a,2,2.5,2,1,n,1,0.1
a,3,3.0,2,1,n,1,0.4
b,1,1.5,3,0,n,1,0.9
b,2,1.0,3,0,n,2,0.3
b,3,4.0,3,1,n,1,0.2
c,1,0.5,,0,s,1,0.8
c,2,0.0,,0,s,1,0.7
c,3,1.0,,0,s,1,0.6
d,1,2.0,9,0,s,1,0.1
d,2,2.5,9,0,s,1,0.2
d,3,2.0,9,0,s,1,0.3
";

fn options(treatment: Treatment) -> PanelOptions {
    PanelOptions { treatment, weights: None, cluster: None, level: 0.95 }
}

fn first() -> PanelOptions {
    options(Treatment::FirstPeriod("first".to_string()))
}

fn on() -> PanelOptions {
    options(Treatment::Status("on".to_string()))
}

fn read(csv: &str, options: &PanelOptions) -> Result<Panel, StatsError> {
    let formula = formula::parse("y ~ first + x | unit + period").expect("a formula");
    Panel::new(&formula, &Frame::read(csv).data(), options)
}

fn cohorts(panel: &Panel) -> Vec<(f64, usize, usize)> {
    panel.cohorts.iter().map(|cohort| (cohort.first, cohort.index, cohort.n_units)).collect()
}

#[test]
fn first_periods_and_statuses_say_the_same() {
    let panel = read(ROWS, &first()).expect("a panel");
    assert_eq!(cohorts(&panel), [(2.0, 1, 1), (3.0, 2, 1)]);
    assert_eq!(panel.units.iter().map(|unit| unit.cohort).collect::<Vec<_>>(), [Some(0), Some(1), None, None]);
    assert_eq!((panel.n_obs(), panel.n_units(), panel.balanced(), panel.n_never_treated()), (12, 4, true, 2));
    assert_eq!(panel.covariates.len(), 1, "the treatment is no covariate");
    let treated: Vec<usize> = (0..12).filter(|row| panel.treated(*row)).collect();
    assert_eq!(treated, [1, 2, 5]);
    assert_eq!((panel.event_time(0), panel.event_time(5), panel.event_time(8)), (Some(-1.0), Some(0.0), None));
    let formula = formula::parse("y ~ on + x | unit + period").expect("a formula");
    let by_status = Panel::new(&formula, &Frame::read(ROWS).data(), &on()).expect("a panel");
    assert_eq!((by_status.units, by_status.cohorts), (panel.units, panel.cohorts));
}

#[test]
fn the_order_of_the_rows_does_not_show() {
    let mut lines: Vec<&str> = ROWS.lines().collect();
    lines[1..].reverse();
    let (there, back) = (read(ROWS, &first()).expect("a panel"), read(&lines.join("\n"), &first()).expect("a panel"));
    assert_eq!((&there.outcome, &there.units, &there.period), (&back.outcome, &back.units, &back.period));
    assert_eq!(back.origin, [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
}

#[test]
fn zero_is_never_where_it_can_be_no_period() {
    let zero = ROWS.replace(",,0,s", ",0,0,s");
    assert_eq!(read(&zero, &first()).expect("a panel").n_never_treated(), 2);
    // From -1 to 1 the period 0 exists: c is first treated then.
    let shifted: String = zero
        .lines()
        .map(|line| {
            let mut fields: Vec<String> = line.split(',').map(str::to_string).collect();
            if let Ok(period) = fields[1].parse::<f64>() {
                fields[1] = (period - 2.0).to_string();
            }
            fields.join(",") + "\n"
        })
        .collect();
    assert_eq!(cohorts(&read(&shifted, &first()).expect("a panel")), [(0.0, 1, 1)]);
}

#[test]
fn rows_that_are_left_out_are_listed() {
    let csv = ROWS
        .replace("b,1,1.5", "b,1,")
        .replace("c,2,0.0,,0,s,1", "c,2,0.0,,0,s,0")
        .replace("d,3,2.0,9,0", "d,3,2.0,9,");
    let with_weights = PanelOptions { weights: Some("w".to_string()), ..on() };
    let formula = formula::parse("y ~ on | unit + period").expect("a formula");
    let panel = Panel::new(&formula, &Frame::read(&csv).data(), &with_weights).expect("a panel");
    let dropped: Vec<(&str, &[usize])> =
        panel.dropped_rows.iter().map(|dropped| (dropped.reason.as_str(), dropped.rows.as_slice())).collect();
    assert_eq!(dropped, [("missing `on`", &[11][..]), ("missing `y`", &[3]), ("weight `w` is 0", &[7])]);
    assert!(!panel.balanced());
    assert_eq!(panel.units_with_gaps(), ["c"], "b begins late and d ends early");
}

#[test]
fn a_first_treated_period_that_is_no_period_counts_from_the_next() {
    let csv = ROWS.replace(",2,0,n", ",1.5,0,n").replace(",2,1,n", ",1.5,1,n");
    assert_eq!(cohorts(&read(&csv, &first()).expect("a panel")), [(1.5, 1, 1), (3.0, 2, 1)]);
}

#[test]
fn leaving_units_out_leaves_a_panel() {
    let csv = ROWS.replace(",2,0,n", ",1,0,n").replace(",2,1,n", ",1,1,n");
    let panel = read(&csv, &first()).expect("a panel");
    assert!(panel.is_always_treated(&panel.units[0]));
    let panel = panel.without_always_treated().expect("a panel");
    assert_eq!(cohorts(&panel), [(3.0, 2, 1)]);
    assert_eq!(panel.units.iter().map(|unit| unit.label.as_str()).collect::<Vec<_>>(), ["b", "c", "d"]);
    assert_eq!(panel.n_clusters, 3);
    assert_eq!(panel.dropped_rows[0].reason, "treated in the first period 1 or before");
    assert_eq!(panel.dropped_rows[0].rows, [0, 1, 2]);
    let (panel, first) = panel.with_comparison(0.0).expect("a panel");
    assert_eq!((panel.n_obs(), first), (9, None));
}

#[test]
fn without_never_treated_units_the_last_cohort_stands_in() {
    let csv = ROWS.replace(",,0,s", ",3,0,s").replace(",9,0,s", ",3,0,s");
    let (panel, last) = read(&csv, &first()).expect("a panel").with_comparison(0.0).expect("a panel");
    assert_eq!((last, panel.periods.len(), panel.n_never_treated()), (Some(3.0), 2, 3));
    assert_eq!(panel.dropped_rows[0].reason, "no comparison from 3 on, when the last unit is treated");
    let error = read(&csv, &first()).expect("a panel").with_comparison(1.0).map(|_| ()).expect_err("one period");
    assert_eq!(error.to_string(), "no group has a comparison: all units are treated from 3 on, none is later or never");
}

#[test]
fn wrong_designs_are_told_with_the_unit_and_the_period() {
    let with_cluster = PanelOptions { cluster: Some("region".to_string()), ..first() };
    for (csv, options, message) in [
        (
            ROWS.replace("a,2,2.5,2", "a,2,2.5,3"),
            first(),
            "the first treated period `first` of unit `a` is 2 in period 1 and 3 in period 2",
        ),
        (
            ROWS.replace("c,2,0.0,", "c,2,0.0,3"),
            first(),
            "the first treated period `first` of unit `c` is missing in period 1 and 3 in period 2",
        ),
        (
            ROWS.replace("a,3,3.0,2,1", "a,3,3.0,2,0"),
            on(),
            "the treatment `on` of unit `a` is 1 in period 2 and 0 in period 3 (such units: 1)",
        ),
        (
            ROWS.replace("a,3,3.0,2,1", "a,3,3.0,2,0.5"),
            on(),
            "the treatment `on` of unit `a` is 0.5 in period 3, neither 0 nor 1",
        ),
        (ROWS.replace("a,2,", "a,1,"), first(), "unit `a` has 2 rows in period 1 (such pairs: 1)"),
        (
            ROWS.replace("b,3,4.0,3,1,n", "b,3,4.0,3,1,s"),
            with_cluster.clone(),
            "unit `b` is in more than one cluster of `region`",
        ),
        (ROWS.replace(",s,", ",n,"), with_cluster, "all rows are in one cluster of `region`"),
        (
            ROWS.replace(",2,0,n", ",,0,n")
                .replace(",2,1,n", ",,1,n")
                .replace(",3,0,n", ",,0,n")
                .replace(",3,1,n", ",,1,n"),
            first(),
            "no unit is treated in the periods 1 to 3",
        ),
        (ROWS.replace("a,2,2.5,2,1", "a,2,2.5,2,x"), on(), "the treatment `on` is text"),
        (ROWS.replace("a,1,", "a,early,"), first(), "the period `period` is text"),
        (
            ROWS.lines()
                .filter(|line| line.starts_with("unit") || line.contains(",1,"))
                .filter(|line| !line.contains(",2,") && !line.contains(",3,"))
                .collect::<Vec<_>>()
                .join("\n"),
            first(),
            "all rows are in period 1",
        ),
    ] {
        let error = read(&csv, &options).map(|_| ()).expect_err(message);
        assert_eq!(error.to_string(), message);
        assert!(error.hint().is_some(), "{message}");
    }
    let constant: String = ROWS
        .lines()
        .map(|line| match line.split(',').collect::<Vec<_>>()[..] {
            [unit, period, y, ref rest @ ..] => {
                let y = if y == "y" { "y" } else { "7" };
                format!("{unit},{period},{y},{}\n", rest.join(","))
            }
            _ => String::new(),
        })
        .collect();
    let error = read(&constant, &first()).map(|_| ()).expect_err("a constant");
    assert_eq!(error.to_string(), "the outcome `y` is 7 in every row of the sample");
    for (text, message) in [
        ("y ~ first + x", "the fixed effects are [], and a staggered design has the unit and the period"),
        ("y ~ x | unit", "the fixed effects are [unit], and a staggered design has the unit and the period"),
        (
            "y ~ x | unit^region + period",
            "the fixed effects are [unit^region, period], and a staggered design has the unit and the period",
        ),
        ("y ~ x:first | unit + period", "the term `x:first` interacts the treatment"),
        (
            "y ~ x + nothing | unit + period",
            "no column `nothing`; there are [first, on, period, region, unit, w, x, y]",
        ),
    ] {
        let formula = formula::parse(text).expect(text);
        let error = Panel::new(&formula, &Frame::read(ROWS).data(), &first()).map(|_| ()).expect_err(text);
        assert_eq!(error.to_string(), message);
    }
    let wrong = options(Treatment::Status("off".to_string()));
    let error = read(ROWS, &wrong).map(|_| ()).expect_err("no column");
    assert!(matches!(error, StatsError::UnknownColumn { .. }));
}
