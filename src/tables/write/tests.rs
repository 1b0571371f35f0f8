//! Tables written from rows in any order, in any pieces, in memory and from disk: the same bytes and the same errors.

use super::*;
use crate::columns::{Column, Values};
use crate::gather::Gathered;
use crate::session;
use datafusion::arrow::array::{Float64Array, Int64Array, UInt64Array};
use datafusion::arrow::compute;
use datafusion::datasource::MemTable;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::parquet::file::reader::{FileReader, SerializedFileReader};
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::TryStreamExt;
use std::io::Write;

fn table(columns: Vec<(&str, Values)>) -> Table {
    let columns = columns.into_iter().map(|(name, values)| Column { name: name.to_string(), values });
    Table::new(columns.collect()).expect("a table")
}

fn texts(values: &[&str]) -> Values {
    Values::Text(values.iter().map(|value| Some(value.to_string())).collect())
}

fn ints(values: &[i64]) -> Values {
    Values::Int(values.iter().copied().map(Some).collect())
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| name.to_string()).collect()
}

#[test]
fn the_order_of_rows_given_does_not_matter() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second) = (folder.path().join("1"), folder.path().join("2"));
    let key = names(&["city", "year"]);
    let floats = |values: &[f64]| Values::Float(values.iter().copied().map(Some).collect());
    let one = write(
        &first,
        &table(vec![("city", texts(&["b", "a", "a"])), ("year", ints(&[1, 2, 1])), ("x", floats(&[0.0, 2.0, 3.0]))]),
        &key,
    );
    let other = write(
        &second,
        &table(vec![("city", texts(&["a", "b", "a"])), ("year", ints(&[1, 1, 2])), ("x", floats(&[3.0, -0.0, 2.0]))]),
        &key,
    );
    assert_eq!(one.expect("written"), other.expect("written"));
    assert_eq!(fs::read(&first).expect("bytes"), fs::read(&second).expect("bytes"));
    let rows = read::read(&first, None).expect("read");
    assert_eq!(rows.columns[2].values, floats(&[3.0, 2.0, 0.0]));
}

#[test]
fn the_rows_digest_follows_the_key_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let digest = |ids: &[i64], values: &[i64], key: &str| {
        let table = table(vec![("id", ints(ids)), ("x", ints(values))]);
        write(&folder.path().join("t"), &table, &names(&[key])).expect("written").rows_digest
    };
    let base = digest(&[1, 2], &[5, 6], "id");
    assert_eq!(digest(&[1, 2], &[7, 8], "id"), base);
    assert_ne!(digest(&[1, 3], &[5, 6], "id"), base);
    assert_ne!(digest(&[5, 6], &[1, 2], "x"), base);
}

#[test]
fn rows_that_cannot_be_kept_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let city = || texts(&["a", "a", "b", "c", "c", "c"]);
    for (columns, key, expected, rows) in [
        (
            vec![("x", ints(&[1, 2, 3, 4, 5, 6])), ("city", city())],
            names(&["city"]),
            "the key [city] is not unique: 2 values repeated: (a) has 2 rows, (c) has 3 rows",
            5,
        ),
        (
            vec![("city", city()), ("year", Values::Int(vec![Some(1), Some(2), None, Some(1), Some(2), None]))],
            names(&["city", "year"]),
            "the key column `year` is null in 2 rows",
            2,
        ),
        (
            vec![("id", ints(&[1, 2, 3])), ("x", Values::Float(vec![Some(f64::NAN), None, Some(f64::NEG_INFINITY)]))],
            names(&["id"]),
            "column `x` is not finite (NaN or infinity) in 2 rows: (1), (3)",
            2,
        ),
        (vec![("id", ints(&[1]))], names(&["city"]), "no column `city`; there are [id]", 0),
    ] {
        let error = write(&folder.path().join("t"), &table(columns), &key).expect_err(expected);
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.rows().map_or(0, Table::rows), rows, "{expected}");
        assert!(error.rows().is_none_or(|rows| rows.columns[0].name == key[0]), "the key comes first");
    }
    assert!(!folder.path().join("t").exists());
}

