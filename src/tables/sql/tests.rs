//! Queries from text to table: read sets, mistakes, results, and that neither threads nor names get in the way.

use super::*;
use crate::columns::{Column, Values};
use crate::{read, write};
use std::path::PathBuf;

fn schemas() -> Vec<Schema> {
    let columns = |names: &[&str]| names.iter().map(|name| (name.to_string(), ColumnType::Float)).collect();
    vec![
        Schema { table: "t".to_string(), columns: columns(&["g", "x", "y", "z"]) },
        Schema { table: "u".to_string(), columns: columns(&["g", "id", "w"]) },
        Schema { table: "fit.models".to_string(), columns: columns(&["n_obs", "r2"]) },
        Schema { table: "models".to_string(), columns: columns(&["n_obs", "other"]) },
        Schema { table: "面板".to_string(), columns: columns(&["城市", "指数"]) },
    ]
}

#[test]
fn read_sets_come_from_the_plan() {
    for (text, expected) in [
        ("select g, x from t", "t[g,x]"),
        ("select * from t", "t[g,x,y,z]"),
        ("select g, avg(x) m from t where y > 1 group by g", "t[g,x,y]"),
        ("select g from t group by g having max(z) > 1", "t[g,z]"),
        ("select count(*) n from t", "t[]"),
        ("select count(x) n from t", "t[x]"),
        ("select count(*) n from t where y > 1", "t[y]"),
        ("select 1 as one from t", "t[]"),
        ("with a as (select * from t) select g from a", "t[g]"),
        ("with a as (select g, x + y as s from t), b as (select g, s * 2 as d from a) select d from b", "t[x,y]"),
        ("select x from t where exists (select 1 from u where u.id = t.g)", "t[g,x] u[id]"),
        ("select x from t where not exists (select 1 from u where u.id = t.g and u.w > 0)", "t[g,x] u[id,w]"),
        ("select x from t where g in (select id from u)", "t[g,x] u[id]"),
        ("select x, (select max(w) from u where u.g = t.g) as m from t", "t[g,x] u[g,w]"),
        ("select distinct g from t", "t[g]"),
        ("select g, row_number() over (order by z) r from t", "t[g,z]"),
        ("select x, lag(x) over (partition by g order by y) l from t", "t[g,x,y]"),
        ("select x, w from t join u using (g)", "t[g,x] u[g,w]"),
        ("select x from t left join u on t.g = u.id and u.w > t.y", "t[g,x,y] u[id,w]"),
        ("select a.x, b.y from t a join t b on a.g = b.z", "t[g,x,y,z]"),
        ("select x from t order by y", "t[x,y]"),
        ("select x from t union all select w from u", "t[x] u[w]"),
        ("select x from t, u", "t[x] u[]"),
        ("select r2 from fit.models", "fit.models[r2]"),
        ("select r2 from \"fit\".\"models\"", "fit.models[r2]"),
        (
            "select r2, other from fit.models f join models m on f.n_obs = m.n_obs",
            "fit.models[n_obs,r2] models[n_obs,other]",
        ),
        ("select 城市, avg(指数) as 均值 from 面板 group by 城市", "面板[城市,指数]"),
        ("select * from (values (1)) as v(a)", ""),
    ] {
        let query = parse(text).expect(text);
        let plan = plan(&query, &schemas()).unwrap_or_else(|error| panic!("{text}: {error}"));
        let one = |(table, columns): (&String, &Vec<String>)| format!("{table}[{}]", columns.join(","));
        assert_eq!(plan.reads.iter().map(one).collect::<Vec<_>>().join(" "), expected, "{text}");
    }
}

#[test]
fn the_plan_knows_the_result() {
    let query =
        parse("select g, count(*) as n, max(x) > 1 as large, 'a' as label, date '2012-01-01' as day from t group by g");
    let plan = plan(&query.expect("parsed"), &schemas()).expect("planned");
    let columns: Vec<String> = plan.columns.iter().map(|(name, kind)| format!("{name} {kind}")).collect();
    assert_eq!(columns, ["g float", "n int", "large bool", "label text", "day date"]);
}

