//! Terms of a dictionary as a stage: the golden text, dictionaries as a matrix, fragments, years, and dictionaries with traps.

use crate::support::Study;

const PIPELINE: &str = "\
restudy: 1
study: {name: small, title: Small}
sources:
  reports: {path: data/reports.jsonl}
  dictionary: {path: data/dictionary.csv}
  words: {path: data/words.csv}
stages:
  reports: {kind: ingest, from: reports, layout: reports.yaml, key: [city, year]}
  dictionary: {kind: ingest, from: dictionary, layout: dictionary.yaml, key: [row]}
  words: {kind: ingest, from: words, layout: words.yaml, key: [word]}
  counted:
    kind: terms
    from: reports
    text: body
    key: [city, year]
    year: year
    report_year: before
    dictionary: {table: dictionary, group: term_group}
    use: ${dictionary}
    words: words
    fragment: {below: 5, unit: han}
    matrix:
      dictionary: {full: all, core: core, strict: core without 创新}
";

const DICTIONARY: &str = "row,term,group
1,创新,core
2,科技,core
3,科技创新,core
4,自主创新,core
5,创新驱动,core
6,科技成果,outputs
7,成果转化,outputs
8,专利,outputs
";

fn study() -> Study {
    Study::new(&[
        ("pipeline.yaml", PIPELINE.as_bytes()),
        (
            "data/reports.jsonl",
            "{\"city\":\"a\",\"year\":2010,\"text\":\"坚持创新驱动,推进科技创新和自主创新,科技成果转化加快,专利授权增长。\"}\n\
             {\"city\":\"b\",\"year\":2010,\"text\":\"科技。\"}\n{\"city\":\"c\",\"year\":2010,\"text\":null}\n"
                .as_bytes(),
        ),
        ("data/dictionary.csv", DICTIONARY.as_bytes()),
        ("data/words.csv", "word,frequency\n创新,100\n科技,100\n坚持,50\n推进,50\n专利,9\n".as_bytes()),
        ("reports.yaml", b"format: jsonl\ncolumns:\n  city: {field: city, type: text}\n  year: {field: year, type: int}\n  body: {field: text, type: text}\n"),
        ("dictionary.yaml", b"format: csv\ncolumns:\n  row: {header: row, type: int}\n  term: {header: term, type: text}\n  term_group: {header: group, type: text}\n"),
        ("words.yaml", b"format: csv\ncolumns:\n  word: {header: word, type: text}\n  frequency: {header: frequency, type: int}\n"),
    ])
}

fn shown(study: &Study, table: &str, columns: &str) -> Vec<String> {
    let done = study.restudy(&["show", table, "--columns", columns, "--format", "csv"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    done.stdout.lines().skip(1).map(str::to_string).collect()
}

/// METHODS 4.1, golden: 5 terms of 18 characters, 11 overlapping, 31 Han characters.
#[test]
fn texts_are_counted_by_every_dictionary() {
    let study = study();
    let done = study.restudy(&["run"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let columns =
        "dictionary,city,year,delivered,n_han,terms_longest,characters_longest,terms_overlapping,fragment,reason";
    assert_eq!(
        shown(&study, "counted", columns),
        [
            // The core without 科技成果 finds 科技 in its place; without 创新 the same of the longer terms.
            "core,a,2011,2010,31,4,14,8,false,",
            "core,b,2011,2010,2,1,2,1,true,FRAGMENT",
            "core,c,2011,2010,,,,,,MISSING_TEXT",
            "full,a,2011,2010,31,5,18,11,false,",
            "full,b,2011,2010,2,1,2,1,true,FRAGMENT",
            "full,c,2011,2010,,,,,,MISSING_TEXT",
            "strict,a,2011,2010,31,4,14,5,false,",
            "strict,b,2011,2010,2,1,2,1,true,FRAGMENT",
            "strict,c,2011,2010,,,,,,MISSING_TEXT",
        ]
    );
    let groups = shown(&study, "counted.groups", "dictionary,city,term_group,terms_longest,terms_overlapping");
    for line in ["full,a,core,3,8", "full,a,outputs,2,3", "full,b,outputs,0,0"] {
        assert!(groups.iter().any(|found| found == line), "{line} is not in {groups:?}");
    }
    let terms = shown(&study, "counted.terms", "dictionary,city,term,longest,overlapping");
    for line in ["full,a,创新,0,3", "full,a,科技创新,1,1", "full,a,成果转化,0,1"] {
        assert!(terms.iter().any(|found| found == line), "{line} is not in {terms:?}");
    }
    assert!(!terms.iter().any(|line| line.contains("full,b,专利")), "{terms:?}");
}

#[test]
fn wrong_options_and_dictionaries_are_told() {
    for (file, from, to, code, expected) in [
        ("pipeline.yaml", "text: body", "text: bodi", 2, "no column `bodi` in `reports`"),
        (
            "pipeline.yaml",
            "    words: words\n    fragment: {below: 5, unit: han}",
            "    fragment: {below: 5, unit: tokens}",
            2,
            "only with `words:`",
        ),
        ("pipeline.yaml", "below: 5", "below: few", 2, "`below` must be a whole number"),
        ("pipeline.yaml", "    year: year\n", "", 2, "`report_year` needs `year:`"),
        ("pipeline.yaml", "group: term_group", "group: groups", 2, "no column `groups` in `dictionary`"),
        (
            "pipeline.yaml",
            "core: core,",
            "core: cores,",
            1,
            "`use` names the group `cores`, which `dictionary` does not have",
        ),
        ("pipeline.yaml", "without 创新}", "without 创业}", 1, "`use` names the term `创业`"),
        ("data/dictionary.csv", "8,专利", "8,", 1, "row 8 of the dictionary has an empty term"),
        (
            "data/dictionary.csv",
            "8,专利",
            "8,科技",
            1,
            "the term `科技` is twice in the dictionary, in `core` and in `outputs`",
        ),
        ("data/dictionary.csv", "8,专利", "8,专 利", 1, "the term `专 利` has a blank"),
        ("data/words.csv", "专利,9", "专利,0", 1, "the word `专利` has the frequency 0"),
    ] {
        let study = study();
        study.edit(file, from, to);
        let done = study.restudy(&["run"]);
        assert_eq!(done.code, code, "{expected}: {}", done.stderr);
        assert!(done.stderr.contains(expected), "`{expected}` is not in {}", done.stderr);
    }
}