#[test]
fn parts_are_put_below_each_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second, out) = (folder.path().join("1"), folder.path().join("2"), folder.path().join("out"));
    let key = names(&["term"]);
    write(&first, &table(vec![("term", texts(&["x"])), ("b", ints(&[1]))]), &key).expect("written");
    write(&second, &table(vec![("term", texts(&["x"])), ("note", texts(&["n"]))]), &key).expect("written");
    let prefix = |value: &str| vec![("outcome".to_string(), value.to_string())];
    let parts = [Part { path: &first, prefix: prefix("q") }, Part { path: &second, prefix: prefix("p") }];
    let info = concat(&parts, true, &names(&["outcome", "term"]), &out).expect("written");
    assert_eq!(info.rows, 2);
    let expected = table(vec![
        ("outcome", texts(&["p", "q"])),
        ("term", texts(&["x", "x"])),
        ("b", Values::Int(vec![None, Some(1)])),
        ("note", Values::Text(vec![Some("n".to_string()), None])),
    ]);
    assert_eq!(read::read(&out, None).expect("read"), expected);

    let last = concat(&parts, false, &names(&["outcome"]), &out).expect("written");
    let order: Vec<&str> = last.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(order, ["term", "b", "outcome", "note"]);

    let clash = [Part { path: &first, prefix: vec![("b".to_string(), "z".to_string())] }];
    let error = concat(&clash, true, &key, &out).expect_err("two columns of one name");
    assert_eq!(error.to_string(), "two columns are called `b`");

    write(&second, &table(vec![("term", texts(&["x"])), ("b", texts(&["1"]))]), &key).expect("written");
    let error = concat(&parts, true, &key, &out).expect_err("two types");
    assert_eq!(error.to_string(), "column `b` is int in `outcome=q` and text in `outcome=p`");
}

/// Rows with every type, missing values, and a key of two columns that is in another order than the rows.
fn many(rows: i64) -> RecordBatch {
    let scattered = |row: i64| row * 7919 % rows;
    let text = |row: i64| (row % 5 != 0).then(|| format!("城市 {}", row % 1000));
    let column = |name: &str, values: Values| Column { name: name.to_string(), values };
    let table = Table {
        columns: vec![
            column("x", Values::Float((0..rows).map(|row| (row % 7 != 3).then(|| row as f64 / 8.0 - 3.0)).collect())),
            column("id", Values::Text((0..rows).map(|row| Some(format!("CN{:07}", scattered(row)))).collect())),
            column("year", Values::Int((0..rows).map(|row| Some(scattered(row) % 30)).collect())),
            column("flag", Values::Bool((0..rows).map(|row| (row % 3 != 1).then_some(row % 2 == 0)).collect())),
            column("day", Values::Date((0..rows).map(|row| (row % 4 != 2).then_some(row as i32 - 1000)).collect())),
            column("name", Values::Text((0..rows).map(text).collect())),
        ],
    };
    arrow::from_table(&table).expect("a batch")
}

fn cut(batch: &RecordBatch, size: usize) -> Vec<RecordBatch> {
    let starts = (0..batch.num_rows()).step_by(size);
    starts.map(|start| batch.slice(start, size.min(batch.num_rows() - start))).collect()
}

/// The same rows in another order.
fn shuffled(batch: &RecordBatch) -> RecordBatch {
    let rows = batch.num_rows() as u64;
    let order = UInt64Array::from_iter_values((0..rows).map(|row| (row * 104_729 + 17) % rows));
    assert_eq!(order.values().iter().collect::<std::collections::BTreeSet<_>>().len() as u64, rows);
    compute::take_record_batch(batch, &order).expect("the same rows")
}

/// The same values in other Arrow types.
fn dressed(batch: &RecordBatch) -> RecordBatch {
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, array)| {
        let wanted = match field.name().as_str() {
            "id" => DataType::Utf8View,
            "year" => DataType::UInt8,
            "name" => dictionary.clone(),
            _ => array.data_type().clone(),
        };
        (field.name().clone(), compute::cast(array, &wanted).expect("cast"))
    });
    RecordBatch::try_from_iter(columns.collect::<Vec<_>>()).expect("a batch")
}