#[test]
fn mistakes_have_a_place_and_a_next_step() {
    for (text, expected) in [
        ("select g,\n  yy from t", "2:3 no column `yy` [did you mean `y`?]"),
        ("select t.g,\n  t.yy from t", "2:3 no column `yy` [did you mean `y`?]"),
        ("select g from t where population > 1", "1:23 no column `population` [columns here: g, x, y, z]"),
        ("select g from t order by 人口", "1:26 no column `人口` [columns here: g, x, y, z]"),
        ("select g from t\njoin uu using (g)", "2:6 no table `uu` [did you mean `u`?]"),
        ("select g from fit.model", "1:15 no table `fit.model` [did you mean `fit.models`?]"),
        ("select avgg(x) from t", "1:8 no function `avgg` [did you mean `avg`?]"),
        (
            "select g from t join u on t.x = u.w",
            "1:8 `g` is a column of more than one table here [say which: `table.g`]",
        ),
        (
            "select null as empty from t",
            "1:16 column `empty` is null, which is none of bool, int, float, text, date [say what it is: `cast(empty as double)`]",
        ),
        (
            "select [1, 2] as list from t",
            "1:18 column `list` is `List(Int64)`, which is none of bool, int, float, text, date [convert it: `cast(list as text)`, for example]",
        ),
        (
            "select x, avg(y) from t",
            "1:8 Column in SELECT must be in GROUP BY or an aggregate function: While expanding wildcard, column \"t.x\" must appear in the GROUP BY clause or must be part of an aggregate function, currently only \"avg(t.y)\" appears in the SELECT clause satisfies this requirement",
        ),
    ] {
        let error = parse(text).and_then(|query| plan(&query, &schemas())).expect_err(text);
        assert_eq!(shown(&error), expected, "{text}");
    }
}

/// A name can be missed where the query is parsed; the plan cannot.
#[test]
fn functions_that_change_are_refused_in_the_plan_too() {
    for (text, expected) in [
        ("select now() as n from t", "1:8 `now`"),
        ("select x as random from t where\n y > Random ()", "2:6 `random`"),
        ("select today() as n from t", "1:8 `current_date`"),
        ("with a as (select uuid() as n from t) select n from a", "1:19 `uuid`"),
        ("select x from t where exists (select 1 from u where u.id > random())", "1:60 `random`"),
        ("select (select max(random()) from u) as n from t", "1:20 `random`"),
        ("select x from t order by random()", "1:26 `random`"),
        ("select x from t join u on t.x = u.id and u.w > random()", "1:48 `random`"),
        ("select coalesce(round(x * random(), 2), 0) as n from t", "1:27 `random`"),
        ("select sum(x) over (order by random()) as n from t", "1:30 `random`"),
    ] {
        let statement = datafusion::sql::parser::DFParser::parse_sql(text).expect(text).pop_front().expect(text);
        let names = syntax::parse("select * from t, u").expect("two tables");
        let query = Query { text: text.to_string(), statement, ..names };
        let error = plan(&query, &schemas()).expect_err(text);
        assert!(matches!(error, SqlError::Volatile { .. }), "{error:?}");
        assert!(
            shown(&error).starts_with(&format!("{expected} gives another value each time it is asked")),
            "{text}: {}",
            shown(&error)
        );
    }
}

#[test]
fn a_result_is_sorted_digested_and_checked() {
    let study = Study::new();
    let key = names(&["city", "year"]);
    let all = study.run("select * from t order by x desc", &key).expect("runs");
    let again = study.run("select city, year, x, count from t", &key).expect("runs");
    assert_eq!(all, again);
    assert_eq!((all.rows, all.columns[2].nulls), (3, 1));

    for (text, key, expected, rows) in [
        (
            "select city, x from t",
            names(&["city"]),
            "1:8 the key [city] is not unique: 1 value repeated: (a) has 2 rows [a join multiplied the rows, or the key is too short]",
            2,
        ),
        (
            "select city, year,\n x / 0 as r from t",
            key.clone(),
            "2:11 column `r` is not finite (NaN or infinity) in 2 rows: (a, 1), (b, 1) \
             [divide by `nullif(denominator, 0)`, so that the value is missing instead]",
            2,
        ),
        (
            "select x, year from t",
            names(&["x"]),
            "1:8 the key column `x` is null in 1 row [leave these rows out (`where x is not null`) or choose another key]",
            1,
        ),
        ("select year from t", names(&["city"]), "no column `city`; there are [year]", 0),
        (
            "select city, year, year / 0 as r from t",
            key.clone(),
            "Divide by zero error [divide by `nullif(denominator, 0)`, so that the value is missing instead]",
            0,
        ),
        (
            "select city, year, cast(city as int) as r from t",
            key.clone(),
            "Cast error: Cannot cast string 'a' to value of Int32 type",
            0,
        ),
    ] {
        let error = study.run(text, &key).expect_err(text);
        assert_eq!(shown(&error), expected, "{text}");
        assert_eq!(error.rows().map_or(0, Table::rows), rows, "{text}");
    }
    let logarithm = study.run("select city, year, ln(x - 1) as r from t", &key).expect("runs");
    assert_eq!(logarithm.columns[2].nulls, 2);
    let day = study.run("select city, year, date_trunc('month', timestamp '2012-05-06 07:08:09') as m from t", &key);
    assert_eq!(day.expect("runs").columns[2].kind, ColumnType::Date);
}

