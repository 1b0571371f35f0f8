//! What runs and what does not, on studies of fake stages. A test is data: an edit, and the expected line.

use crate::error::EngineError;
use crate::fake;
use crate::partial;
use crate::schedule::{Event, Observer, RunOptions, Summary};
use crate::session::{self, Action, OpenOptions, Session};
use crate::snapshot::{self, Change};
use expect_test::{Expect, expect};
use std::fs;
use tempfile::TempDir;

struct Quiet;

impl Observer for Quiet {
    fn event(&self, _event: &Event) {}
}

struct Study(TempDir);

impl Study {
    fn new(pipeline: &str, files: &[(&str, &str)]) -> Study {
        let study = Study(tempfile::tempdir().expect("a temporary folder"));
        study.write("pipeline.yaml", &format!("restudy: 1\nstudy: {{name: test}}\n{pipeline}"));
        for (name, text) in files {
            study.write(name, text);
        }
        study
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).expect("the test folder can be written to");
    }

    fn edit(&self, from: &str, to: &str) {
        let path = self.0.path().join("pipeline.yaml");
        let text = fs::read_to_string(&path).expect("the pipeline");
        assert!(text.contains(from), "nothing to edit");
        fs::write(path, text.replace(from, to)).expect("the test folder can be written to");
    }

    fn options(&self) -> OpenOptions {
        OpenOptions { pipeline: Some(self.0.path().join("pipeline.yaml")), ..OpenOptions::default() }
    }

    fn open(&self) -> Result<Session, EngineError> {
        Session::open(fake::KINDS, &self.options())
    }

    fn run_with(&self, change: impl Fn(&mut RunOptions)) -> Summary {
        let mut options = RunOptions { jobs: 2, ..RunOptions::default() };
        change(&mut options);
        partial::run(fake::KINDS, &self.options(), &options, &Quiet).expect("the engine works")
    }

    fn check(&self, expected: Expect) {
        expected.assert_eq(&line(&self.run_with(|_| {})));
    }

    fn errors(&self) -> String {
        let error = self.open().err().expect("a wrong study");
        let lines = error.diagnostics().into_iter().map(|one| {
            let place = one.place.map_or(String::new(), |place| format!("{}:{} ", place.line, place.column));
            format!("{place}{}{}", one.message, one.hint.map_or(String::new(), |hint| format!(" [{hint}]")))
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

fn line(summary: &Summary) -> String {
    let list = |names: &[String]| if names.is_empty() { "-".to_string() } else { names.join(" ") };
    format!(
        "ran {}; kept {}; cut off {}; failed {}; skipped {}",
        list(&summary.ran),
        list(&summary.up_to_date),
        list(&summary.cut_off),
        list(&summary.failed),
        list(&summary.skipped),
    )
}

const CHAIN: &str = "
sources:
  raw: {path: raw.txt}
stages:
  clean: {kind: fake, file: raw}
  measure: {kind: fake, from: clean, reads: [x]}
  paper: {kind: fake, from: measure, text: done}
";

#[test]
fn nothing_reruns_without_a_reason() {
    let study = Study::new(CHAIN, &[("raw.txt", "x=1\ny=2\n")]);
    study.check(expect!["ran clean measure paper; kept -; cut off -; failed -; skipped -"]);
    study.check(expect!["ran -; kept clean measure paper; cut off -; failed -; skipped -"]);

    // The same bytes with a new time.
    study.write("raw.txt", "x=1\ny=2\n");
    study.check(expect!["ran -; kept clean measure paper; cut off -; failed -; skipped -"]);

    // A column that nobody reads.
    study.write("raw.txt", "x=1\ny=3\n");
    study.check(expect!["ran clean; kept paper; cut off measure; failed -; skipped -"]);

    study.write("raw.txt", "x=2\ny=3\n");
    study.check(expect!["ran clean measure paper; kept -; cut off -; failed -; skipped -"]);

    // Back to what was seen before: nothing to do, the results are still there.
    study.write("raw.txt", "x=1\ny=3\n");
    study.check(expect!["ran -; kept clean measure paper; cut off -; failed -; skipped -"]);
}

#[test]
fn comments_formatting_and_key_order_of_the_pipeline_change_nothing() {
    let study = Study::new(CHAIN, &[("raw.txt", "x=1\n")]);
    study.run_with(|_| {});
    study.edit("{kind: fake, from: clean, reads: [x]}", "# why\n    reads: [x]\n    from: clean\n    kind: 'fake'");
    study.edit("  measure: # why", "  measure:\n    # why");
    study.check(expect!["ran -; kept clean measure paper; cut off -; failed -; skipped -"]);
    study.edit("text: done", "text: finished");
    study.check(expect!["ran paper; kept clean measure; cut off -; failed -; skipped -"]);
}

#[test]
fn a_failure_keeps_what_is_done_and_stops_what_needs_it() {
    let study = Study::new(
        "stages:\n  a: {kind: fake, text: a}\n  b: {kind: fake, from: a, fail: true}\n  c: {kind: fake, from: b}\n  d: {kind: fake, from: a}\n",
        &[],
    );
    let summary = study.run_with(|options| options.keep_going = true);
    expect!["ran a d; kept -; cut off -; failed b; skipped c"].assert_eq(&line(&summary));
    study.edit(", fail: true", "");
    study.check(expect!["ran b c; kept a d; cut off -; failed -; skipped -"]);
}

#[test]
fn instances_of_a_matrix_are_cached_one_by_one() {
    let study = Study::new(
        "stages:\n  fit: {kind: fake, text: '${y}', matrix: {y: [a, b]}}\n  paper: {kind: fake, from: fit}\n",
        &[],
    );
    study.check(expect!["ran fit@y=a fit@y=b fit paper; kept -; cut off -; failed -; skipped -"]);
    study.edit("[a, b]", "[a, b, c]");
    study.check(expect!["ran fit@y=c fit paper; kept fit@y=a fit@y=b; cut off -; failed -; skipped -"]);
}

#[test]
fn force_runs_the_target_again_and_what_is_equal_stops_there() {
    let study = Study::new(CHAIN, &[("raw.txt", "x=1\n")]);
    study.run_with(|_| {});
    let summary = study.run_with(|options| {
        options.force = true;
        options.targets = vec!["measure".to_string()];
    });
    expect!["ran measure; kept clean; cut off -; failed -; skipped -"].assert_eq(&line(&summary));
    let unknown = study.open().expect("valid").pipeline.graph.closure(&["mesure".to_string()]).expect_err("a typo");
    assert_eq!(unknown.hint.as_deref(), Some("did you mean `measure`?"));
}

#[test]
fn a_deleted_store_or_index_only_costs_time() {
    let study = Study::new(CHAIN, &[("raw.txt", "x=1\n")]);
    let first = study.run_with(|_| {});
    let folder = study.0.path().join(".restudy");
    fs::remove_file(folder.join("state.db")).expect("there");
    study.check(expect!["ran -; kept clean measure paper; cut off -; failed -; skipped -"]);
    fs::remove_dir_all(folder.join("store/records")).expect("there");
    let again = study.run_with(|_| {});
    assert_eq!(first.ran, again.ran);
}

#[test]
fn results_of_another_version_of_what_all_kinds_rest_on_are_made_again_and_not_mixed() {
    let study = Study::new(CHAIN, &[("raw.txt", "x=1\n")]);
    let run = |version: &'static [(&'static str, u32)]| {
        // Another version is another program, and of that the snapshot says nothing.
        let _ = fs::remove_file(study.0.path().join(".restudy/snapshot"));
        let kinds = crate::kind::Kinds { versions: version, ..fake::KINDS };
        let options = RunOptions { jobs: 2, ..RunOptions::default() };
        line(&partial::run(kinds, &study.options(), &options, &Quiet).expect("the engine works"))
    };
    let all = "ran clean measure paper; kept -; cut off -; failed -; skipped -";
    assert_eq!(run(&[("digest", 1)]), all);
    assert_eq!(run(&[("digest", 2)]), all);
    assert_eq!(run(&[("digest", 2)]), "ran -; kept clean measure paper; cut off -; failed -; skipped -");
    assert_eq!(run(&[("digest", 1)]), "ran -; kept clean measure paper; cut off -; failed -; skipped -");
}

#[test]
fn plan_says_what_will_and_what_may_run_and_why() {
    let study = Study::new(CHAIN, &[("raw.txt", "x=1\n")]);
    study.run_with(|_| {});
    study.write("raw.txt", "x=2\n");
    study.edit("text: done", "text: finished");
    let session = study.open().expect("valid");
    let wanted = session.pipeline.graph.closure(&[]).expect("no targets");
    let said: Vec<String> = session
        .decide(&wanted)
        .expect("the engine works")
        .into_iter()
        .map(|decision| match decision.action {
            Action::UpToDate => "up to date".to_string(),
            Action::WillRun(reason) => format!("will: {reason}"),
            Action::MayRun(reason) => format!("may: {reason}"),
        })
        .collect();
    assert_eq!(said, ["will: `file.raw.txt` changed", "may: waits for `clean`", "may: waits for `measure`"]);
}

#[test]
fn every_mistake_of_the_file_is_reported_at_once() {
    let study = Study::new(
        "sources:\n  raw: {path: nothing*.txt}\n  raw: {path: x}\nstages:\n  a: {kind: fale}\n  b: {kind: fake, txt: x}\n  c: {kind: fake, from: [d, bb]}\n  D: {kind: fake}\n  e: {kind: fake, text: '${rule}'}\n",
        &[],
    );
    let errors = study.errors();
    let folder = study.0.path().canonicalize().expect("there").display().to_string();
    expect![[r#"
        4:15 no file matches `nothing*.txt` [looked in `FOLDER`]
        5:3 `raw` is given twice
        7:13 no kind of stage is called `fale` [did you mean `fake`?]
        8:19 unknown key `txt` in stage `b` [did you mean `text`?]
        9:26 stage `c` reads `d`, which no stage makes [tables: c]
        9:29 stage `c` reads `bb`, which no stage makes [tables: c]
        10:3 `D` cannot be a stage name [a name has lower-case letters, digits and `_`, and starts with a letter]
        11:25 no parameter `rule` [parameters: ]"#]]
    .assert_eq(&errors.replace(&folder, "FOLDER"));
}

#[test]
fn a_circle_is_named() {
    let study = Study::new(
        "stages:\n  a: {kind: fake, from: c}\n  b: {kind: fake, from: a}\n  c: {kind: fake, from: b}\n",
        &[],
    );
    expect!["4:3 the stages depend on each other in a circle: a → c → b → a [an arrow reads `needs`: take one of these inputs away]"]
        .assert_eq(&study.errors());
}

#[test]
fn work_of_a_dead_process_is_cleared_away() {
    let study = Study::new(CHAIN, &[("raw.txt", "x=1\n")]);
    let left = study.0.path().join(".restudy/tmp/work-dead");
    fs::create_dir_all(left.join("run-1")).expect("made");
    fs::write(left.with_extension("lock"), "").expect("made");
    study.run_with(|_| {});
    let rest: Vec<_> = fs::read_dir(study.0.path().join(".restudy/tmp")).expect("there").flatten().collect();
    assert!(rest.is_empty(), "{rest:?}");
}

/// A chain in which every stage makes another table.
const STORED: &str = "
sources:
  raw: {path: raw.txt}
stages:
  clean: {kind: fake, file: raw, text: first}
  measure: {kind: fake, from: clean, text: middle}
  paper: {kind: fake, from: measure, text: done}
";

/// The blobs of the result of `name`.
fn blobs(study: &Study, name: &str) -> Vec<std::path::PathBuf> {
    let session = study.open().expect("valid");
    let id = session.pipeline.graph.find(name).expect("a task");
    let record = session.last_record(id).expect("the engine works").expect("it ran");
    let files = record.files.iter().map(|file| file.blob);
    record.tables.iter().map(|table| table.blob).chain(files).map(|blob| session.store.blob_path(blob)).collect()
}

fn remove(study: &Study, name: &str) {
    for blob in blobs(study, name) {
        fs::remove_file(blob).expect("a blob");
    }
}

#[test]
fn what_was_evicted_is_made_again_only_when_it_is_read() {
    let study = Study::new(STORED, &[("raw.txt", "x=1\n")]);
    study.run_with(|_| {});
    remove(&study, "clean");
    remove(&study, "measure");
    study.check(expect!["ran -; kept clean measure paper; cut off -; failed -; skipped -"]);

    study.edit("text: done", "text: finished");
    study.check(expect!["ran clean measure paper; kept -; cut off -; failed -; skipped -"]);

    remove(&study, "measure");
    let summary = study.run_with(|options| options.targets = vec!["measure".to_string()]);
    expect!["ran measure; kept clean; cut off -; failed -; skipped -"].assert_eq(&line(&summary));
}

#[test]
fn plan_knows_what_must_be_made_again() {
    let study = Study::new(STORED, &[("raw.txt", "x=1\n")]);
    study.run_with(|_| {});
    remove(&study, "measure");
    study.edit("text: done", "text: finished");
    let session = study.open().expect("valid");
    let wanted = session.pipeline.graph.closure(&[]).expect("no targets");
    let decisions = session.decide(&wanted).expect("the engine works");
    let expected = Action::WillRun("its result is no longer in the store, and `paper` reads it".to_string());
    assert_eq!(decisions[0].action, Action::UpToDate);
    assert_eq!(decisions[1].action, expected);
}

#[test]
fn damage_in_the_store_is_noticed_where_it_is_read_and_mended() {
    let study = Study::new(&STORED.replace("text: done", "text: done, publish: true"), &[("raw.txt", "x=1\n")]);
    study.run_with(|_| {});
    let published = fs::read(study.0.path().join("out/paper/page.txt")).expect("published");
    for name in ["clean", "measure", "paper"] {
        for blob in blobs(&study, name) {
            fs::remove_file(&blob).expect("a blob");
            fs::write(&blob, b"flipped").expect("written");
        }
    }
    study.edit("text: middle", "text: more");
    study.check(expect!["ran clean measure paper; kept -; cut off -; failed -; skipped -"]);
    study.edit("text: more", "text: middle");
    fs::remove_dir_all(study.0.path().join("out")).expect("there");
    study.check(expect!["ran measure paper; kept clean; cut off -; failed -; skipped -"]);
    assert_eq!(fs::read(study.0.path().join("out/paper/page.txt")).expect("published again"), published);
}

#[test]
fn a_truncated_record_is_made_again() {
    let study = Study::new(STORED, &[("raw.txt", "x=1\n")]);
    study.run_with(|_| {});
    let session = study.open().expect("valid");
    let id = session.pipeline.graph.find("measure").expect("a task");
    let key = session.last_record(id).expect("the engine works").expect("it ran").run_key;
    let path = session.store.record_path(key);
    let bytes = fs::read(&path).expect("a record");
    fs::write(&path, &bytes[..bytes.len() / 2]).expect("written");
    // A run with nothing to do opens no record; any other notices.
    study.edit("text: done", "text: finished");
    study.check(expect!["ran measure paper; kept clean; cut off -; failed -; skipped -"]);
}

#[test]
fn a_named_resource_is_held_by_one_stage_at_a_time() {
    let stage =
        |name: &str| format!("  {name}: {{kind: fake, text: {name}, wait: 150, log: log.txt, limits: {{stata: 1}}}}\n");
    let study = Study::new(&format!("stages:\n{}", ["a", "b", "c", "d"].map(stage).concat()), &[]);
    study.run_with(|options| options.jobs = 4);
    let log = fs::read_to_string(study.0.path().join("log.txt")).expect("a log");
    let lines: Vec<&str> = log.lines().collect();
    for pair in lines.chunks(2) {
        assert_eq!(pair[0].strip_prefix("begin "), pair[1].strip_prefix("end "), "{log}");
    }

    fs::remove_file(study.0.path().join("log.txt")).expect("there");
    study.run_with(|options| {
        (options.jobs, options.force) = (4, true);
        options.capacity.0.insert("stata".to_string(), 4);
    });
    let log = fs::read_to_string(study.0.path().join("log.txt")).expect("a log");
    assert!(log.starts_with("begin") && log.lines().take(2).all(|line| line.starts_with("begin")), "{log}");
}

#[test]
fn the_longest_chain_starts_first() {
    let study = Study::new(
        "stages:\n  short: {kind: fake, text: s, log: log.txt}\n  long: {kind: fake, text: l, log: log.txt}\n  next: {kind: fake, from: long, log: log.txt}\n",
        &[],
    );
    study.run_with(|options| options.jobs = 1);
    let log = fs::read_to_string(study.0.path().join("log.txt")).expect("a log");
    assert!(log.starts_with("begin long"), "{log}");
}

#[test]
fn a_stage_that_takes_too_long_fails_and_one_that_fails_is_tried_again() {
    let study = Study::new(
        "stages:\n  slow: {kind: fake, wait: 60000, limits: {time: 0.05s}}\n  shaky: {kind: fake, once: seen.txt, retries: 1}\n",
        &[],
    );
    let summary = study.run_with(|options| options.keep_going = true);
    expect!["ran shaky; kept -; cut off -; failed slow; skipped -"].assert_eq(&line(&summary));
    assert_eq!(summary.errors[0].diagnostics[0].message, "stage `slow` ran longer than its limit of 0.05 s");
}

/// Asks the run to stop as soon as a stage has started.
struct Stopper(crate::stop::Stop);

impl Observer for Stopper {
    fn event(&self, event: &Event) {
        if let Event::Started { name: "slow" } = event {
            self.0.ask();
        }
    }
}

#[test]
fn a_run_that_is_asked_to_stop_keeps_what_is_done_and_leaves_nothing_else() {
    let study = Study::new(
        "stages:\n  quick: {kind: fake}\n  slow: {kind: fake, from: quick, wait: 60000}\n  next: {kind: fake, from: slow}\n",
        &[],
    );
    let options = RunOptions { jobs: 2, ..RunOptions::default() };
    let stopper = Stopper(options.stop.clone());
    let summary = partial::run(fake::KINDS, &study.options(), &options, &stopper).expect("the engine works");
    expect!["ran quick; kept -; cut off -; failed -; skipped slow next"].assert_eq(&line(&summary));
    assert!(summary.interrupted);
    let rest: Vec<_> = fs::read_dir(study.0.path().join(".restudy/tmp")).expect("there").flatten().collect();
    assert!(rest.is_empty(), "{rest:?}");
    study.edit("wait: 60000", "wait: 0");
    study.check(expect!["ran slow next; kept quick; cut off -; failed -; skipped -"]);
}

#[test]
fn two_runs_at_once_make_everything_once() {
    let stage = |name: &str| format!("  {name}: {{kind: fake, text: {name}, wait: 20, log: log.txt}}\n");
    let names: Vec<String> = (0..6).map(|number| format!("s{number}")).collect();
    let stages: String = names.iter().map(|name| stage(name)).collect();
    let study = Study::new(
        &format!("stages:\n{stages}  all: {{kind: fake, from: [{}], publish: true}}\n", names.join(", ")),
        &[],
    );
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| study.run_with(|options| options.jobs = 3));
        }
    });
    let log = fs::read_to_string(study.0.path().join("log.txt")).expect("a log");
    let begun = |name: &String| log.lines().filter(|line| line.strip_prefix("begin ") == Some(name)).count();
    assert!(names.iter().all(|name| begun(name) == 1), "{log}");
    study.check(expect!["ran -; kept s0 s1 s2 s3 s4 s5 all; cut off -; failed -; skipped -"]);
}