/// Information and bytes of the table that these rows become.
fn written(batches: Vec<RecordBatch>, key: &[String], threads: usize) -> Result<(TableInfo, Vec<u8>), TableError> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("t");
    let target = Target { threads, ..Target::new(&path, key, &batches[0].schema())? };
    let info = target.write(Rows::Whole(batches), || Ok(()));
    assert_eq!(path.exists(), info.is_ok(), "a file is there only if it is whole");
    Ok((info?, fs::read(&path).expect("bytes")))
}

/// The same from the partitions of a query that may hold `memory` bytes, and whether it had to sort on disk.
fn queried(
    partitions: Vec<Vec<RecordBatch>>,
    key: &[String],
    memory: usize,
) -> (Result<(TableInfo, Vec<u8>), TableError>, bool) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("t");
    let schema = partitions[0][0].schema();
    let config = SessionConfig::new().with_target_partitions(partitions.len()).with_batch_size(1000);
    // Of its memory, for the last step of a sort on disk.
    let config = config.with_sort_spill_reservation_bytes(1 << 20);
    let runtime = RuntimeEnvBuilder::new().with_memory_limit(memory, 1.0).build_arc().expect("a runtime");
    let context = SessionContext::new_with_config_rt(config, runtime);
    let target = Target { threads: partitions.len(), ..Target::new(&path, key, &schema).expect("a target") };
    let table = MemTable::try_new(schema, partitions).expect("a table");
    let gathered = session::block_on(async {
        let plan = context.read_table(Arc::new(table)).expect("a table").create_physical_plan().await.expect("a plan");
        gather::gather(plan, &target.key_columns, context.task_ctx()).await.expect("rows")
    });
    let (info, on_disk) = match gathered.expect("a runtime") {
        Gathered::Whole(batches, _) => (target.write(Rows::Whole(batches), || Ok(())), false),
        Gathered::Sorted(mut rows) => {
            let next = || Ok(session::block_on(rows.try_next()).expect("a runtime").expect("rows"));
            (target.write(Rows::Sorted(Box::new(next)), || Ok(())), true)
        }
    };
    assert_eq!(path.exists(), info.is_ok(), "a file is there only if it is whole");
    (info.map(|info| (info, fs::read(&path).expect("bytes"))), on_disk)
}

#[test]
fn a_file_depends_on_its_values_alone() {
    let rows = 150_001;
    let key = names(&["year", "id"]);
    let batch = many(rows);
    let expected = written(vec![batch.clone()], &key, 1).expect("written");
    assert_eq!(expected.0.rows, rows as u64);
    let other = shuffled(&batch);
    for (what, batches) in [
        ("small batches", cut(&batch, 1000)),
        ("another order", cut(&other, 8192)),
        ("other types", cut(&dressed(&other), 3333)),
        ("one row short of a block", cut(&other, BLOCK - 1)),
    ] {
        for threads in [1, 2, 8] {
            assert!(written(batches.clone(), &key, threads).expect("written") == expected, "{what}, {threads} threads");
        }
    }
    // Written by key, it is read by key; then nothing is left to sort.
    let sorted = {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t");
        fs::write(&path, &expected.1).expect("bytes");
        read::batch(&path, None).expect("read")
    };
    assert!(written(cut(&sorted, 777), &key, 8).expect("written") == expected, "in order");

    for (partitions, memory, on_disk) in
        [(1, 1 << 30, false), (8, 1 << 30, false), (1, 16 << 20, true), (8, 16 << 20, true)]
    {
        for batch in [&batch, &dressed(&other)] {
            let batches = cut(batch, 1000);
            let parts = batches.chunks(batches.len().div_ceil(partitions)).map(<[RecordBatch]>::to_vec).collect();
            let (found, spilled) = queried(parts, &key, memory);
            assert!(found.expect("written") == expected, "{partitions} partitions in {memory} bytes");
            assert_eq!(spilled, on_disk, "{partitions} partitions in {memory} bytes");
        }
    }
}