#[test]
fn plan_and_run_agree_on_the_result() {
    let study = Study::new();
    let schemas = [Schema { table: "t".to_string(), columns: study.columns() }];
    for text in [
        "select city, year, count, x, x / count as r, city || '-' || year as id from t",
        "select city, year, upper(city) as u, x is null as missing, year % 2 as odd, sum(x) over (partition by city) as s from t",
        "select city, max(year) as year, count(*) as n, avg(count) as m, bool_or(x > 1) as any from t group by city",
        "select city, year, count as x from t union all select city, year + 10, x from t",
    ] {
        let query = parse(text).expect(text);
        let planned = plan(&query, &schemas).expect(text).columns;
        let info = study.run(text, &names(&["city", "year"])).expect(text);
        let run: Vec<(String, ColumnType)> =
            info.columns.into_iter().map(|column| (column.name, column.kind)).collect();
        assert_eq!(planned, run, "{text}");
    }
}

#[test]
fn dotted_and_plain_names_stand_side_by_side() {
    let study = Study::new();
    let (first, second) = (study.file("t"), study.file("t2"));
    study.run("select city, year, 7 as n from t", &names(&["city", "year"])).expect("runs");
    std::fs::rename(study.file("out"), &second).expect("moved");
    let query =
        parse("select a.city, b.n from t a join t.t b using (city, year) order by a.city, a.year").expect("parsed");
    let sources = [Source { table: "t".into(), path: &first }, Source { table: "t.t".into(), path: &second }];
    let table = super::query(&query, &sources, None).expect("runs");
    assert_eq!(table.columns[1].values, Values::Int(vec![Some(7); 3]));
}

#[test]
fn a_query_keeps_its_order_and_its_limit() {
    let study = Study::new();
    let rows = |text: &str, limit| {
        let table = study.query(text, limit).expect(text);
        (0..table.rows()).map(|row| table.row_text(&names(&["city", "year"]), row)).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(rows("select * from t order by year desc, city desc", None), "(a, 2) (b, 1) (a, 1)");
    assert_eq!(rows("select * from t order by year desc, city desc", Some(2)), "(a, 2) (b, 1)");
    assert_eq!(rows("select * from t", Some(1)), "(a, 1)");
    assert_eq!(rows("select * from t limit 2", Some(5)), "(a, 1) (a, 2)");
    assert_eq!(rows("select * from t", Some(0)), "");
}

#[test]
fn rows_of_a_file_are_filtered() {
    let study = Study::new();
    let columns = names(&["year", "city"]);
    let table = filter(&study.file("t"), Some("x is not null -- known"), Some(&columns), None).expect("filtered");
    assert_eq!(table, Table { columns: vec![ints("year", &[1, 1]), texts("city", &["a", "b"])] });
    let first = filter(&study.file("t"), None, None, Some(1)).expect("filtered");
    assert_eq!((first.rows(), first.columns.len()), (1, 4));

    for (predicate, expected) in [
        ("x > 1\n and yaer = 2", "2:6 no column `yaer` [did you mean `year`?]"),
        ("x >", "Expected: an expression, found: EOF"),
        ("x > 1) or (1 = 1", "1:6 expected one condition, found `)` after it"),
        ("city = (select min(c) from other)", "1:28 no table `other` [tables here: rows]"),
    ] {
        let error = filter(&study.file("t"), Some(predicate), None, None).expect_err(predicate);
        assert_eq!(shown(&error), expected);
    }
    let error = filter(&study.file("t"), None, Some(&names(&["yaer"])), None).expect_err("no such column");
    assert_eq!(shown(&error), "no column `yaer` [did you mean `year`?]");
    assert!(filter(&study.file("absent"), None, None, None).is_err());
}

#[test]
fn a_path_may_have_any_letters() {
    let study = Study::new();
    for folder in ["with space", "研究", "50%", "a[1]", "b*c?", "x#y~z", "%41", "{a}"] {
        let folder = study.file(folder);
        std::fs::create_dir(&folder).expect("a folder");
        let path = folder.join("t");
        std::fs::copy(study.file("t"), &path).expect("copied");
        let table = filter(&path, None, None, None).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        assert_eq!(table.rows(), 3, "{}", folder.display());
    }
}

#[test]
fn threads_do_not_disturb_each_other() {
    let study = Study::new();
    let text = "select city, year, sum(x) over (partition by city) as s from t";
    let expected = study.run(text, &names(&["city", "year"])).expect("runs");
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..8)
            .map(|thread| {
                let (study, expected) = (&study, &expected);
                scope.spawn(move || {
                    let out = study.file(&format!("out{thread}"));
                    for _ in 0..5 {
                        let info = study.run_to(text, &names(&["city", "year"]), &out).expect("runs");
                        assert_eq!(info, *expected);
                    }
                })
            })
            .collect();
        runs.into_iter().for_each(|run| run.join().expect("no panic"));
    });
}

