//! Wrong input, each tried on a study that worked before: one clear error with its place and the next step, nothing
//! published, nothing lost.

use crate::support::Study;
use expect_test::{Expect, expect};
use rust_xlsxwriter::Workbook;

const PIPELINE: &str = "\
restudy: 1
study: {name: small, title: {en: A small study}}
sources:
  yearbook: {path: data/yearbook/*.xlsx}
  patents: {path: data/patents.csv}
  names: {path: data/names.csv}
stages:
  yearbook: {kind: ingest, from: yearbook, layout: yearbook.yaml, key: [city, year]}
  patents: {kind: ingest, from: patents, layout: patents.yaml, key: [city, year]}
  names: {kind: ingest, from: names, layout: names.yaml, key: [name]}
  matched:
    kind: sql
    file: matched.sql
    key: [city, year]
    check:
      - {none: code is null, message: a city is not in the table of names; add it to data/names.csv}
  panel: {kind: sql, file: panel.sql, key: [code, year]}
  baseline: {kind: estimate, from: panel, formula: patents ~ gdp | code, cluster: code}
  exhibits: {kind: report, exhibits: exhibits.yaml, formats: [html, markdown], languages: [en]}
";

const YEARBOOK: &str = "\
format: spreadsheet
sheets: 地级市
header: {contains: [城市, 地区生产总值], rows: 2}
file: 'Data_(?<edition>\\d{4})'
columns:
  city: {header: 城市, type: text}
  year: {file: edition, add: -1, type: int}
  population: {header: 年末总人口, sub: 全市, type: float}
  gdp: {header: 地区生产总值, sub: 全市, type: float}
";

const PATENTS: &str = "\
format: csv
encoding: ENCODING
columns:
  city: {header: 城市, type: text}
  year: {header: 年份, type: int}
  patents: {header: 专利数, type: int}
";

const NAMES: &str = "\
format: csv
columns:
  name: {header: name, type: text}
  code: {header: code, type: int}
";

const MATCHED: &str = "\
select yearbook.*, names.code
from yearbook
left join names on names.name = yearbook.city
";

const PANEL: &str = "\
select matched.code, matched.year, matched.population, matched.gdp, patents.patents
from matched
join patents on patents.city = matched.city and patents.year = matched.year
";

const EXHIBITS: &str = "\
exhibits:
  table1:
    type: descriptive
    label: Table 1
    title: Statistics
    from: panel
    variables: {gdp: GDP, patents: Patents}
";

const CITIES: [&str; 4] = ["北京市", "天津市", "石家庄市", "唐山市"];

/// One workbook: two header rows, then city, population (city, districts), GDP.
fn workbook(sheet: &str, change: impl Fn(&mut Vec<Vec<String>>)) -> Vec<u8> {
    let mut rows: Vec<Vec<String>> = vec![
        ["城市", "年末总人口", "", "地区生产总值"].map(str::to_string).to_vec(),
        ["", "全市", "市辖区", "全市"].map(str::to_string).to_vec(),
    ];
    for (index, city) in CITIES.iter().enumerate() {
        let number = |value: usize| (value * (index + 3) % 97).to_string();
        rows.push(vec![city.to_string(), number(100), number(60), number(1234)]);
    }
    change(&mut rows);
    let mut workbook = Workbook::new();
    let page = workbook.add_worksheet().set_name(sheet).expect("a sheet name");
    for (row, cells) in rows.iter().enumerate() {
        for (column, cell) in cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
            let (row, column) = (row as u32, column as u16);
            match cell.parse::<f64>() {
                Ok(number) => page.write_number(row, column, number),
                Err(_) => page.write_string(row, column, cell),
            }
            .expect("written");
        }
    }
    workbook.save_to_buffer().expect("a workbook")
}

fn patents() -> String {
    let rows = CITIES.iter().enumerate().flat_map(|(index, city)| {
        [2011, 2012].map(|year| format!("{city},{year},{}\n", (index + 1) * 7 + year % 5 * index))
    });
    format!("城市,年份,专利数\n{}", rows.collect::<String>())
}

/// The study of this file, run once.
fn study() -> Study {
    let names: String = CITIES.iter().enumerate().map(|(code, city)| format!("{city},{code}\n")).collect();
    let study = Study::new(&[
        ("pipeline.yaml", PIPELINE.as_bytes()),
        ("yearbook.yaml", YEARBOOK.as_bytes()),
        ("patents.yaml", PATENTS.replace("ENCODING", "utf-8").as_bytes()),
        ("names.yaml", NAMES.as_bytes()),
        ("matched.sql", MATCHED.as_bytes()),
        ("panel.sql", PANEL.as_bytes()),
        ("exhibits.yaml", EXHIBITS.as_bytes()),
        ("data/names.csv", format!("name,code\n{names}").as_bytes()),
        ("data/patents.csv", patents().as_bytes()),
        ("data/yearbook/Data_2012.xlsx", &workbook("地级市", |_| {})),
        ("data/yearbook/Data_2013.xlsx", &workbook("地级市", |rows| rows[3][3] = "77".to_string())),
    ]);
    study.run(&[]);
    study
}

/// Makes one change, runs, and compares what is said; the last results must stay, in `out/` and in the store.
fn check(change: impl Fn(&Study), code: i32, expected: Expect) {
    let study = study();
    let published = study.snapshot("out");
    let panel = study.restudy(&["show", "panel", "--format", "csv"]).stdout;
    assert!(panel.lines().count() == 9, "{panel}");
    change(&study);
    let done = study.restudy(&["run"]);
    let said: Vec<&str> = done
        .stderr
        .lines()
        .filter(|line| !line.starts_with("ran ") && !line.starts_with("failed: ") && !line.starts_with("kept "))
        .collect();
    expected.assert_eq(&said.join("\n").replace(&study.path("").display().to_string(), "FOLDER/"));
    assert_eq!(done.code, code);
    assert_eq!(study.snapshot("out"), published, "something was published");
    assert!(study.snapshot(".restudy/tmp").is_empty(), "unfinished work was left");
    // A study that does not parse shows nothing; one whose data are wrong still has its last tables.
    if code == 1 {
        assert_eq!(study.restudy(&["show", "panel", "--format", "csv"]).stdout, panel);
    }
}

const EDITION: &str = "data/yearbook/Data_2013.xlsx";

#[test]
fn a_workbook_that_is_a_renamed_pdf() {
    check(
        |study| study.write(EDITION, b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n"),
        1,
        expect![[r#"
        failed yearbook@file=Data_2013.xlsx
        error: `data/yearbook/Data_2013.xlsx` is not a spreadsheet: its content is a PDF document
          --> data/yearbook/Data_2013.xlsx
        note: read with the layout `yearbook.yaml`
        hint: open it with the program that wrote it and save it as .xlsx"#]],
    );
}

#[test]
fn a_missing_sheet() {
    check(
        |study| study.write(EDITION, workbook("县级市", |_| {})),
        1,
        expect![[r#"
        failed yearbook@file=Data_2013.xlsx
        error: no sheet `地级市` in `data/yearbook/Data_2013.xlsx`; it has [县级市]
          --> data/yearbook/Data_2013.xlsx
        note: read with the layout `yearbook.yaml`
        hint: did you mean `县级市`? Change `sheets:` of the layout"#]],
    );
}

#[test]
fn a_shifted_header() {
    let shifted = workbook("地级市", |rows| rows[1].insert(1, String::new()));
    check(
        |study| study.write(EDITION, &shifted),
        1,
        expect![[r#"
            failed yearbook@file=Data_2013.xlsx
            error: the two header rows of sheet `地级市` of `data/yearbook/Data_2013.xlsx` do not line up: `年末总人口` stands in column B with nothing below it, and `全市` in column C
              --> data/yearbook/Data_2013.xlsx, sheet `地级市`
            note: read with the layout `yearbook.yaml`
            hint: look at the sheet: if a cell was moved, move it back; otherwise choose the columns by `position`"#]],
    );
}

#[test]
fn a_text_in_a_number_column() {
    let text = workbook("地级市", |rows| rows[4][3] = "约一千".to_string());
    check(
        |study| study.write(EDITION, &text),
        1,
        expect![[r#"
        failed yearbook@file=Data_2013.xlsx
        error: a value of column `gdp` is not a number: D5 `约一千`
          --> data/yearbook/Data_2013.xlsx, sheet `地级市`, cell D5
        note: read with the layout `yearbook.yaml`
        hint: if `约一千` means missing, add it to `missing:` of the layout; if the row is no data, skip it by `gdp`; otherwise read the column as text"#]],
    );
}

#[test]
fn a_duplicated_city_and_year() {
    let twice = workbook("地级市", |rows| rows.push(rows[3].clone()));
    check(
        |study| study.write(EDITION, &twice),
        1,
        expect![[r#"
        failed yearbook@file=Data_2013.xlsx
        error: `data/yearbook/Data_2013.xlsx` breaks the key [city, year]: city=天津市, year=2012 stands 2 times
          --> data/yearbook/Data_2013.xlsx, sheet `地级市`, rows 4 and 7
        hint: mend the file, skip the row in the layout (`skip:`), or add a column to the key"#]],
    );
}

#[test]
fn a_city_and_year_in_two_files() {
    check(
        |study| study.write("data/yearbook/Data_2013(1).xlsx", workbook("地级市", |_| {})),
        1,
        expect![[r#"
            failed yearbook@file=Data_2013(1).xlsx
            error: the name of `data/yearbook/Data_2013(1).xlsx` does not fit `file: Data_(?<edition>\d{4})`
              --> data/yearbook/Data_2013(1).xlsx
            note: read with the layout `yearbook.yaml`
            hint: rename the file, narrow the source's path, or change `file` of the layout; it is matched against the whole name without extension"#]],
    );
}

#[test]
fn an_unknown_city() {
    let unknown = workbook("地级市", |rows| rows[3][0] = "天京市".to_string());
    check(
        |study| study.write(EDITION, &unknown),
        1,
        expect![[r#"
        failed matched
        error: table `matched` breaks a check: a city is not in the table of names; add it to data/names.csv (`code is null` holds in 1 row: (天京市, 2012))
          --> pipeline.yaml:16:9
           |
        16 |       - {none: code is null, message: a city is not in the table of names; add it to data/names.csv}
           |         ^
        note: city    year  population  gdp  code
              ──────  ────  ──────────  ───  ────
              天京市  2012          12   86     —
        hint: mend the data or the stage, or make the check `severity: warning`"#]],
    );
}

#[test]
fn a_csv_in_gbk_where_utf8_was_declared() {
    let text = patents();
    let (bytes, _, _) = encoding_rs::GBK.encode(&text);
    check(
        |study| study.write("data/patents.csv", &bytes),
        1,
        expect![[r#"
        failed patents@file=patents.csv
        error: `data/patents.csv` is not utf-8: byte 0 (line 1) is not valid
          --> data/patents.csv, line 1
        note: read with the layout `patents.yaml`
        hint: it is valid gb18030, and then begins with: 城市,年份,专利数; if that reads well, say `encoding: gb18030`"#]],
    );
}

#[test]
fn a_truncated_workbook() {
    let whole = workbook("地级市", |_| {});
    check(
        |study| study.write(EDITION, &whole[..2000]),
        1,
        expect![[r#"
        failed yearbook@file=Data_2013.xlsx
        error: `data/yearbook/Data_2013.xlsx` is cut off: its 2000 bytes begin like a spreadsheet but the table of contents at the end is missing
          --> data/yearbook/Data_2013.xlsx
        note: read with the layout `yearbook.yaml`
        hint: the download or copy stopped early: fetch the file again"#]],
    );
}

#[test]
fn an_empty_file() {
    check(
        |study| study.write(EDITION, b""),
        1,
        expect![[r#"
        failed yearbook@file=Data_2013.xlsx
        error: `data/yearbook/Data_2013.xlsx` is empty (0 bytes)
          --> data/yearbook/Data_2013.xlsx
        note: read with the layout `yearbook.yaml`
        hint: download or copy the file again"#]],
    );
    check(
        |study| study.write("data/patents.csv", b""),
        1,
        expect![[r#"
        failed patents@file=patents.csv
        error: `data/patents.csv` is empty (0 bytes)
          --> data/patents.csv
        note: read with the layout `patents.yaml`
        hint: download or copy the file again"#]],
    );
}

#[test]
fn a_circle_of_stages() {
    check(
        |study| study.edit("matched.sql", "from yearbook\n", "from yearbook\njoin panel using (year)\n"),
        2,
        expect![[r#"
            error: the stages depend on each other in a circle: matched → panel → matched
              --> pipeline.yaml:11:3
               |
            11 |   matched:
               |   ^^^^^^^
            hint: an arrow reads `needs`: take one of these inputs away"#]],
    );
}

#[test]
fn a_typo_in_sql() {
    check(
        |study| study.edit("panel.sql", "matched.population", "matched.popluation"),
        2,
        expect![[r#"
            error: no column `popluation`
             --> panel.sql:1:36
              |
            1 | select matched.code, matched.year, matched.popluation, matched.gdp, patents.patents
              |                                    ^^^^^^^^^^^^^^^^^^
            hint: did you mean `population`?"#]],
    );
    check(
        |study| study.edit("panel.sql", "join patents on", "join patent on"),
        2,
        expect![[r#"
        error: stage `panel` reads `patent`, which no stage makes
         --> panel.sql:3:6
          |
        3 | join patent on patents.city = matched.city and patents.year = matched.year
          |      ^^^^^^
        hint: did you mean `patents`?"#]],
    );
    check(
        |study| study.edit("panel.sql", "from matched", "form matched"),
        2,
        expect![[r#"
            error: Expected: end of statement, found: matched
             --> panel.sql:2:6
              |
            2 | form matched
              |      ^^^^^^^"#]],
    );
}

#[test]
fn a_query_whose_key_is_not_unique() {
    check(
        |study| study.edit("panel.sql", " and patents.year = matched.year", ""),
        1,
        expect![[r#"
            failed panel
            error: the key [code, year] is not unique: 8 values repeated: (0, 2011) has 2 rows, (0, 2012) has 2 rows, (1, 2011) has 2 rows, (1, 2012) has 2 rows, (2, 2011) has 2 rows, …
             --> panel.sql:1:16
              |
            1 | select matched.code, matched.year, matched.population, matched.gdp, patents.patents
              |                ^^^^
            note: code  year  population  gdp  patents
                  ────  ────  ──────────  ───  ───────
                     0  2011           9   16        7
                     0  2011           9   16        7
                     0  2012           9   16        7
                     0  2012           9   16        7
                     1  2011          12   86       15
            note: line 3: `JOIN patents ON patents.city = matched.city` gives one row up to 2 matches
            hint: make the table that is joined unique in the columns of the condition, or lengthen the key"#]],
    );
}

#[test]
fn the_pipeline_itself_is_wrong_in_many_ways_at_once() {
    check(
        |study| {
            study.edit("pipeline.yaml", "kind: estimate, from: panel", "kind: estimate, form: panel");
            study.edit("pipeline.yaml", "cluster: code}", "cluster: code, level: high}");
            study.edit("pipeline.yaml", "layout: names.yaml", "layout: name.yaml");
            study.edit("pipeline.yaml", "kind: report", "kind: raport");
            study.edit("pipeline.yaml", "path: data/patents.csv", "path: data/patent.csv");
        },
        2,
        expect![[r#"
            error: no file matches `data/patent.csv`
             --> pipeline.yaml:5:19
              |
            5 |   patents: {path: data/patent.csv}
              |                   ^^^^^^^^^^^^^^^
            hint: looked in `FOLDER/data`
            error: cannot read `name.yaml`: No such file or directory (os error 2)
              --> pipeline.yaml:10:46
               |
            10 |   names: {kind: ingest, from: names, layout: name.yaml, key: [name]}
               |                                              ^^^^^^^^^
            hint: did you mean `names.yaml`?
            error: stage `baseline` needs `from:`
              --> pipeline.yaml:18:13
               |
            18 |   baseline: {kind: estimate, form: panel, formula: patents ~ gdp | code, cluster: code, level: high}
               |             ^
            error: unknown key `form` in stage `baseline`
              --> pipeline.yaml:18:30
               |
            18 |   baseline: {kind: estimate, form: panel, formula: patents ~ gdp | code, cluster: code, level: high}
               |                              ^^^^
            hint: did you mean `from`?
            error: `level` of stage `baseline` must be a number, not text
              --> pipeline.yaml:18:96
               |
            18 |   baseline: {kind: estimate, form: panel, formula: patents ~ gdp | code, cluster: code, level: high}
               |                                                                                                ^^^^
            error: no kind of stage is called `raport`
              --> pipeline.yaml:19:20
               |
            19 |   exhibits: {kind: raport, exhibits: exhibits.yaml, formats: [html, markdown], languages: [en]}
               |                    ^^^^^^
            hint: did you mean `report`?
            6 errors"#]],
    );
}

#[test]
fn a_parameter_on_the_command_line_that_the_study_does_not_have() {
    let done = study().restudy(&["run", "--set", "rule=broad"]);
    assert_eq!(done.code, 2);
    expect![[r#"
        error: `--set rule=…`: the study has no parameter `rule`
        hint: parameters: 
    "#]]
    .assert_eq(&done.stderr);
}

#[test]
fn the_encoding_of_a_file_can_be_declared() {
    let study = study();
    study.write("patents.yaml", PATENTS.replace("ENCODING", "gbk"));
    let text = patents();
    study.write("data/patents.csv", encoding_rs::GBK.encode(&text).0);
    let summary = study.run(&[]);
    // Another file and another layout, but the same table: nothing below it runs.
    assert_eq!(crate::support::names(&summary, "ran"), ["patents@file=patents.csv"]);
}

#[test]
fn a_condition_that_is_not_true_or_false() {
    check(
        |study| study.edit("pipeline.yaml", "cluster: code}", "cluster: code, where: population}"),
        2,
        expect![[r#"
        error: `where` of `baseline` is float, not true or false: population
          --> pipeline.yaml:18:96
           |
        18 |   baseline: {kind: estimate, from: panel, formula: patents ~ gdp | code, cluster: code, where: population}
           |                                                                                                ^^^^^^^^^^
        hint: write a comparison, such as `population = 1`"#]],
    );
}

#[test]
fn a_column_of_a_regression_table_that_fits_several_models() {
    check(
        |study| {
            study.edit("pipeline.yaml", "formula: patents ~ gdp | code, cluster: code}", "formula: \"patents ~ gdp${more} | code\", cluster: code, matrix: {more: {none: \"\", one: \" + population\"}}}");
            study.write(
                "exhibits.yaml",
                format!("{EXHIBITS}  table2: {{type: regression, label: T, title: T, from: baseline, models: [{{title: M}}], terms: {{gdp: GDP}}}}\n"),
            );
        },
        1,
        expect![[r#"
            failed exhibits
            error: this column of the table fits 2 models of `baseline`
             --> exhibits.yaml:8:75
              |
            8 |   table2: {type: regression, label: T, title: T, from: baseline, models: [{title: M}], terms: {gdp: GDP}}
              |                                                                           ^
            hint: name a label of every axis of the matrix in `at:`
            warning: baseline@more=one: term `population` was dropped: does not vary within `code`"#]],
    );
}

#[test]
fn a_link_to_a_file_that_is_not_there() {
    check(
        |study| std::os::unix::fs::symlink("/nowhere", study.path("data/yearbook/Data_2014.xlsx")).expect("linked"),
        2,
        expect![[r#"
            error: the files of `data/yearbook/*.xlsx` cannot be listed: `FOLDER/data/yearbook/Data_2014.xlsx` is a link to a file that is not there
             --> pipeline.yaml:4:20
              |
            4 |   yearbook: {path: data/yearbook/*.xlsx}
              |                    ^^^^^^^^^^^^^^^^^^^^"#]],
    );
}

#[test]
fn a_data_folder_that_no_source_is_in() {
    let study = study();
    study.edit("pipeline.yaml", "path: data/yearbook/*.xlsx", "path: ./raw/yearbook/*.xlsx");
    study.edit("pipeline.yaml", "path: data/patents.csv", "path: raw/patents.csv");
    study.edit("pipeline.yaml", "path: data/names.csv", "path: raw/names.csv");
    std::fs::rename(study.path("data"), study.path("raw")).expect("moved");
    let done = study.restudy(&["run", "--data", "raw"]);
    assert_eq!(done.code, 2);
    expect![[r#"
        error: `--data` was given, but no source of this study is in `data/`
    "#]]
    .assert_eq(&done.stderr);
    // The same files under other names in the study: their parts are read again, the tables come out equal.
    assert_eq!(study.restudy(&["run"]).code, 0);
}