#[test]
fn the_place_of_the_project_is_in_no_key() {
    let study = Study::new(STORED, &[("raw.txt", "x=1\n")]);
    study.run_with(|_| {});
    let elsewhere = Study(tempfile::tempdir().expect("a temporary folder"));
    for name in ["pipeline.yaml", "raw.txt", ".restudy"] {
        fs::rename(study.0.path().join(name), elsewhere.0.path().join(name)).expect("moved");
    }
    elsewhere.check(expect!["ran -; kept clean measure paper; cut off -; failed -; skipped -"]);
}

#[test]
fn nothing_to_do_is_known_without_parsing_and_only_while_it_is_true() {
    let study = Study::new(
        "sources:\n  raw: {path: '*.txt'}\nstages:\n  clean: {kind: fake, file: raw, warn: careful}\n  paper: {kind: fake, from: clean, publish: true}\n",
        &[("raw.txt", "x=1\n")],
    );
    let nothing = |options: &OpenOptions| {
        let project = session::find_project(options).expect("there");
        match snapshot::compare(&project, options) {
            Change::Nothing(summary) => Some(*summary),
            Change::Data(..) | Change::Unknown => None,
        }
    };
    let quick = || nothing(&study.options()).map(|summary| line(&summary));
    assert_eq!(quick(), None);
    study.run_with(|_| {});
    let expected = Some("ran -; kept clean paper; cut off -; failed -; skipped -".to_string());
    assert_eq!(quick(), expected);
    let summary = nothing(&study.options()).expect("nothing changed");
    assert_eq!((summary.warnings.len(), summary.published.len()), (1, 1));

    // Touched, not changed.
    study.write("raw.txt", "x=1\n");
    study.edit("restudy: 1", "restudy: 1");
    assert_eq!(quick(), expected);

    let other = OpenOptions { set: vec![("a".to_string(), "b".to_string())], ..study.options() };
    assert!(nothing(&other).is_none());

    let disturb: [(&str, &dyn Fn()); 6] = [
        ("a changed file", &|| study.write("raw.txt", "x=2\n")),
        ("another file", &|| study.write("more.txt", "y=1\n")),
        ("a changed pipeline", &|| study.edit("from: clean", "text: t, from: clean")),
        ("a lost document", &|| fs::remove_file(study.0.path().join("out/paper/page.txt")).expect("there")),
        ("a foreign document", &|| study.write("out/paper/mine.txt", "")),
        ("a lost store", &|| fs::remove_dir_all(study.0.path().join(".restudy/store")).expect("there")),
    ];
    for (what, change) in disturb {
        change();
        assert_eq!(quick(), None, "{what}");
        study.run_with(|_| {});
        assert_eq!(quick(), expected, "{what}");
    }
    let path = study.0.path().join(".restudy/snapshot");
    let bytes = fs::read(&path).expect("a snapshot");
    fs::write(&path, &bytes[..bytes.len() - 1]).expect("written");
    assert_eq!(quick(), None, "a torn snapshot");
}

