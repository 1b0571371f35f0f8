//! The same table whatever the order of rows, the number of partitions, the size of batches and the memory.

use super::super::{RunOptions, Schema, Source, parse, plan, run};
use crate::columns::{Column, ColumnType, Table, Values};
use crate::info::TableInfo;
use crate::write;
use std::path::Path;

/// The key, and a query over `t(id, g, h, x, y, n, s)` and `u(g, w)`.
const QUERIES: &[(&str, &str)] = &[
    (
        "g",
        "select g, sum(x) a, avg(x) b, var_samp(x) c, stddev_pop(y) d, corr(x, y) e, covar_samp(x, y) f, \
         regr_slope(y, x) h, regr_intercept(y, x) i, regr_r2(y, x) j, min(x) k, max(y) l, count(*) m, sum(n) o, \
         count(distinct h) p, sum(distinct x) q, avg(distinct y) r from t group by g",
    ),
    ("g", "select g, median(x) a, percentile_cont(x, 0.1) b, percentile_cont(y, 0.9) c, median(n) d from t group by g"),
    ("h", "select h, sum(x) a, avg(y) b, stddev(y) c from t group by h"),
    ("one", "select 1 as one, sum(x) a, avg(y) b, var_pop(x) c, corr(x, y) d, median(y) e from t"),
    ("g", "select g, sum(x * w) a, avg(x / w) b from t join u using (g) group by g"),
    ("g", "select g, sum(x) filter (where y > 0) a, max(y) filter (where x > 0) b from t group by g"),
    (
        "g",
        "select g, array_to_string(array_agg(s order by y, n), ',') a, string_agg(s, '|' order by n) b, \
         first_value(x order by n) c, first_value(y order by n) d, last_value(x order by n desc) e, \
         nth_value(y, 3 order by n) f from t group by g",
    ),
    ("g, n", "select distinct on (g, n) g, n, x, y, s from t order by g, n"),
    (
        "id",
        "select id, row_number() over (partition by g order by n) a, lag(x) over (partition by g order by n) b, \
         lead(y, 2) over (partition by h order by n desc) c, ntile(7) over (order by n) d from t",
    ),
    (
        "id",
        "select id, rank() over (partition by g order by n) a, sum(x) over (partition by g order by n) b, \
         avg(y) over (partition by g) c, sum(x) over (partition by g order by n rows between 2 preceding and 1 following) d, \
         last_value(x) over (partition by g order by n) e, first_value(y) over (partition by g order by n) f, \
         stddev(x) over (partition by h order by n rows between 5 preceding and current row) i, \
         max(x) over (order by n rows between 3 preceding and current row) j from t",
    ),
    ("id", "select id, x, n from t order by n limit 500"),
    ("id", "select id, g from (select * from t order by s, n desc limit 300 offset 40)"),
    ("g", "select g, (select x from t order by n, s limit 1) as f from u"),
    ("k", "select k, sum(v) a from (select g as k, x as v from t union all select h, y from t) group by k"),
    ("g, h", "select g, h, sum(x) a, grouping(g) b from t group by grouping sets ((g), (h))"),
];

/// `t` with 6,000 rows, in an order that depends on `shuffle`; the values do not.
fn write_tables(folder: &Path, shuffle: u64) {
    let mut state = 88_172_645_463_325_252u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let rows = 6_000;
    let mut order: Vec<u64> = (0..rows).collect();
    let mut columns = vec![Vec::new(), Vec::new()];
    let (mut g, mut h, mut n, mut s) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rows {
        g.push(Some((random() % 40) as i64));
        h.push(Some((random() % 3_000) as i64));
        n.push(Some((random() % 25) as i64));
        s.push(Some(format!("市{}", random() % 9)));
        for (index, column) in columns.iter_mut().enumerate() {
            let digits = random() as f64 / 1e15 - 9_000.0;
            let size = [1.0, 1e-3, 1e9, 1e-200, 1e200][(random() % (3 + 2 * index as u64)) as usize];
            column.push((random() % 11 != 0).then_some(digits * size));
        }
    }
    // Sorted by another column, so that scans give rows in another order.
    order.sort_by_key(|row| row.wrapping_mul(shuffle).wrapping_add(shuffle) % 9_973);
    let mut place = vec![0i64; rows as usize];
    order.iter().enumerate().for_each(|(at, row)| place[*row as usize] = at as i64);
    let column = |name: &str, values: Values| Column { name: name.to_string(), values };
    let y = columns.pop().expect("two");
    let x = columns.pop().expect("two");
    let table = Table::new(vec![
        column("id", Values::Int((0..rows as i64).map(Some).collect())),
        column("place", Values::Int(place.into_iter().map(Some).collect())),
        column("g", Values::Int(g)),
        column("h", Values::Int(h)),
        column("x", Values::Float(x)),
        column("y", Values::Float(y)),
        column("n", Values::Int(n)),
        column("s", Values::Text(s)),
    ])
    .expect("a table");
    write::write(&folder.join("t"), &table, &["place".to_string()]).expect("written");
    let u = Table::new(vec![
        column("g", Values::Int((-5..35).map(Some).collect())),
        column("w", Values::Float((0..40).map(|w| Some(0.1 + f64::from(w))).collect())),
    ]);
    write::write(&folder.join("u"), &u.expect("a table"), &["g".to_string()]).expect("written");
}

