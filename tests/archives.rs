//! Files as they are handed over: in archives, compressed, as Parquet of another program. From the raw file to the table, with the place
//! of every value.

use crate::support::{Study, names};
use std::io::Write;
use zip::write::SimpleFileOptions;

const PIPELINE: &str = "restudy: 1
study: {name: archives, title: Archives}
sources:
  book: {path: data/*}
stages:
  book: {kind: ingest, from: book, layout: book.yaml, key: [city, year]}
";

const LAYOUT: &str = "format: csv
file: 'values_(?<year>\\d{4})'
columns:
  city: {field: city, type: text}
  year: {file: year, type: int}
  value: {field: value, type: float}
";

fn study(members: &[(&str, &str)]) -> Study {
    let study = Study::new(&[("pipeline.yaml", PIPELINE.as_bytes()), ("book.yaml", LAYOUT.as_bytes())]);
    study.write("data/values.zip", archive(members));
    study
}

fn archive(members: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in members {
        writer.start_file(*name, SimpleFileOptions::default()).expect("begun");
        writer.write_all(text.as_bytes()).expect("written");
    }
    writer.finish().expect("an archive").into_inner()
}

const TWO: [(&str, &str); 3] = [
    ("各年/values_2012.csv", "city,value\n甲市,3.5\n乙市,4.5\n"),
    ("各年/values_2011.csv", "city,value\n乙市,2.5\n甲市,\"1,500\"\n"),
    ("说明.pdf", "no table"),
];

#[test]
fn members_of_an_archive_are_files_of_their_own() {
    let study = study(&TWO);
    study.run(&[]);
    let shown = study.restudy(&["show", "book", "--format", "csv"]);
    assert_eq!(shown.stdout, "city,year,value\n乙市,2011,2.5\n乙市,2012,4.5\n甲市,2011,1500\n甲市,2012,3.5\n");
    let places = study.restudy(&[
        "sql",
        "select city, year, _file, _row from book.cells order by city, year",
        "--format",
        "csv",
    ]);
    assert_eq!(
        places.stdout,
        "city,year,_file,_row\n\
         乙市,2011,data/values.zip!各年/values_2011.csv,2\n\
         乙市,2012,data/values.zip!各年/values_2012.csv,3\n\
         甲市,2011,data/values.zip!各年/values_2011.csv,3\n\
         甲市,2012,data/values.zip!各年/values_2012.csv,2\n",
        "{}",
        places.stderr
    );
    let origin = study.restudy(&[
        "show",
        "book",
        "--origin",
        "--where",
        "city='甲市' and year=2011",
        "--columns",
        "value",
        "--format",
        "csv",
    ]);
    assert!(origin.stdout.contains("data/values.zip!各年/values_2011.csv"), "{}{}", origin.stdout, origin.stderr);
    assert!(origin.stdout.contains("\"1,500\""), "{}", origin.stdout);
}

#[test]
fn a_key_that_stands_in_two_members_names_both() {
    let study =
        study(&[("a/values_2011.csv", "city,value\n甲市,1\n"), ("b/values_2011.csv", "city,value\n乙市,1\n甲市,2\n")]);
    let done = study.restudy(&["run"]);
    assert_eq!(done.code, 1);
    assert!(done.stderr.contains("city=甲市, year=2011 stands 2 times"), "{}", done.stderr);
    let places = "data/values.zip!a/values_2011.csv, row 2; data/values.zip!b/values_2011.csv, row 3";
    assert!(done.stderr.contains(places), "{}", done.stderr);
}

#[test]
fn members_are_chosen_and_what_fits_none_is_an_error() {
    let study = study(&TWO);
    study.edit("book.yaml", "columns:", "members: [\"*2012*\"]\ncolumns:");
    study.run(&[]);
    assert_eq!(
        study.restudy(&["show", "book", "--format", "csv"]).stdout,
        "city,year,value\n乙市,2012,4.5\n甲市,2012,3.5\n"
    );
    study.edit("book.yaml", "2012", "2019");
    let done = study.restudy(&["run"]);
    assert_eq!(done.code, 1);
    assert!(done.stderr.contains("*2019*") && done.stderr.contains("各年/values_2011.csv"), "{}", done.stderr);
}

/// A published table of one study is a source of another.
#[test]
fn parquet_is_read() {
    let study = study(&TWO);
    study.run(&[]);
    let other = Study::new(&[
        ("pipeline.yaml", PIPELINE.as_bytes()),
        (
            "book.yaml",
            b"format: parquet\ncolumns:\n  city: {field: city, type: text}\n  year: {field: year, type: int}\n  value: {field: value, type: float}\n",
        ),
    ]);
    let blobs = study.snapshot(".restudy/store/blobs");
    let is_table =
        |bytes: &&Vec<u8>| contains(bytes, b"value") && !contains(bytes, b"_file") && !contains(bytes, b"code");
    other.write("data/book.parquet", blobs.values().find(is_table).expect("the table"));
    other.run(&[]);
    assert_eq!(
        other.restudy(&["show", "book", "--format", "csv"]).stdout,
        study.restudy(&["show", "book", "--format", "csv"]).stdout
    );
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

#[test]
fn rows_that_do_not_come_by_key_are_the_same_table() {
    let row = |number: usize| format!("c{:06},{}.25\n", number, number % 97);
    let sorted: String = std::iter::once("city,value\n".to_string()).chain((0..150_000).map(row)).collect();
    let turned: String = std::iter::once("city,value\n".to_string()).chain((0..150_000).rev().map(row)).collect();
    // In order but for the last row: what was written by then is read back.
    let late: String =
        std::iter::once("city,value\n".to_string()).chain((1..150_000).map(row)).chain([row(0)]).collect();
    let digests = [sorted, turned, late].map(|text| {
        let study = Study::new(&[("pipeline.yaml", PIPELINE.as_bytes()), ("book.yaml", LAYOUT.as_bytes())]);
        study.write("data/values_2011.csv", text);
        let summary = study.run(&[]);
        assert_eq!(names(&summary, "ran").len(), 2, "{summary}");
        study.digests()["book"].clone()
    });
    assert_eq!(digests[0], digests[1]);
    assert_eq!(digests[0], digests[2]);
}