/// Counts the tasks of a run.
#[derive(Default)]
struct Planned(std::sync::atomic::AtomicUsize);

impl Observer for Planned {
    fn event(&self, event: &Event) {
        if let Event::Planned { tasks } = event {
            self.0.store(*tasks, std::sync::atomic::Ordering::SeqCst);
        }
    }
}

#[test]
fn in_a_large_study_only_what_a_changed_file_reaches_is_read_and_the_result_is_that_of_a_full_run() {
    let n = 100;
    let sources: String = (0..n).map(|i| format!("  f{i}: {{path: in{i}.txt}}\n")).collect();
    let stages: String = (0..n)
        .map(|i| {
            format!(
                "  s{i}: {{kind: fake, file: f{i}, text: s{i}}}\n  t{i}: {{kind: fake, from: s{i}, text: t{i}, warn: 'of {i}'}}\n"
            )
        })
        .collect();
    let pairs = "  pair: {kind: fake, from: [t3, t4]}\n  other: {kind: fake, from: [t5, t6]}\n";
    let study = Study::new(&format!("sources:\n{sources}stages:\n{stages}{pairs}"), &[]);
    for i in 0..n {
        study.write(&format!("in{i}.txt"), &format!("x={i}\n"));
    }
    let first = study.run_with(|_| {});
    assert_eq!((first.ran.len(), first.warnings.len()), (2 * n + 2, n));

    study.write("in3.txt", "x=33\n");
    let planned = Planned::default();
    let options = RunOptions { jobs: 2, ..RunOptions::default() };
    let change = partial::run(fake::KINDS, &study.options(), &options, &planned).expect("the engine works");
    assert_eq!(planned.0.into_inner(), 3, "the study was read as a whole");
    assert_eq!(change.ran, ["s3", "t3", "pair"]);
    assert_eq!(change.up_to_date.len(), 2 * n - 1);
    assert_eq!(change.warnings, first.warnings);
    // The excerpt took the tables of the others as they were; a full run finds nothing to add.
    fs::remove_file(study.0.path().join(".restudy/snapshot")).expect("there");
    study.run_with(|options| options.keep_going = true);
    let full = study.run_with(|_| {});
    assert!(full.ran.is_empty(), "{:?}", full.ran);

    // Where the bytes of an untouched input are gone, the whole study is read.
    remove(&study, "t4");
    let change = {
        study.write("in3.txt", "x=34\n");
        study.run_with(|_| {})
    };
    assert_eq!(change.ran, ["s3", "t3", "t4", "pair"]);

    // A failure leaves the rest as it was, and is mended by the next run.
    fs::remove_file(study.0.path().join("in7.txt")).expect("there");
    assert!(study.open().is_err());
    study.write("in7.txt", "x=7\n");
    let back = study.run_with(|_| {});
    assert!(back.ran.is_empty(), "{:?}", back.ran);
}