fn made(folder: &Path, key: &str, text: &str, options: &RunOptions) -> TableInfo {
    let (t, u) = (folder.join("t"), folder.join("u"));
    let sources = [Source { table: "t".into(), path: &t }, Source { table: "u".into(), path: &u }];
    let query = parse(text).expect(text);
    // Grouping sets have keys that are null: this asks for the values.
    let (text, key) = match text.contains("grouping sets") {
        true => (format!("select coalesce(g, -1) as g, coalesce(h, -1) as h, a, b from ({text})"), key),
        false => (text.to_string(), key),
    };
    let query = if text == query.text { query } else { parse(&text).expect("parsed") };
    let key: Vec<String> = key.split(", ").map(str::to_string).collect();
    run(&query, &sources, &key, &folder.join("out"), options).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn results_do_not_depend_on_order_partitions_or_memory() {
    let folders: Vec<tempfile::TempDir> = [1, 7_919, 104_729]
        .map(|shuffle| {
            let folder = tempfile::tempdir().expect("a folder");
            write_tables(folder.path(), shuffle);
            folder
        })
        .into();
    for (key, text) in QUERIES {
        let options = |partitions, memory_limit| RunOptions { partitions: Some(partitions), memory_limit, stop: None };
        let expected = made(folders[0].path(), key, text, &options(1, None));
        assert!(expected.rows > 0, "{text}");
        for (folder, partitions, memory_limit) in
            [(1, 1, None), (2, 1, None), (0, 2, None), (1, 7, None), (2, 64, None), (1, 2, Some(6 << 20))]
        {
            let found = made(folders[folder].path(), key, text, &options(partitions, memory_limit));
            assert_eq!(found, expected, "{partitions} partitions, shuffle {folder}, {memory_limit:?}: {text}");
        }
    }
}

#[test]
fn what_leaves_something_to_chance_is_refused() {
    let columns = ["g", "x", "y"].map(|name| (name.to_string(), ColumnType::Float)).to_vec();
    let schemas = [Schema { table: "t".to_string(), columns }];
    for (text, expected) in [
        ("select g, x from t limit 3", "`limit` without `order by` takes any rows"),
        ("select g from (select g, x from t limit 3)", "`limit` without `order by` takes any rows"),
        ("select g from t where x in (select x from t offset 2)", "`limit` without `order by` takes any rows"),
        ("select string_agg(g, ',') from t", "`string_agg` without `order by` takes values in any order"),
        ("select array_length(array_agg(x)) as n from t", "`array_agg` without `order by` takes values in any order"),
        (
            "select g, first_value(x) as f from t group by g",
            "`first_value` without `order by` takes values in any order",
        ),
        ("select g, any_value(x) as f from t group by g", "`any_value` takes any value of the group"),
        ("select distinct on (g) g, x from t", "`distinct on` without `order by` takes any row of each group"),
        ("select row_number() over () as n from t", "`row_number` counts rows, but its window has no `order by`"),
        ("select lag(x) over (partition by g) as n from t", "`lag` counts rows, but its window has no `order by`"),
        (
            "select sum(x) over (rows between 1 preceding and current row) as n from t",
            "`sum` counts rows, but its window has no `order by`",
        ),
    ] {
        let error = parse(text).and_then(|query| plan(&query, &schemas)).expect_err(text);
        assert_eq!(error.to_string(), expected, "{text}");
        assert!(error.hint().is_some_and(|hint| hint.contains("order")), "{text}");
        assert!(error.place().is_some() || text.contains("offset"), "{text}");
    }
    for text in [
        "select g, x from t order by x limit 3",
        "select count(*) as n from t limit 1",
        "select sum(x) over (partition by g) as s, rank() over (partition by g order by x) as r from t",
        "select sum(x) over (rows between unbounded preceding and unbounded following) as n from t",
        "select max(x) over () as m, g from t",
    ] {
        assert!(parse(text).and_then(|query| plan(&query, &schemas)).is_ok(), "{text}");
    }
}
