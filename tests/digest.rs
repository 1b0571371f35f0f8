//! Digests as another program computes them: `tests/digest/digest.py`, written from `docs/digest.md` alone. It looks at the
//! vectors and at every table in the store of a small study. Skipped, and said so, where Python cannot; with `RESTUDY_PYTHON`
//! (an interpreter with pyarrow and blake3) it must.

use crate::support::{Study, python, root};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const PIPELINE: &str = "\
restudy: 1
study: {name: digests}
sources:
  cities: {path: cities.csv}
stages:
  cities: {kind: ingest, from: cities, layout: layout.yaml, key: [city, year]}
  types: {kind: sql, key: [year, city], query: \"select city, year, gdp, gdp > 1 as rich, nullif(note, '') as note,
    date_trunc('month', date '1969-12-31') as day, gdp / nullif(gdp - 1, 0) as ratio from cities\"}
  many: {kind: sql, key: [id], file: many.sql}
  none: {kind: sql, key: [city], query: \"select city, gdp, note from cities where gdp < 0\"}
  score: {kind: index, from: cities, method: equal, key: [city, year], indicators: {gdp: \"+\", share: \"-\"}}
";

const LAYOUT: &str = "\
format: csv
columns:
  city: {header: city, type: text}
  year: {header: year, type: int}
  gdp: {header: gdp, type: float}
  share: {header: share, type: float}
  note: {header: note, type: text}
";

const CITIES: &str = "\
city,year,gdp,share,note
北京,2008,2.5,0.1,
北京,2007,,0.2,资源型
上海,2007,1,0.3,
襄阳,2007,-0.0,0.4,\"a, b\"
";

/// 160,000 rows: more than two blocks.
const MANY: &str = "\
with digits as (select column1 as d from (values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12), (13), (14), (15), (16), (17), (18), (19))),
numbers as (select a.d + 20 * b.d + 400 * c.d + 8000 * e.d as n from digits a, digits b, digits c, digits e)
select 80000 - n as id, nullif(n % 7, 3) as some, n / 3.0 as third, case when n % 5 > 0 then concat('城市', n % 1000) end as name,
  n % 3 = 0 as flag, nullif(n % 11, 0) > 5 as maybe
from numbers
";

fn study() -> Study {
    let study = Study::new(&[
        ("pipeline.yaml", PIPELINE.as_bytes()),
        ("layout.yaml", LAYOUT.as_bytes()),
        ("cities.csv", CITIES.as_bytes()),
        ("many.sql", MANY.as_bytes()),
    ]);
    study.run(&[]);
    study
}

#[test]
fn python_computes_the_vectors() {
    let Some(python) = python("digest", &["pyarrow", "blake3"]) else { return };
    let done = Command::new(python).arg(script()).arg("vectors").output().expect("Python starts");
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{said}");
    assert!(said.starts_with("12 tables, 0 digests differ"), "{said}");
}

#[test]
fn python_computes_the_digests_of_the_tables_in_the_store() {
    let Some(python) = python("digest", &["pyarrow", "blake3"]) else { return };
    let study = study();
    let mut lines = String::new();
    let (mut names, mut digests) = (BTreeSet::new(), BTreeSet::new());
    for record in study.snapshot(".restudy/store/records").values() {
        let record: serde_json::Value = serde_json::from_slice(record).expect("a record");
        for table in record["tables"].as_array().expect("tables") {
            let blob = table["blob"].as_str().expect("a digest");
            let path = study.path(&format!(".restudy/store/blobs/{}/{}", &blob[..2], &blob[2..]));
            assert!(path.is_file(), "{}", path.display());
            let line = serde_json::json!({
                "name": table["name"], "path": path, "key": table["key"], "digest": table["digest"],
            });
            lines.push_str(&format!("{line}\n"));
            names.insert(table["name"].as_str().expect("a name").to_string());
            digests.insert(table["digest"].as_str().expect("a digest").to_string());
        }
    }
    // What the user is shown is what was checked.
    for (name, digest) in study.digests() {
        assert!(digests.contains(&digest), "the digest of `{name}` is in no record");
    }
    assert!(names.len() >= 8, "{names:?}");
    let (code, said) = check(&python, &lines);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains(" tables, 0 digests differ"), "{said}");

    // And it would notice.
    let digest = digests.first().expect("a digest");
    let (code, said) = check(&python, &lines.replace(digest.as_str(), &"0".repeat(64)));
    assert_eq!(code, 1, "{said}");
}

/// Exit code and output of `digest.py check` on these lines.
fn check(python: &Path, lines: &str) -> (i32, String) {
    let mut command = Command::new(python);
    command.arg(script()).arg("check").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("Python starts");
    child.stdin.take().expect("a pipe").write_all(lines.as_bytes()).expect("written");
    let done = child.wait_with_output().expect("Python ends");
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    (done.status.code().unwrap_or(-1), said)
}

fn script() -> PathBuf {
    root().join("tests/digest/digest.py")
}