#[test]
fn documents_of_a_stage_that_is_gone_go_with_it_unless_someone_changed_them() {
    let study = Study::new(
        "stages:\n  a: {kind: fake, text: a, publish: true}\n  b: {kind: fake, text: b, publish: true}\n",
        &[],
    );
    study.run_with(|_| {});
    study.edit("  a: {", "  c: {");
    study.edit("  b: {", "  d: {");
    study.write("out/b/mine.txt", "kept");
    study.run_with(|_| {});
    let there = |name: &str| study.0.path().join("out").join(name).exists();
    assert_eq!(["a", "b", "c", "d"].map(there), [false, true, true, true]);
}

fn show_rows(pair: &crate::shadow::Pair) -> Vec<String> {
    let read = |path: &std::path::Path| fs::read_to_string(path).expect("a table").trim_end().replace('\n', " ");
    vec![format!("{} {}: {} / {}", pair.key.len(), pair.columns.join(" "), read(pair.recorded), read(pair.made))]
}

/// What a run in shadow mode executed again, and what came out different.
fn shadowed(study: &Study) -> String {
    let summary = study.run_with(|options| options.shadow = Some(show_rows));
    let shadow = summary.shadow.clone().expect("asked for");
    let differences = shadow.differences.iter().map(|difference| {
        let table = difference.table.as_deref().unwrap_or("-");
        let columns = difference.columns.join(" ");
        format!("\n{}: {} [{table}] [{columns}] {}", difference.name, difference.what, difference.rows.join("\n"))
    });
    let list = |names: &[String]| if names.is_empty() { "-".to_string() } else { names.join(" ") };
    format!("ran {}; again {}{}", list(&summary.ran), list(&shadow.executed), differences.collect::<String>())
}