#[test]
fn memory_is_limited_without_another_result() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, out) = (folder.path().join("t"), folder.path().join("out"));
    let values: Vec<i64> = (0..200_000).collect();
    let table = Table { columns: vec![ints("id", &values)] };
    write::write(&path, &table, &names(&["id"])).expect("written");
    let query = parse("select id, row_number() over (order by id % 1000, id) as r from t").expect("parsed");
    let run = |memory_limit| {
        let source = [Source { table: "t".to_string(), path: &path }];
        run(&query, &source, &names(&["id"]), &out, &RunOptions { memory_limit, ..RunOptions::default() })
    };
    let free = run(None).expect("runs");
    assert_eq!(run(Some(64 << 20)).expect("runs"), free);
    let error = run(Some(1 << 10)).expect_err("too little");
    assert!(error.to_string().starts_with("the query needs more memory than it may have"), "{error}");
    assert_eq!(error.hint().as_deref(), Some("raise the memory limit"));
}

#[test]
fn the_engine_is_the_one_that_is_linked() {
    let linked: Vec<&str> = datafusion::DATAFUSION_VERSION.split('.').take(2).collect();
    assert!(ENGINE.starts_with(&format!("datafusion {},", linked.join("."))), "{ENGINE}");
}

fn shown(error: &SqlError) -> String {
    let place = error.place().map_or(String::new(), |(line, column)| format!("{line}:{column} "));
    format!("{place}{error}{}", error.hint().map_or(String::new(), |hint| format!(" [{hint}]")))
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| name.to_string()).collect()
}

fn ints(name: &str, values: &[i64]) -> Column {
    Column { name: name.to_string(), values: Values::Int(values.iter().copied().map(Some).collect()) }
}

fn texts(name: &str, values: &[&str]) -> Column {
    Column {
        name: name.to_string(),
        values: Values::Text(values.iter().map(|value| Some(value.to_string())).collect()),
    }
}

/// A folder with the table `t` of two cities: (a, 1), (a, 2), (b, 1), where `x` is missing in (a, 2).
struct Study {
    folder: tempfile::TempDir,
}

