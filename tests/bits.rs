//! The same bits wherever the study is made: one thread or eight, one partition or sixteen, another locale, time zone,
//! folder and user. Another processor is tried by `bits/emulated.sh`.

use crate::support::{Study, root};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

const FILES: &[&str] = &["pipeline.yaml", "stages", "data"];

#[test]
fn every_table_is_the_same_however_the_study_is_made() {
    let plain = Study::copy(&root(), FILES);
    let done = plain.restudy_with(&["run", "-j", "1", "--partitions", "1"], &[("LC_ALL", "C"), ("TZ", "UTC")]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let expected = plain.digests();
    assert!(expected.keys().any(|table| table.ends_with(".coefficients")), "estimates are in");

    let other = Study::new(&[]);
    let folder = "研究/a long folder/with (signs) & blanks";
    for name in FILES {
        copy(&root().join(name), &other.path(folder).join(name));
    }
    let pipeline = format!("{folder}/pipeline.yaml");
    let environment = [
        ("LC_ALL", "tr_TR.UTF-8"),
        ("LANG", "zh_CN.GB18030"),
        ("TZ", "Asia/Kathmandu"),
        ("HOME", "/nonexistent"),
        ("USER", "someone"),
    ];
    let arguments = ["run", "--pipeline", &pipeline, "-j", "8", "--partitions", "16"];
    let done = other.restudy_with(&arguments, &environment);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_eq!(digests(&other.restudy(&["status", "--json", "--pipeline", &pipeline]).stdout), expected);
}

/// As another user, who owns nothing but the folder. Only root can become one.
#[cfg(unix)]
#[test]
fn every_table_is_the_same_for_another_user() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    use std::os::unix::process::CommandExt;
    const NOBODY: u32 = 65_534;

    let study = Study::copy(&root(), FILES);
    if fs::metadata(study.path("data")).expect("a folder").uid() != 0 {
        eprintln!("skipped: only root can run as another user");
        return;
    }
    assert_eq!(study.restudy(&["run"]).code, 0);
    let expected = study.digests();
    let other = Study::copy(&root(), FILES);
    // The folder of the build may be closed to others.
    let program = other.path("restudy");
    fs::copy(env!("CARGO_BIN_EXE_restudy"), &program).expect("copied");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("allowed");
    chown(other.path(""), Some(NOBODY), Some(NOBODY)).expect("given away");
    let run = |arguments: &[&str]| {
        let command = &mut Command::new(&program);
        command.args(arguments).current_dir(other.path("")).env_clear().uid(NOBODY).gid(NOBODY);
        let output = command.output().expect("the binary starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    run(&["run"]);
    assert_eq!(fs::metadata(other.path(".restudy")).expect("a folder").uid(), NOBODY);
    assert_eq!(digests(&run(&["status", "--json"])), expected);
}

fn digests(status: &str) -> BTreeMap<String, String> {
    let status: serde_json::Value = serde_json::from_str(status).expect("JSON");
    let stages = status["stages"].as_array().expect("stages");
    let tables = stages.iter().flat_map(|stage| stage["tables"].as_array().expect("tables"));
    let text = |value: &serde_json::Value| value.as_str().expect("text").to_string();
    tables.map(|table| (text(&table["name"]), text(&table["digest"]))).collect()
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).expect("made");
        for entry in fs::read_dir(from).expect("a folder") {
            let entry = entry.expect("an entry");
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::create_dir_all(to.parent().expect("a folder")).expect("made");
        fs::copy(from, to).expect("copied");
    }
}
