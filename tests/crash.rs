//! What a study survives: the process killed at every instant at which something is half done, and at random ones; a full
//! disk, a store that cannot be written, damaged files, two runs at once, a clock that jumps. After each, the next run
//! gives exactly the digests of an undisturbed one, and nothing is left to clean up by hand.

use crate::support::{Study, names};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, SystemTime};

const PIPELINE: &str = "\
restudy: 1
study: {name: small}
sources:
  firms: {path: data/*.csv}
stages:
  firms: {kind: ingest, from: firms, layout: firms.yaml, key: [firm, year]}
  growth: {kind: sql, query: 'select firm, year, sales, lag(sales) over (partition by firm order by year) as before from firms', key: [firm, year]}
  total: {kind: sql, query: 'select year, sum(sales) as sales from growth group by year', key: [year]}
  exhibits: {kind: report, exhibits: exhibits.yaml, formats: [markdown], languages: [en]}
";

const LAYOUT: &str = "\
format: csv
columns:
  firm: {header: firm, type: text}
  year: {header: year, type: int}
  sales: {header: sales, type: float}
";

const EXHIBITS: &str = "\
exhibits:
  table1: {type: descriptive, label: Table 1, title: Sales, from: total, variables: {sales: Sales}}
";

fn study() -> Study {
    let firms = |year: i32| {
        let rows = (0..50).map(|firm| format!("f{firm:02},{year},{}.5\n", (firm * 7 + year) % 31));
        format!("firm,year,sales\n{}", rows.collect::<String>())
    };
    Study::new(&[
        ("pipeline.yaml", PIPELINE.as_bytes()),
        ("firms.yaml", LAYOUT.as_bytes()),
        ("exhibits.yaml", EXHIBITS.as_bytes()),
        ("data/2008.csv", firms(2008).as_bytes()),
        ("data/2009.csv", firms(2009).as_bytes()),
    ])
}

/// What an undisturbed run leaves: digests of tables, and the published files.
type Result = (BTreeMap<String, String>, Vec<(PathBuf, Vec<u8>)>);

fn result(study: &Study) -> Result {
    let root = study.path("");
    let published = study.snapshot("out").into_iter();
    let published = published.map(|(path, bytes)| (path.strip_prefix(&root).expect("inside").to_path_buf(), bytes));
    (study.digests(), published.collect())
}

fn undisturbed() -> Result {
    let study = study();
    study.run(&[]);
    result(&study)
}

/// The next run works, gives the right result, and leaves no unfinished work.
fn recovers(study: &Study, expected: &Result, what: &str) {
    let done = study.restudy(&["run", "--json"]);
    assert_eq!(done.code, 0, "{what}: {}", done.stderr);
    assert!(result(study) == *expected, "{what}: another result");
    assert!(study.snapshot(".restudy/tmp").is_empty(), "{what}: {:?}", study.snapshot(".restudy/tmp").keys());
}

/// Printed although the test passes: libtest only captures what goes through the macros.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[test]
fn killed_at_every_instant() {
    let expected = undisturbed();
    let mut instants = 0;
    loop {
        let study = study();
        let at = (instants + 1).to_string();
        let done = study.restudy_with(&["run", "-j", "1"], &[("RESTUDY_CRASH_AT", &at)]);
        if done.code == 0 {
            break;
        }
        instants += 1;
        recovers(&study, &expected, done.stderr.lines().last().unwrap_or("no instant"));
    }
    assert!(instants > 40, "only {instants} instants: the steps are no longer marked");
    say(&format!("crash: killed at each of {instants} instants; each time the next run gave the same digests"));
}

#[test]
fn killed_at_random() {
    let expected = undisturbed();
    let study = study();
    let mut kills = 0;
    // A multiplicative generator: the same instants every time the machine is equally fast.
    let mut random: u64 = 20_260_101;
    for turn in 1..=80 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let mut child = Command::new(env!("CARGO_BIN_EXE_restudy"))
            .arg("run")
            .current_dir(study.path(""))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts");
        thread::sleep(Duration::from_micros((random >> 33) % 40_000));
        if child.try_wait().expect("a child").is_none() {
            kills += 1;
        }
        let _ = child.kill();
        child.wait().expect("a child");
        if turn % 4 == 0 {
            recovers(&study, &expected, "a random instant");
            for name in [".restudy", "out"] {
                fs::remove_dir_all(study.path(name)).expect("there");
            }
        }
    }
    recovers(&study, &expected, "the last random instant");
    say(&format!("crash: killed at {kills} random instants"));
}

#[test]
fn a_full_disk_and_one_that_cannot_be_written() {
    let expected = undisturbed();
    let study = study();
    let disk = study.path(".restudy");
    fs::create_dir_all(&disk).expect("made");
    let mount = |options: &str| {
        let status = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(&disk).output();
        status.is_ok_and(|output| output.status.success())
    };
    if !mount("size=96k") {
        say("crash: no small disk can be mounted here; the full disk was not tried");
        return;
    }
    let unmount = Unmount(disk.clone());
    let done = study.restudy(&["run"]);
    assert_eq!(done.code, 1, "{}", done.stderr);
    assert!(done.stderr.contains("make room on this disk"), "{}", done.stderr);
    assert!(!study.path("out").exists(), "something was published");
    assert!(mount("remount,size=64m"));
    recovers(&study, &expected, "a full disk");

    assert!(mount("remount,ro"));
    let done = study.restudy(&["show", "total", "--format", "csv"]);
    assert_eq!((done.code, done.stdout.lines().count()), (0, 3), "{}", done.stderr);
    assert_eq!(study.restudy(&["run"]).code, 0, "nothing to do needs no writing");
    study.edit("pipeline.yaml", "sum(sales)", "max(sales)");
    let done = study.restudy(&["run"]);
    assert_eq!(done.code, 1, "{}", done.stderr);
    assert!(done.stderr.contains("Read-only file system"), "{}", done.stderr);
    study.edit("pipeline.yaml", "max(sales)", "sum(sales)");
    assert!(mount("remount,rw"));
    recovers(&study, &expected, "a disk that could not be written");
    drop(unmount);
}

struct Unmount(PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn damaged_files_in_the_store() {
    let expected = undisturbed();
    let files = |study: &Study, folder: &str| -> Vec<PathBuf> { study.snapshot(folder).into_keys().collect() };
    let flip = |path: &PathBuf| {
        let mut bytes = fs::read(path).expect("a file");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::remove_file(path).expect("removed");
        fs::write(path, bytes).expect("written");
    };
    let cut = |path: &PathBuf| {
        let length = fs::metadata(path).expect("a file").len();
        File::options().write(true).open(path).and_then(|file| file.set_len(length / 2)).expect("cut");
    };
    // Force what is below the damage to read it.
    let read_all = |study: &Study| {
        study.edit("pipeline.yaml", "sum(sales)", "max(sales)");
        assert_eq!(study.restudy(&["run"]).code, 0);
        study.edit("pipeline.yaml", "max(sales)", "sum(sales)");
        fs::remove_dir_all(study.path("out")).expect("there");
    };
    type Damage<'d> = &'d dyn Fn(&Study);
    let cases: [(&str, Damage); 4] = [
        ("a flipped bit in every blob", &|study| files(study, ".restudy/store/blobs").iter().for_each(flip)),
        ("every record cut in half", &|study| files(study, ".restudy/store/records").iter().for_each(cut)),
        ("a torn index", &|study| cut(&study.path(".restudy/state.db"))),
        ("an index of noise", &|study| study.write(".restudy/state.db", vec![7; 9000])),
    ];
    for (what, damage) in cases {
        let study = study();
        study.run(&[]);
        damage(&study);
        read_all(&study);
        recovers(&study, &expected, what);
    }
}

#[test]
fn two_runs_at_once() {
    let expected = undisturbed();
    let study = study();
    let done = thread::scope(|scope| {
        let runs = [0, 1, 2].map(|_| scope.spawn(|| study.run(&[])));
        runs.map(|run| run.join().expect("no panic"))
    });
    let mut ran: Vec<String> = done.iter().flat_map(|summary| names(summary, "ran")).collect();
    ran.sort();
    let mut once = ran.clone();
    once.dedup();
    assert_eq!(ran, once, "something was made twice");
    assert_eq!(ran.len(), 6);
    recovers(&study, &expected, "three runs at once");
}

#[test]
fn a_clock_that_jumps() {
    let expected = undisturbed();
    let study = study();
    let path = study.path("data/2009.csv");
    let stamp = |days: i64| {
        let day = Duration::from_secs(86_400 * days.unsigned_abs());
        let time = if days < 0 { SystemTime::now() - day } else { SystemTime::now() + day };
        File::options().write(true).open(&path).and_then(|file| file.set_modified(time)).expect("set");
    };
    let original = study.read("data/2009.csv");
    let other = original.replace("f00,2009,25.5", "f00,2009,26.5");
    assert_ne!(original, other);
    stamp(3);
    study.run(&[]);
    // The same length, and a time before the one that was seen.
    study.write("data/2009.csv", &other);
    stamp(-3);
    assert!(names(&study.run(&[]), "ran").contains(&"total".to_string()), "an older file was taken for the same");
    study.write("data/2009.csv", &original);
    stamp(-3);
    recovers(&study, &expected, "a clock that jumped");
}
