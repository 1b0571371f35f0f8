//! Aggregates as queries see them. That they are exact is tested in `exact`; that they do not depend on the order of rows,
//! in `sql::order`.

use crate::columns::Values;
use crate::sql;

/// The one value of `select aggregate from values`, as text.
fn value(aggregate: &str, rows: &str) -> String {
    let text = format!("select {aggregate} as v from (values {rows}) as t(x, y)");
    let query = sql::parse(&text).expect(&text);
    match sql::query(&query, &[], None) {
        Err(error) => format!("error: {error}"),
        Ok(table) => match &table.columns[0].values {
            Values::Float(values) => values[0].map_or("null".to_string(), |value| format!("{value:?}")),
            values => values.text(0).unwrap_or("null".to_string()),
        },
    }
}

const PLAIN: &str = "(1.0, 2.0), (2.0, 3.0), (4.0, 8.0), (null, 9.0), (5.0, null)";
const CANCEL: &str = "(1e308, 1e200), (1.0, 1.0), (-1e308, -1e200), (1e308, 1.0), (-1e308, 0.0)";
const SHIFTED: &str = "(1e9 + 4, 1.0), (1e9 + 7, 2.0), (1e9 + 13, 3.0), (1e9 + 16, 4.0)";
const TINY: &str = "(5e-324, 0.0), (5e-324, 0.0), (-5e-324, 0.0), (2.2250738585072014e-308, 0.0)";
const BAD: &str = "(1.0, 'NaN'::double), (2.0, 1.0), (3.0, 'inf'::double), (4.0, '-inf'::double)";
const NONE: &str = "(null::double, 1.0)";
const ONE: &str = "(3.0, 4.0)";

#[test]
fn values_are_the_nearest_floats() {
    for (aggregate, rows, expected) in [
        ("sum(x)", PLAIN, "12.0"),
        ("avg(x)", PLAIN, "3.0"),
        ("mean(x)", PLAIN, "3.0"),
        ("var_samp(x)", PLAIN, "3.3333333333333335"),
        ("var(x)", PLAIN, "3.3333333333333335"),
        ("var_pop(x)", PLAIN, "2.5"),
        ("stddev(x)", PLAIN, "1.8257418583505538"),
        ("stddev_samp(x)", PLAIN, "1.8257418583505538"),
        ("stddev_pop(x)", PLAIN, "1.5811388300841898"),
        // Pairs (1, 2), (2, 3), (4, 8): Sxx = 14/3, Sxy = 29/3, Syy = 62/3.
        ("covar_samp(y, x)", PLAIN, "4.833333333333333"),
        ("covar_pop(y, x)", PLAIN, "3.2222222222222223"),
        ("corr(y, x)", PLAIN, "0.9843241382880895"),
        ("corr(-y, x)", PLAIN, "-0.9843241382880895"),
        ("regr_slope(y, x)", PLAIN, "2.0714285714285716"),
        ("regr_intercept(y, x)", PLAIN, "-0.5"),
        ("regr_r2(y, x)", PLAIN, "0.9688940092165899"),
        ("regr_avgx(y, x)", PLAIN, "2.3333333333333335"),
        ("regr_avgy(y, x)", PLAIN, "4.333333333333333"),
        ("regr_sxx(y, x)", PLAIN, "4.666666666666667"),
        ("regr_syy(y, x)", PLAIN, "20.666666666666668"),
        ("regr_sxy(y, x)", PLAIN, "9.666666666666666"),
        ("regr_count(y, x)", PLAIN, "3"),
        ("sum(x)", CANCEL, "1.0"),
        ("avg(x)", CANCEL, "0.2"),
        // The sum of all squares is far beyond the largest float, and so is the result.
        ("var_pop(x)", CANCEL, "inf"),
        ("regr_slope(x, y)", CANCEL, "1e108"),
        // The textbook formula in floats gives 0 or worse (Wikipedia, Algorithms for calculating variance).
        ("var_samp(x)", SHIFTED, "30.0"),
        ("stddev_samp(x)", SHIFTED, "5.477225575051661"),
        ("sum(x)", TINY, "2.225073858507202e-308"),
        ("avg(x)", TINY, "5.562684646268003e-309"),
        ("sum(x)", NONE, "null"),
        ("avg(x)", NONE, "null"),
        ("corr(x, y)", NONE, "null"),
        ("var_samp(x)", ONE, "null"),
        ("var_pop(x)", ONE, "0.0"),
        ("covar_samp(x, y)", ONE, "null"),
        ("corr(x, y)", ONE, "null"),
        ("regr_slope(x, y)", ONE, "null"),
        ("regr_r2(x, 1.0)", PLAIN, "null"),
        ("regr_r2(1.0, x)", PLAIN, "1.0"),
        ("corr(x, 1.0)", PLAIN, "null"),
        ("sum(y)", BAD, "NaN"),
        ("max(y)", BAD, "NaN"),
        ("min(y)", BAD, "NaN"),
        ("var_pop(y)", BAD, "NaN"),
        ("max(y) filter (where x > 1)", BAD, "inf"),
        ("min(y) filter (where x > 1)", BAD, "-inf"),
        ("sum(y) filter (where x in (2, 3))", BAD, "inf"),
        ("sum(y) filter (where x > 1)", BAD, "NaN"),
    ] {
        assert_eq!(value(aggregate, rows), expected, "{aggregate} of {rows}");
    }
}

