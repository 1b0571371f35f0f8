//! Contracts: every rule finds its planted fault, names the cells, and is silent on clean data; where values came from; warnings in notes.

use crate::support::Study;
use expect_test::{Expect, expect};
use rust_xlsxwriter::Workbook;

const FIRST: i64 = 2005;
const LAST: i64 = 2014;
const CITIES: i64 = 14;

/// A column's name, and its value by city and year.
type Drawn<'a> = (&'a str, &'a dyn Fn(i64, i64) -> Option<f64>);

/// A panel of cities: some value of each city and year, as csv.
fn csv(columns: &[Drawn]) -> String {
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let mut text = format!("city,year,{}\n", names.join(","));
    for city in 0..CITIES {
        for year in FIRST..=LAST {
            let values =
                columns.iter().map(|(_, value)| value(city, year).map_or(String::new(), |value| value.to_string()));
            text.push_str(&format!("c{city},{year},{}\n", values.collect::<Vec<_>>().join(",")));
        }
    }
    text
}

/// Between -1 and 1, the same for the same city and year: what real series have beside their trend.
fn noise(city: i64, year: i64) -> f64 {
    let mixed = (city * 7919 + year * 104_729 + 13) % 1009;
    (mixed * mixed % 2003) as f64 / 1001.5 - 1.0
}

/// A series that grows by 8 % and wobbles by 10 %.
fn growing(city: i64, year: i64) -> f64 {
    let level = 100.0 * (city + 1) as f64 * 1.08_f64.powi((year - FIRST) as i32);
    (level * (1.0 + 0.1 * noise(city, year)) * 1000.0).round() / 1000.0
}

/// A stock that moves by half a per cent.
fn slow(city: i64, year: i64) -> f64 {
    let level = 300.0 * (city + 1) as f64 * 1.004_f64.powi((year - FIRST) as i32);
    (level * (1.0 + 0.002 * noise(city, year)) * 1000.0).round() / 1000.0
}

/// A study of one csv file with the columns x and y, of which `t` and `checked` keep these rules.
fn study(data: &str, ingest: &str, checked: &str) -> Study {
    let study = Study::new(&[]);
    let header = data.lines().next().expect("a header");
    let columns: Vec<String> = header
        .split(',')
        .map(|name| match name {
            "city" => "  city: {header: city, type: text}".to_string(),
            "year" => "  year: {header: year, type: int}".to_string(),
            other => format!("  {other}: {{header: {other}, type: float}}"),
        })
        .collect();
    study.write("t.yaml", format!("format: csv\ncolumns:\n{}\n", columns.join("\n")));
    study.write("data/t.csv", data);
    study.write("data/u.csv", data);
    let list = |rules: &str| rules.lines().map(|rule| format!("      - {rule}\n")).collect::<String>();
    let mut pipeline = String::from(
        "restudy: 1\nstudy: {name: s, title: {en: S}}\nsources:\n  t: {path: data/t.csv}\n  u: {path: data/u.csv}\nstages:\n  t:\n    \
         kind: ingest\n    from: t\n    layout: t.yaml\n    key: [city, year]\n",
    );
    if !ingest.is_empty() {
        pipeline.push_str(&format!("    check:\n{}", list(ingest)));
    }
    pipeline.push_str("  u: {kind: ingest, from: u, layout: t.yaml, key: [city, year]}\n");
    if !checked.is_empty() {
        pipeline.push_str(&format!(
            "  checked:\n    kind: check\n    from: t\n    cells: true\n    check:\n{}",
            list(checked)
        ));
    }
    study.write("pipeline.yaml", pipeline);
    study
}

/// The warnings of a run: messages, and details indented.
fn warnings(study: &Study) -> String {
    let summary = study.run(&[]);
    let mut text = String::new();
    for warning in summary["warnings"].as_array().expect("a list") {
        text.push_str(&format!(
            "{}: {}\n",
            warning["stage"].as_str().expect("text"),
            warning["message"].as_str().expect("text")
        ));
        for line in warning["details"].as_array().expect("a list").iter().take(2) {
            text.push_str(&format!("  {}\n", line.as_str().expect("text")));
        }
    }
    text
}

#[track_caller]
fn check(data: &str, rule: &str, expected: Expect) {
    expected.assert_eq(&warnings(&study(data, rule, "")));
}

const ALL: &str = "{unit_break: all, severity: warning}
{coverage: all, severity: warning}
{spike: all, severity: warning}
{jump: all, severity: warning}
{total_row: all, severity: warning}
{filled: all, severity: warning}
{denominator: y, severity: warning}";

