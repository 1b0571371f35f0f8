//! Rows in pieces, in order and not, in much memory and little: the bytes of the table written at once.

use super::*;
use crate::columns::{Column, Table, Values};
use crate::write;

const COLUMNS: [(&str, ColumnType); 6] = [
    ("id", ColumnType::Text),
    ("year", ColumnType::Int),
    ("x", ColumnType::Float),
    ("day", ColumnType::Date),
    ("flag", ColumnType::Bool),
    ("file", ColumnType::Text),
];

fn columns() -> Vec<(String, ColumnType)> {
    COLUMNS.iter().map(|(name, kind)| (name.to_string(), *kind)).collect()
}

fn key() -> Vec<String> {
    ["year", "id"].map(str::to_string).to_vec()
}

/// Row numbers to values; the key rises with them.
fn table(rows: &[i64]) -> Table {
    let column = |name: &str, values: Values| Column { name: name.to_string(), values };
    let each = |value: &dyn Fn(i64) -> Option<i64>| rows.iter().map(|row| value(*row)).collect::<Vec<_>>();
    let id = |row: &i64| (*row >= 0).then(|| format!("城{row:08}"));
    Table {
        columns: vec![
            column("id", Values::Text(rows.iter().map(id).collect())),
            column("year", Values::Int(each(&|row| Some(row / 50_000)))),
            column("x", Values::Float(rows.iter().map(|row| (row % 3 != 0).then_some(*row as f64 / 4.0)).collect())),
            column("day", Values::Date(rows.iter().map(|row| (row % 5 != 0).then_some(*row as i32)).collect())),
            column("flag", Values::Bool(rows.iter().map(|row| (row % 7 != 0).then_some(row % 2 == 0)).collect())),
            column("file", Values::Text(vec![Some("档.csv".to_string()); rows.len()])),
        ],
    }
}

fn piece(rows: &[i64]) -> Piece {
    let packed = table(rows).columns.into_iter().map(|column| match (column.name.as_str(), column.values) {
        ("file", _) => Packed::Same("档.csv".to_string()),
        (_, Values::Bool(values)) => Packed::Bool(values),
        (_, Values::Int(values)) => Packed::Int(values),
        (_, Values::Float(values)) => Packed::Float(values),
        (_, Values::Date(values)) => Packed::Date(values),
        (_, Values::Text(values)) => {
            let (mut text, mut ends) = (String::new(), vec![0]);
            for value in &values {
                text.push_str(value.as_deref().unwrap_or_default());
                ends.push(text.len() as i32);
            }
            let present = values.iter().map(Option::is_some).collect();
            Packed::Text(Texts { text, ends, present })
        }
    });
    Piece { rows: rows.len(), columns: packed.collect() }
}

/// Information and bytes of two tables made of these rows: one with all columns, one with the key and the file.
fn written(rows: &[i64], size: usize, memory: Option<u64>) -> Result<Vec<(TableInfo, Vec<u8>)>, TableError> {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second) = (folder.path().join("1"), folder.path().join("2"));
    let (columns, key) = (columns(), key());
    let tables = [(first.as_path(), (0..6).collect()), (second.as_path(), vec![0, 1, 5])];
    let plan = Plan { columns: &columns, key: &key, tables: &tables, memory };
    let mut pieces = rows.chunks(size);
    let infos = write(&plan, || Ok::<_, TableError>(pieces.next().map(piece)));
    let left = fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, if infos.is_ok() { 2 } else { 0 }, "whole files and nothing else");
    let bytes = [first, second].map(|path| fs::read(path).unwrap_or_default());
    Ok(infos?.into_iter().zip(bytes).collect())
}

fn at_once(rows: &[i64]) -> Vec<(TableInfo, Vec<u8>)> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("t");
    let all = table(rows);
    let some = Table { columns: [0, 1, 5].map(|place: usize| all.columns[place].clone()).to_vec() };
    [all, some]
        .iter()
        .map(|table| {
            let info = write::write(&path, table, &key()).expect("written");
            (info, fs::read(&path).expect("bytes"))
        })
        .collect()
}

#[test]
fn neither_pieces_nor_order_nor_memory_change_a_table() {
    let rows: Vec<i64> = (0..200_000).collect();
    let expected = at_once(&rows);
    let shuffled: Vec<i64> = rows.iter().map(|row| (row * 7919 + 13) % 200_000).collect();
    // The last row belongs to the front: all others are written, then read again.
    let mut late = rows[1..].to_vec();
    late.push(0);
    for (what, rows) in [("in order", &rows), ("shuffled", &shuffled), ("late", &late)] {
        for size in [777, 65_536, 300_000] {
            for memory in [None, Some(16 << 20)] {
                let found = written(rows, size, memory).expect("written");
                assert!(found == expected, "{what}, pieces of {size}, {memory:?} bytes");
            }
        }
    }
    assert!(written(&[], 10, None).expect("written") == at_once(&[]));
}

#[test]
fn a_key_that_does_not_hold_is_found_wherever_its_rows_stand() {
    let mut rows: Vec<i64> = (0..150_000).collect();
    rows.push(3);
    rows.push(149_999);
    let message =
        "the key [year, id] is not unique: 2 values repeated: (0, 城00000003) has 2 rows, (2, 城00149999) has 2 rows";
    for memory in [None, Some(16 << 20)] {
        assert_eq!(written(&rows, 65_536, memory).expect_err(message).to_string(), message);
    }
    let beside = [0, 1, 1, 2];
    for size in 1..5 {
        let message = "the key [year, id] is not unique: 1 value repeated: (0, 城00000001) has 2 rows";
        assert_eq!(written(&beside, size, None).expect_err(message).to_string(), message);
    }
    let message = "the key column `id` is null in 1 row";
    assert_eq!(written(&[1, 2, -1], 2, None).expect_err(message).to_string(), message);
}

#[test]
fn an_error_of_the_source_ends_the_writing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("t");
    let (columns, key) = (columns(), key());
    let tables = [(path.as_path(), (0..6).collect())];
    let plan = Plan { columns: &columns, key: &key, tables: &tables, memory: None };
    let stopped = || TableError::DoubleColumn { column: "stopped".to_string() };
    for order in [[1, 2, 3], [3, 2, 1]] {
        let mut rows = order.iter();
        let error = write(&plan, || rows.next().map(|row| Some(piece(&[*row]))).ok_or_else(stopped));
        assert!(matches!(error.expect_err("stopped"), TableError::DoubleColumn { .. }));
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
    }
    let mut short = piece(&[1, 2]);
    short.columns[1] = Packed::Int(vec![Some(1)]);
    let mut pieces = vec![short];
    let error = write(&plan, || Ok::<_, TableError>(pieces.pop())).expect_err("too short");
    assert_eq!(error.to_string(), "column `year` has 1 rows where the others have 2");
    let mut wrong = piece(&[1]);
    wrong.columns[0] = Packed::Text(Texts { text: "abc".to_string(), ends: vec![0, 2], present: Vec::new() });
    let mut pieces = vec![wrong];
    let error = write(&plan, || Ok::<_, TableError>(pieces.pop())).expect_err("ends");
    assert!(error.to_string().contains("the ends of its texts do not rise"), "{error}");
}