#[test]
fn row_groups_end_after_a_number_of_rows_or_of_bytes_whatever_the_pieces() {
    let rows = 16 * BLOCK + 5;
    let numbers = RecordBatch::try_from_iter([(
        "id",
        Arc::new(Int64Array::from_iter_values((0..rows as i64).rev())) as ArrayRef,
    )]);
    let long = "长".repeat(2000);
    let texts = (0..2 * BLOCK).map(|row| if row < BLOCK { long.as_str() } else { "short" });
    let texts = RecordBatch::try_from_iter([("id", Arc::new(StringArray::from_iter_values(texts)) as ArrayRef)]);
    for (batch, key, groups) in [
        (numbers.expect("a batch"), names(&["id"]), vec![16 * BLOCK as i64, 5]),
        (texts.expect("a batch"), vec![], vec![BLOCK as i64, BLOCK as i64]),
    ] {
        let expected = written(vec![batch.clone()], &key, 2).expect("written");
        assert!(written(cut(&batch, 10_007), &key, 1).expect("written") == expected);
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(&expected.1).expect("written");
        let reader = SerializedFileReader::new(file).expect("Parquet");
        let found: Vec<i64> = reader.metadata().row_groups().iter().map(|group| group.num_rows()).collect();
        assert_eq!(found, groups);
    }
}

/// Two rows of one key stand on both sides of a block's border, and the same few are shown however they come.
#[test]
fn errors_do_not_depend_on_the_pieces() {
    let rows = 140_000_i64;
    let key = names(&["id"]);
    // Each of 3 keys has several rows that differ elsewhere; one of them spans the border between two blocks.
    let border = BLOCK as i64;
    let id = |row: i64| match row {
        row if (border - 2..border + 3).contains(&row) => border,
        row if (10..12).contains(&row) => 10,
        row if row >= rows - 2 => rows,
        row => row,
    };
    let batch = |id: &dyn Fn(i64) -> Option<i64>, x: &dyn Fn(i64) -> f64| {
        let ids: ArrayRef = Arc::new(Int64Array::from_iter((0..rows).map(id)));
        let values: ArrayRef = Arc::new(Float64Array::from_iter_values((0..rows).map(x)));
        RecordBatch::try_from_iter([("x", values), ("id", ids)]).expect("a batch")
    };
    let x = |row: i64| -(row as f64);
    let cases = [
        (
            batch(&|row| Some(id(row)), &x),
            "the key [id] is not unique: 3 values repeated: (10) has 2 rows, (65536) has 5 rows, (140000) has 2 rows",
            vec!["(10, -11)", "(10, -10)", "(65536, -65538)", "(65536, -65537)", "(65536, -65536)"],
        ),
        (
            batch(&|row| (row % 20_000 != 7).then_some(row), &x),
            "the key column `id` is null in 7 rows",
            vec!["(null, -120007)", "(null, -100007)", "(null, -80007)", "(null, -60007)", "(null, -40007)"],
        ),
        (
            batch(&|row| Some(row), &|row| if row % 20_000 == 7 { f64::INFINITY } else { x(row) }),
            "column `x` is not finite (NaN or infinity) in 7 rows: (7), (20007), (40007), (60007), (80007), …",
            vec!["(7, inf)", "(20007, inf)", "(40007, inf)", "(60007, inf)", "(80007, inf)"],
        ),
        // A repeated key is said first: with it, which value is the first is left to chance.
        (
            batch(&|row| Some(row.max(1)), &|row| if row == 0 { f64::NAN } else { x(row) }),
            "the key [id] is not unique: 1 value repeated: (1) has 2 rows",
            vec!["(1, -1)", "(1, NaN)"],
        ),
    ];
    for (batch, message, shown) in cases {
        let other = shuffled(&batch);
        let mut errors = Vec::new();
        for batches in [vec![batch.clone()], cut(&other, 8192), cut(&other, 999)] {
            errors.extend([1, 8].map(|threads| written(batches.clone(), &key, threads).expect_err(message)));
            let parts: Vec<_> = batches.chunks(batches.len().div_ceil(8)).map(<[RecordBatch]>::to_vec).collect();
            for memory in [1 << 30, 11 << 20] {
                errors.push(queried(parts.clone(), &key, memory).0.expect_err(message));
            }
        }
        for error in errors {
            assert_eq!(error.to_string(), message);
            let rows = error.rows().expect("rows");
            let found: Vec<String> = (0..rows.rows()).map(|row| rows.row_text(&names(&["id", "x"]), row)).collect();
            assert_eq!(found, shown, "{message}");
        }
    }
}