#[test]
fn shadow_executes_what_column_keys_skipped_and_finds_a_column_that_was_not_declared() {
    let honest = CHAIN.replace("reads: [x]}", "reads: [x], honest: true}");
    let study = Study::new(&honest, &[("raw.txt", "x=1\ny=2\n")]);
    assert_eq!(shadowed(&study), "ran clean measure paper; again -");
    // Nothing was skipped because of a column.
    assert_eq!(shadowed(&study), "ran -; again -");
    study.write("raw.txt", "x=1\ny=3\n");
    assert_eq!(shadowed(&study), "ran clean; again measure");
    // Neither the snapshot nor the record hides it from the next run, and nothing of it was kept.
    study.check(expect!["ran -; kept clean measure paper; cut off -; failed -; skipped -"]);
    assert_eq!(shadowed(&study), "ran -; again measure");
    // The bytes that are compared with may be gone; what is read is made again.
    remove(&study, "clean");
    assert_eq!(shadowed(&study), "ran clean; again measure");

    // The same, by a stage that uses a column behind the engine's back.
    let study = Study::new(&CHAIN.replace("text: done", "text: done, publish: true"), &[("raw.txt", "x=1\ny=2\n")]);
    study.run_with(|_| {});
    study.write("raw.txt", "x=1\ny=3\n");
    study.check(expect!["ran clean; kept paper; cut off measure; failed -; skipped -"]);
    expect![[r#"
        ran -; again measure
        measure: columns `y`, `rest` of table `measure` [measure] [y rest] 0 y rest: x=1 y=2 / x=1 y=3"#]]
    .assert_eq(&shadowed(&study));
    // It stays so until the stage is made again; then all below follows.
    assert!(shadowed(&study).contains("again measure\n"));
    study.run_with(|options| (options.force, options.targets) = (true, vec!["measure".to_string()]));
    assert_eq!(shadowed(&study), "ran paper; again -");
}

#[test]
fn shadow_looks_at_the_texts_of_the_code_and_at_documents_and_warnings() {
    let study = Study::new(
        "params: {n: 1}\nstages:\n  a: {kind: fake, text: '${n}', publish: true, warn: w}\n  b: {kind: fake, from: a}\n",
        &[],
    );
    study.run_with(|_| {});
    let session = study.open().expect("valid");
    let key = session.last_record(0).expect("the engine works").expect("it ran").run_key;
    let path = session.store.record_path(key);
    let record = fs::read_to_string(&path).expect("a record");
    let edit = |from: &str, to: &str| {
        let mut value: serde_json::Value = serde_json::from_str(&record).expect("JSON");
        match from {
            "code" => value["code"] = serde_json::Value::Null,
            _ => {
                value["code"] = serde_json::Value::Null;
                value["warnings"][0]["message"] = to.into();
                value["files"][0]["path"] = to.into();
            }
        }
        fs::remove_file(&path).expect("there");
        fs::write(&path, value.to_string()).expect("written");
    };
    // A record that does not say from which texts it was made.
    edit("code", "");
    assert_eq!(shadowed(&study), "ran -; again a");
    edit("both", "other");
    expect![[r#"
        ran -; again a
        a: document `page.txt` [-] [] 
        a: document `other` is gone [-] [] 
        a: its warnings [-] [] "#]]
    .assert_eq(&shadowed(&study));
}