#[test]
fn clean_series_break_no_rule() {
    let clean = csv(&[("x", &|c, t| Some(growing(c, t))), ("y", &|c, t| Some(slow(c, t)))]);
    check(&clean, ALL, expect![""]);
    // Gaps are no breaks either, nor is a boom that every series of the table shares in one year.
    let gaps = csv(&[
        ("x", &|c, t| (noise(c, t) < 0.8).then(|| growing(c, t))),
        ("y", &|c, t| (t != 2009).then(|| slow(c, t))),
    ]);
    check(&gaps, ALL, expect![""]);
    let boom = csv(&[
        ("x", &|c, t| Some(growing(c, t) * if t >= 2010 { 1.12 } else { 1.0 })),
        ("y", &|c, t| Some(slow(c, t) * if t >= 2010 { 1.01 } else { 1.0 })),
    ]);
    check(&boom, ALL, expect![""]);
}

#[test]
fn a_change_of_coverage_is_found_without_its_year() {
    let broken =
        csv(&[("x", &|c, t| Some(growing(c, t) * if t >= 2010 { 1.6 } else { 1.0 })), ("y", &|c, t| Some(slow(c, t)))]);
    check(
        &broken,
        ALL,
        expect![[r#"
        t: `x` breaks at 2009→2010: median ratio 1.76 against 1.08 in other years (14 units)
          (c5, 2010) `x`: 2.02 times the value of 2009 (data/t.csv, row 57, x)
          (c8, 2010) `x`: 1.96 times the value of 2009 (data/t.csv, row 87, x)
    "#]],
    );
    // Of half of the units it is a boom, not a coverage.
    let some = csv(&[("x", &|c, t| Some(growing(c, t) * if t >= 2010 && c % 2 == 0 { 1.6 } else { 1.0 }))]);
    check(&some, "{coverage: all, severity: warning}", expect![""]);
}

#[test]
fn a_change_of_unit_is_found() {
    let broken = csv(&[
        ("x", &|c, t| Some(growing(c, t) * if t >= 2012 { 10_000.0 } else { 1.0 })),
        ("y", &|c, t| Some(slow(c, t))),
    ]);
    check(
        &broken,
        "{unit_break: all, severity: warning}\n{coverage: all, severity: warning}",
        expect![[r#"
        t: `x` is 10000 times larger from 2012 on (14 units): its unit changes between 2011 and 2012
          (c0, 2012) `x`: 10280.474 times the value of 2011 (data/t.csv, row 9, x)
          (c1, 2012) `x`: 9578.232 times the value of 2011 (data/t.csv, row 19, x)
    "#]],
    );
    let back = csv(&[("x", &|c, t| Some(growing(c, t) / if t >= 2012 { 100.0 } else { 1.0 }))]);
    check(
        &back,
        "{unit_break: x, by: [city, year], severity: warning}",
        expect![[r#"
        t: `x` is 100 times smaller from 2012 on (14 units): its unit changes between 2011 and 2012
          (c0, 2012) `x`: 0.010 times the value of 2011 (data/t.csv, row 9, x)
          (c1, 2012) `x`: 0.010 times the value of 2011 (data/t.csv, row 19, x)
    "#]],
    );
}

#[test]
fn single_cells_are_told_from_steps_that_last() {
    let slipped = csv(&[("x", &|c, t| Some(growing(c, t) * if c == 3 && t == 2009 { 10.0 } else { 1.0 }))]);
    check(
        &slipped,
        "{spike: x, factor: 3, severity: warning}",
        expect![[r#"
        t: 1 cell of `x` more than 3 times off both neighbours in time: (c3, 2009)
          (c3, 2009) `x`: 5014.59 is 9.337 times the value of 2008 and 9.135 times that of 2010: a slipped decimal point? (data/t.csv, row 36, x)
    "#]],
    );
    let step = csv(&[("x", &|c, t| Some(growing(c, t) * if c == 3 && t >= 2009 { 10.0 } else { 1.0 }))]);
    check(&step, "{spike: x, factor: 3, severity: warning}", expect![""]);
    check(
        &step,
        "{jump: x, factor: 3, severity: warning}",
        expect![[r#"
        t: 1 cell of `x` more than 3 times off the year before: (c3, 2009)
          (c3, 2009) `x`: 5014.59 is 9.337 times the value of 2008 (data/t.csv, row 36, x)
    "#]],
    );
}

#[test]
fn a_denominator_that_changes_its_meaning_is_found() {
    // Registered to resident: half of the cities gain, half lose, and the median stays.
    let resident = |c: i64, t: i64| {
        slow(c, t)
            * if t < 2013 {
                1.0
            } else if c % 2 == 0 {
                1.2
            } else {
                0.85
            }
    };
    let broken = csv(&[("x", &|c, t| Some(growing(c, t))), ("y", &|c, t| Some(resident(c, t)))]);
    check(
        &broken,
        "{denominator: y, severity: warning}",
        expect![[r#"
        t: `y` moves by 17.3 % in 2013 at the median of 14 units, against 0.4 % in other years: its definition changes
          (c0, 2013) `y`: 1.21 times that of 2012 (data/t.csv, row 10, y)
          (c4, 2013) `y`: 1.21 times that of 2012 (data/t.csv, row 50, y)
    "#]],
    );
    let implied = csv(&[("x", &|c, t| Some(growing(c, t))), ("y", &|c, t| Some(growing(c, t) / resident(c, t)))]);
    check(
        &implied,
        "{denominator: {of: x, ratio: y}, severity: warning}",
        expect![[r#"
        t: what `y` divides `x` by moves by 17.3 % in 2013 at the median of 14 units, against 0.4 % in other years: its definition changes
          (c0, 2013) `y`: 1.21 times that of 2012 (data/t.csv, row 10, y)
          (c4, 2013) `y`: 1.21 times that of 2012 (data/t.csv, row 50, y)
    "#]],
    );
}

#[test]
fn values_that_were_filled_in_are_found() {
    let filled = csv(&[("x", &|c, t| match (c, t) {
        (2, 2007..=2011) => Some(growing(c, 2006) + 7.25 * (t - 2006) as f64),
        _ => Some(growing(c, t)),
    })]);
    check(
        &filled,
        "{filled: all, severity: warning}",
        expect![[r#"
        t: 4 of 140 values of `x` (2.9 %) lie on straight lines: they were filled in
          (c2, 2007) `x`: on the line between its neighbours (data/t.csv, row 24, x)
          (c2, 2008) `x`: on the line between its neighbours (data/t.csv, row 25, x)
    "#]],
    );
}

#[test]
fn a_total_among_the_units_is_found() {
    let sum = |t: i64| (0..CITIES - 1).map(|c| growing(c, t)).sum::<f64>();
    let total = csv(&[("x", &|c, t| Some(if c == CITIES - 1 { sum(t) } else { growing(c, t) }))]);
    check(
        &total,
        "{total_row: all, severity: warning}",
        expect![[r#"
        t: `c13` is the sum of all others in `x`: a total stands among the units
          (c13, 2005) `x`: 9015.572; the other units sum to 9015.572 (data/t.csv, row 132, x)
    "#]],
    );
}

#[test]
fn parts_sum_to_totals() {
    let parts = |off: f64| {
        csv(&[
            ("x", &|c, t| Some(slow(c, t))),
            ("y", &|c, t| Some(2.0 * slow(c, t))),
            ("z", &|c, t| Some(3.0 * slow(c, t) * if (c, t) == (4, 2010) { off } else { 1.0 })),
        ])
    };
    let rule = "{sums_to: z, parts: [x, y], severity: warning}";
    check(&parts(1.0), rule, expect![""]);
    check(
        &parts(1.1),
        rule,
        expect![[r#"
        t: 1 cell of `z` not the sum of `x`, `y`: (c4, 2010)
          (c4, 2010) `z`: 5042.73, the parts sum to 4584.3 (data/t.csv, row 47, z)
    "#]],
    );
    // Rows to the row of a table of totals.
    let of_years = study(
        &csv(&[("x", &|c, t| Some(slow(c, t)))]),
        "",
        "{sums_to: {table: totals}, on: year, columns: x, severity: warning}",
    );
    let totals = "  totals: {kind: sql, query: 'select year, sum(x) * case when year = 2011 then 1.5 else 1 end as x from t group by year', key: [year]}\n";
    let pipeline = of_years.read("pipeline.yaml");
    of_years.write("pipeline.yaml", pipeline + totals);
    expect![[r#"
        t: `x` of 2011 sums to 32257.697, printed is 48386.5455 (0.667 times)
          (c13, 2011) `x`: 4310.211, among the largest of 2011 (data/t.csv, row 138, x)
          (c12, 2011) `x`: 3991.514, among the largest of 2011 (data/t.csv, row 128, x)
    "#]]
    .assert_eq(&warnings(&of_years));
    of_years.edit("pipeline.yaml", "then 1.5", "then 1");
    assert_eq!(warnings(&of_years), "");
}

#[test]
fn two_vintages_and_two_calendars_are_told_apart() {
    let data = csv(&[("x", &|c, t| Some(growing(c, t)))]);
    let rules = "{column: x, same_as: {table: u}, share: 0.95, severity: warning}\n{column: x, edition: {table: u}, severity: warning}";
    let two = study(&data, "", rules);
    assert_eq!(warnings(&two), "");
    // One value in ten revised, by 5 %.
    let revised = |c: i64, t: i64| growing(c, t) * if (c + t) % 10 == 0 { 1.05 } else { 1.0 };
    two.write("data/u.csv", csv(&[("x", &|c, t| Some(revised(c, t)))]));
    expect![[r#"
        t: `x` equals `x` of `u` in 126 of 140 rows (90.0 %): (c10, 2010) 1663.466 against 1746.6393, (c3, 2007) 451.256 against 473.8188, …
          (c10, 2010) `x`: 1663.466, there 1746.6393 (data/t.csv, row 107, x)
          (c3, 2007) `x`: 451.256, there 473.8188 (data/t.csv, row 34, x)
    "#]].assert_eq(&warnings(&two));
    // Another unit.
    two.write("data/u.csv", csv(&[("x", &|c, t| Some(growing(c, t) / 10_000.0))]));
    expect![[r#"
        t: `x` equals `x` of `u` in 0 of 140 rows (0.0 %): (c10, 2006) 1269.79 against 0.126979, (c11, 2005) 1097.254 against 0.1097254, …; all differ by 10^4: another unit
          (c10, 2006) `x`: 1269.79, there 0.126979 (data/t.csv, row 103, x)
          (c11, 2005) `x`: 1097.254, there 0.1097254 (data/t.csv, row 112, x)
    "#]].assert_eq(&warnings(&two));
    // The year of the book, not of the data.
    two.write("data/u.csv", csv(&[("x", &|c, t| Some(growing(c, t + 1)))]));
    expect![[r#"
        t: `x` equals `x` of `u` in 0 of 140 rows (0.0 %): (c13, 2010) 1853.407 against 2438.463, (c10, 2011) 1598.021 against 2064.127, …
          (c13, 2010) `x`: 1853.407, there 2438.463 (data/t.csv, row 137, x)
          (c10, 2011) `x`: 1598.021, there 2064.127 (data/t.csv, row 108, x)
        t: `x` of a `year` is that of the year before in `x` of `u` (100 % of 126 values are equal, 2 % in the same year): the year is that of the edition, not of the data
          (c0, 2006) `x`: 109.051 is the value of 2005 there (data/t.csv, row 3, x)
          (c0, 2007) `x`: 126.825 is the value of 2006 there (data/t.csv, row 4, x)
    "#]].assert_eq(&warnings(&two));
}

#[test]
fn a_rule_of_two_tables_wants_a_stage_of_its_own() {
    let wrong = study(&csv(&[("x", &|c, t| Some(growing(c, t)))]), "{column: x, same_as: {table: u}}", "");
    let done = wrong.restudy(&["plan"]);
    assert_eq!(done.code, 2);
    expect![[r#"
        error: a check of `t` cannot read another table, here `u`
          --> pipeline.yaml:13:9
           |
        13 |       - {column: x, same_as: {table: u}}
           |         ^
        hint: write the rule in a stage of its own: {kind: check, from: t, check: […]}
    "#]]
    .assert_eq(&done.stderr);
}

/// A workbook of two editions with a unit that changes, a footnote, an error and a mark.
fn book(edition: u16) -> Vec<u8> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.set_name("地级市").expect("a name");
    for (column, text) in ["城市", "国内生产总值", "人口"].iter().enumerate() {
        sheet.write_string(1, column as u16, *text).expect("written");
    }
    for (row, city) in ["甲市", "乙市", "丙市"].iter().enumerate() {
        let line = row as u32 + 2;
        sheet.write_string(line, 0, *city).expect("written");
        let gdp = f64::from(edition - 2000) + row as f64;
        sheet.write_number(line, 1, if edition < 2012 { gdp } else { gdp * 10_000.0 }).expect("written");
        match row {
            0 => sheet.write_string(line, 2, "1,250.5（1）").expect("written"),
            1 => sheet.write_string(line, 2, "—").expect("written"),
            _ => sheet.write_number(line, 2, 77).expect("written"),
        };
    }
    workbook.save_to_buffer().expect("a workbook")
}

fn books() -> Study {
    let study = Study::new(&[("data/Data_2011.xlsx", &book(2011)), ("data/Data_2012.xlsx", &book(2012))]);
    study.write(
        "book.yaml",
        "format: spreadsheet\nheader: {contains: [城市, 人口]}\nfile: 'Data_(?<edition>\\d{4})'\nmissing: ['—']\ncolumns:\n  \
         city: {header: 城市, type: text}\n  year: {file: edition, add: -1, type: int}\n  \
         gdp: {header: 国内生产总值, type: float, scale: [{by: edition, to: 2011, factor: 10000}]}\n  population: {header: 人口, type: float}\n",
    );
    study.write(
        "pipeline.yaml",
        "restudy: 1\nstudy: {name: s, title: {en: S}}\nsources:\n  book: {path: data/*.xlsx}\nstages:\n  \
         book: {kind: ingest, from: book, layout: book.yaml, key: [city, year]}\n  \
         panel: {kind: sql, query: 'select city, year, gdp from book', key: [city, year]}\n",
    );
    study.run(&[]);
    study
}

#[test]
fn every_cell_says_where_it_came_from() {
    let study = books();
    let show = |arguments: &[&str]| {
        let done = study.restudy(&[&["show", "book", "--origin"], arguments].concat());
        assert_eq!(done.code, 0, "{}", done.stderr);
        done.stdout + &done.stderr
    };
    let digest = |text: String| {
        // The bytes of a workbook hold the time it was made.
        let hex = |c: char| c.is_ascii_hexdigit();
        let hidden = |word: &str| {
            if word.len() >= 12 && word.chars().all(hex) { "#".repeat(word.len().min(12)) } else { word.to_string() }
        };
        text.split('\n')
            .map(|line| line.split(',').map(hidden).collect::<Vec<_>>().join(","))
            .collect::<Vec<_>>()
            .join("\n")
    };
    expect![[r#"
        city,year,column,value,file,digest,sheet,cell,text,conversion,missing,repaired
        丙市,2010,gdp,130000,data/Data_2011.xlsx,############,地级市,B5,13,× 10000,,
        丙市,2010,population,77,data/Data_2011.xlsx,############,地级市,C5,77,,,
        乙市,2010,gdp,120000,data/Data_2011.xlsx,############,地级市,B4,12,× 10000,,
        乙市,2010,population,,data/Data_2011.xlsx,############,地级市,C4,—,,EMPTY_CELL,
        甲市,2010,gdp,110000,data/Data_2011.xlsx,############,地级市,B3,11,× 10000,,
        甲市,2010,population,1250.5,data/Data_2011.xlsx,############,地级市,C3,"1,250.5（1）",,,footnote_removed
    "#]]
    .assert_eq(&digest(show(&["--where", "year = 2010", "--format", "csv"])));
    let text = show(&["--where", "city = '甲市' and year = 2011", "--columns", "gdp,year"]);
    assert!(text.contains("B3") && text.contains("data/Data_2012.xlsx"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&show(&[
        "--where",
        "year = 2010",
        "--columns",
        "gdp",
        "--limit",
        "1",
        "--format",
        "json",
    ]))
    .expect("JSON");
    assert_eq!((json[0]["cell"].as_str(), json[0]["conversion"].as_str()), (Some("B5"), Some("× 10000")));
    // The text is that of the file of the run, or none.
    study.write("data/Data_2011.xlsx", book(2012));
    let changed = show(&["--where", "year = 2010", "--columns", "gdp", "--format", "csv"]);
    assert!(changed.contains("`data/Data_2011.xlsx` has changed since it was read"), "{changed}");
    assert!(changed.lines().nth(1).is_some_and(|line| line.contains(",B") && !line.contains("× 10000")), "{changed}");
    std::fs::remove_file(study.path("data/Data_2011.xlsx")).expect("removed");
    assert!(show(&["--where", "year = 2010"]).contains("`data/Data_2011.xlsx` is no longer a file of the source"));
}

#[test]
fn a_table_that_is_not_read_from_files_has_no_cells() {
    let study = books();
    let done = study.restudy(&["show", "panel", "--origin"]);
    assert_eq!(done.code, 2);
    expect![[r#"
        error: `panel` is not read from files: it is made by a stage that reads book
        hint: `--origin` is for tables of stages of the kind `ingest`; ask those it reads
    "#]]
    .assert_eq(&done.stderr);
    let done = study.restudy(&["show", "book", "--origin", "--columns", "gpd"]);
    assert_eq!(done.code, 2);
    expect![[r#"
        error: no column `gpd` in `book`
        hint: did you mean `gdp`?
    "#]]
    .assert_eq(&done.stderr);
}