impl Study {
    fn new() -> Study {
        let study = Study { folder: tempfile::tempdir().expect("a folder") };
        let x = Column { name: "x".to_string(), values: Values::Float(vec![Some(3.0), None, Some(1.0)]) };
        let columns = vec![texts("city", &["b", "a", "a"]), ints("year", &[1, 2, 1]), x, ints("count", &[4, 5, 6])];
        let table = Table::new(columns).expect("a table");
        write::write(&study.file("t"), &table, &names(&["city", "year"])).expect("written");
        study
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn columns(&self) -> Vec<(String, ColumnType)> {
        let table = read::read(&self.file("t"), None).expect("read");
        table.columns.into_iter().map(|column| (column.name, column.values.kind())).collect()
    }

    fn run(&self, text: &str, key: &[String]) -> Result<TableInfo, SqlError> {
        self.run_to(text, key, &self.file("out"))
    }

    fn run_to(&self, text: &str, key: &[String], out: &Path) -> Result<TableInfo, SqlError> {
        let path = self.file("t");
        let source = [Source { table: "t".to_string(), path: &path }];
        super::run(&parse(text)?, &source, key, out, &RunOptions::default())
    }

    fn query(&self, text: &str, limit: Option<usize>) -> Result<Table, SqlError> {
        let path = self.file("t");
        super::query(&parse(text)?, &[Source { table: "t".to_string(), path: &path }], limit)
    }
}

#[test]
fn a_query_can_be_stopped() {
    let query = parse("select sum(sin(a.value * b.value)) as n from generate_series(1, 30000) a cross join generate_series(1, 30000) b")
        .expect("parsed");
    let folder = tempfile::tempdir().expect("a folder");
    let stop = || true;
    let options = RunOptions { stop: Some(&stop), ..RunOptions::default() };
    let result = super::run(&query, &[], &["n".to_string()], &folder.path().join("t"), &options);
    assert!(matches!(result, Err(SqlError::Stopped)), "{result:?}");
}

/// Rows of a union must come in the order of its branches, or sums and limits would differ from run to run.
#[test]
fn a_union_is_read_in_the_order_it_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let key = names(&["id"]);
    for (name, first) in [("a", 0), ("b", 20_000), ("c", 40_000)] {
        let ids: Vec<Option<i64>> = (first..first + 20_000).map(Some).collect();
        let table = Table::new(vec![Column { name: "id".to_string(), values: Values::Int(ids) }]).expect("a table");
        crate::write::write(&path(name), &table, &key).expect("written");
    }
    let (a, b, c) = (path("a"), path("b"), path("c"));
    let sources = [("a", &a), ("b", &b), ("c", &c)].map(|(table, path)| Source { table: table.to_string(), path });
    for (text, expected) in [
        (
            "select first_value(id) as x from (select id from c union all select id from a union all select id from b)",
            40_000,
        ),
        (
            "select id as x from (select id from b union all (select id from c union all select id from a)) limit 1",
            20_000,
        ),
        (
            "select max(place) as x from (select id, cast(row_number() over (order by id) as bigint) as place from (select id from c union all select id from b)) where id = 20007",
            8,
        ),
    ] {
        for _ in 0..15 {
            let rows = query(&parse(text).expect(text), &sources, None).expect(text);
            assert_eq!(rows.columns[0].values, Values::Int(vec![Some(expected)]), "{text}");
        }
    }
}

/// The branches of a union are read one after another, and none of them may wait for the others.
#[test]
fn a_join_with_a_union_on_its_far_side_ends() {
    let (done, end) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let text = "select sum(u.count) as n from (select distinct city from t) as c join \
                    (select city, count from t where year = 1 union all select city, count from t) as u on u.city = c.city";
        done.send(Study::new().query(text, None).expect(text).columns[0].values.clone())
    });
    let found = end.recv_timeout(std::time::Duration::from_secs(60)).expect("the query ends");
    assert_eq!(found, Values::Int(vec![Some(25)]));
}

/// A join by hashing holds one side in memory. Where it may not, both sides are sorted on disk, to the same table.
#[test]
fn a_join_that_does_not_fit_into_the_memory_is_sorted() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let rows = 400_000;
    let scattered: Vec<i64> = (0..rows).map(|row| row * 7_919 % rows).collect();
    let ids: Vec<i64> = (0..rows).collect();
    for name in ["a", "b"] {
        let table = Table { columns: vec![ints("id", &ids), ints("other", &scattered)] };
        write::write(&path(name), &table, &names(&["id"])).expect("written");
    }
    let (a, b) = (path("a"), path("b"));
    let sources = [("a", &a), ("b", &b)].map(|(table, path)| Source { table: table.to_string(), path });
    let query =
        parse("select a.other % 1000 as g, sum(b.other) as s from a join b on a.other = b.id group by a.other % 1000")
            .expect("parsed");
    let made = |memory_limit, partitions| {
        let options = RunOptions { memory_limit, partitions: Some(partitions), stop: None };
        run(&query, &sources, &names(&["g"]), &path("out"), &options)
    };
    let free = made(None, 1).expect("runs");
    for (memory, partitions) in [(8 << 20, 1), (12 << 20, 2)] {
        assert_eq!(made(Some(memory), partitions).expect("runs"), free, "{memory} bytes, {partitions} partitions");
    }
}