#[test]
fn whole_numbers_are_added_exactly_or_not_at_all() {
    let near = "(9223372036854775807, 1), (5, 1), (-3, 1)";
    let error = value("sum(x)", near);
    assert!(error.contains("a sum of whole numbers is 9223372036854775809, but the largest"), "{error}");
    // The way there may leave the range.
    assert_eq!(value("sum(x) filter (where x <> 5)", near), "9223372036854775804");
    assert_eq!(value("sum(x - y)", near), "9223372036854775806");
    assert_eq!(value("sum(distinct y)", near), "1");
    assert_eq!(value("avg(y)", "(1, 1), (1, 2), (1, 2)"), "1.6666666666666667");
    assert_eq!(value("corr(x, y)", "(1, 1), (2, 3), (3, 5)"), "1.0");
    assert_eq!(value("stddev(y)", "(1, 1), (2, 3), (3, 5)"), "2.0");
    assert_eq!(value("sum(cast(x as decimal(20, 2)))", "(1.25, 0), (2.5, 0)"), "3.75");
    assert_eq!(value("max(x)", "('b', 0), ('a', 0)"), "b");
}

#[test]
fn equal_values_count_once_if_asked() {
    let rows = "(0.1, 1.0), (0.1, 1.0), (0.2, 1.0), (-0.0, 2.0), (0.0, 2.0)";
    assert_eq!(value("sum(distinct x)", rows), "0.30000000000000004");
    assert_eq!(value("avg(distinct x) + sum(distinct y)", rows), "3.1");
    assert_eq!(value("var_samp(distinct y)", rows), "0.5");
    assert_eq!(value("max(distinct x)", rows), "0.2");
}

/// In a window that moves, terms are taken out again, and nothing of them is left.
#[test]
fn what_leaves_a_window_is_gone() {
    let text = "select sum(x) over w as s, avg(x) over w as a, var_pop(x) over w as v, max(x) over w as m, \
                min(x) over w as l, corr(x, y) over w as c, sum(x) over (order by y) as t \
                from (values (1.0, 1.0), (1e300, 2.0), ('inf'::double, 3.0), (0.1, 4.0), ('NaN'::double, 5.0), \
                (0.2, 6.0), (null, 7.0), (0.3, 8.0)) as t(x, y) \
                window w as (order by y rows between 1 preceding and current row) order by y";
    let query = sql::parse(text).expect(text);
    let table = sql::query(&query, &[], None).expect(text);
    let column = |index: usize| match &table.columns[index].values {
        Values::Float(values) => values
            .iter()
            .map(|value| value.map_or("null".to_string(), |value| format!("{value:?}")))
            .collect::<Vec<_>>()
            .join(" "),
        other => panic!("{}", other.kind()),
    };
    assert_eq!(column(0), "1.0 1e300 inf inf NaN NaN 0.2 0.3");
    assert_eq!(column(1), "1.0 5e299 inf inf NaN NaN 0.2 0.3");
    assert_eq!(column(2), "0.0 inf NaN NaN NaN NaN 0.0 0.0");
    assert_eq!(column(3), "1.0 1e300 inf inf NaN NaN 0.2 0.3");
    assert_eq!(column(4), "1.0 1.0 1e300 0.1 NaN NaN 0.2 0.3");
    assert_eq!(column(5), "null 1.0 NaN NaN NaN NaN null null");
    assert_eq!(column(6), "1.0 1e300 inf inf NaN NaN NaN NaN");
}