#[test]
fn what_does_not_fit_is_the_first_by_key_and_counted() {
    let times = |rows: std::ops::Range<i64>| {
        let late = |row: i64| if row % 1000 == 999 { row * 86_400 + 1 } else { row * 86_400 };
        let array = datafusion::arrow::array::TimestampSecondArray::from_iter_values(rows.map(late));
        Arc::new(array) as ArrayRef
    };
    let large = |rows: std::ops::Range<i64>| {
        let value = |row: i64| if row % 1000 == 999 { u64::MAX - row as u64 } else { 0 };
        Arc::new(UInt64Array::from_iter_values(rows.map(value))) as ArrayRef
    };
    let rows = 100_000;
    let id: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
    for (array, message) in [
        (
            times(0..rows),
            "column `x` has a time of day in 100 rows, the first 1972-09-26T00:00:01, and a date has none",
        ),
        (
            large(0..rows),
            "column `x` has a value that does not fit: Cast error: Can't cast value 18446744073709550616 to type Int64",
        ),
    ] {
        let batch = RecordBatch::try_from_iter([("id", id.clone()), ("x", array)]).expect("a batch");
        for batches in [vec![batch.clone()], cut(&shuffled(&batch), 1000)] {
            assert_eq!(written(batches, &names(&["id"]), 8).expect_err(message).to_string(), message);
        }
    }
}

#[test]
fn a_key_of_floats_has_one_zero() {
    let id = |values: Vec<f64>| Arc::new(Float64Array::from(values)) as ArrayRef;
    let year = |values: Vec<i64>| Arc::new(Int64Array::from(values)) as ArrayRef;
    let key = names(&["id", "year"]);
    let batch = RecordBatch::try_from_iter([("id", id(vec![0.0, -0.0, 1.0])), ("year", year(vec![1, 2, 0]))]);
    let (info, _) = written(vec![batch.expect("a batch")], &key, 1).expect("written");
    assert_eq!(info.rows, 3);
    let batch = RecordBatch::try_from_iter([("id", id(vec![0.0, -0.0])), ("year", year(vec![1, 1]))]);
    let error = written(vec![batch.expect("a batch")], &key, 1).expect_err("one key");
    assert_eq!(error.to_string(), "the key [id, year] is not unique: 1 value repeated: (0, 1) has 2 rows");
}

#[test]
fn a_write_that_is_stopped_or_fails_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("t");
    let batch = many(200_000);
    let key = names(&["id"]);
    let target = Target::new(&path, &key, &batch.schema()).expect("a target");
    let asked = std::cell::Cell::new(0);
    let go_on = || {
        asked.set(asked.get() + 1);
        if asked.get() < 3 { Ok(()) } else { Err(TableError::DoubleColumn { column: "stopped".to_string() }) }
    };
    let error = target.write(Rows::Whole(vec![batch.clone()]), go_on).expect_err("stopped");
    assert!(matches!(error, TableError::DoubleColumn { .. }) && !path.exists());

    let absent = folder.path().join("absent/t");
    let target = Target::new(&absent, &key, &batch.schema()).expect("a target");
    let error = target.write(Rows::Whole(vec![batch]), || Ok::<(), TableError>(())).expect_err("no folder");
    assert!(matches!(error, TableError::Write { .. }), "{error}");
}
