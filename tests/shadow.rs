//! Generated edits of the demonstration study, each followed by `run` and `run --shadow`: what a run skips because of the
//! columns that a stage reads must come out as it was recorded.

use crate::support::{Study, change_workbook, root};
use std::fs;

/// Xorshift (Marsaglia 2003): the same edits in every run.
struct Random(u64);

type Edit = fn(&Study, &mut Random, usize);

const EDITS: &[(&str, Edit)] = &[
    ("a number in a yearbook", number_in_a_yearbook),
    ("a column in front of a select", column_in_front_of_a_select),
    ("a remark in the list of pilots", |study, random, _| word(study, random, "data/policy/pilots.csv", "fictitious")),
    ("a column behind a file of patents", |study, random, number| {
        column(study, &format!("data/patents/patents_{}.csv", 2005 + random.below(16)), number, Side::Back);
    }),
    ("the columns of a select in another order", columns_of_a_select_rotated),
    ("a word in the table of names", |study, random, _| word(study, random, "data/admin/names.csv", "division codes")),
    ("a number in a price index", price),
    ("a column in front of the list of pilots", |study, _, number| {
        column(study, "data/policy/pilots.csv", number, Side::Front);
    }),
    ("another number in a yearbook", number_in_a_yearbook),
    ("a column behind a select", column_behind_a_select),
    ("a group in the dictionary", |study, random, _| {
        word(study, random, "data/dictionaries/st_attention_v1.csv", "core")
    }),
    ("a comment in a select", comment_in_a_select),
    ("the columns of another select in another order", columns_of_a_select_rotated),
    ("a column in front of the table of names", |study, _, number| {
        column(study, "data/admin/names.csv", number, Side::Front);
    }),
    ("a column behind another select", column_behind_a_select),
    ("a comment in a layout", |study, _, _| study.edit("stages/ingest/pilots.yaml", "format:", "# a remark\nformat:")),
];

#[test]
fn what_runs_skipped_after_generated_edits_comes_out_as_recorded() {
    let study = Study::copy(&root(), &["pipeline.yaml", "stages", "data"]);
    study.run(&[]);
    let mut random = Random(20_260_101);
    let mut shadowed = 0;
    for (number, (what, edit)) in EDITS.iter().enumerate() {
        edit(&study, &mut random, number);
        study.run(&[]);
        let done = study.restudy(&["run", "--shadow", "--json"]);
        assert_eq!(done.code, 0, "after {what}: {}{}", done.stdout, done.stderr);
        let summary: serde_json::Value = serde_json::from_str(&done.stdout).expect("JSON");
        let executed = summary["shadow"]["executed"].as_array().expect("a list");
        assert!(!executed.is_empty(), "{what} made nothing that a column key skips");
        assert_eq!(summary["shadow"]["differences"].as_array().map(Vec::len), Some(0));
        shadowed += executed.len();
    }
    assert!(shadowed > 5 * EDITS.len(), "only {shadowed} results were executed again");
}

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

enum Side {
    Front,
    Back,
}

/// Makes a number of a random row and column one per cent larger.
fn number_in_a_yearbook(study: &Study, random: &mut Random, _number: usize) {
    let file = study.path(&format!("data/yearbook/Data_{}.xlsx", 2008 + random.below(13)));
    let bytes = fs::read(&file).expect("a workbook");
    let changed = change_workbook(&bytes, |sheet| {
        // A cell may be empty or hold a text; every third or so is a number.
        loop {
            let column = ["F", "H", "J", "L", "N", "P", "R", "T", "V", "X", "Z", "AB", "AD"][random.below(13)];
            let cell = format!("<c r=\"{column}{}\"><v>", 4 + random.below(250));
            let Some((before, rest)) = sheet.split_once(&cell) else { continue };
            let Some((value, after)) = rest.split_once('<') else { continue };
            let Ok(value) = value.parse::<f64>() else { continue };
            return format!("{before}{cell}{}<{after}", value * 1.01);
        }
    });
    fs::write(file, changed).expect("written");
}

/// Puts another word in the place of one in a random row that has it.
fn word(study: &Study, random: &mut Random, file: &str, word: &str) {
    let text = study.read(file);
    let places: Vec<usize> = text.match_indices(word).map(|(at, _)| at).collect();
    let at = places[random.below(places.len())];
    study.write(file, format!("{}other{}", &text[..at], &text[at + word.len()..]));
}

fn price(study: &Study, random: &mut Random, _number: usize) {
    let text = study.read("data/admin/price_index.csv");
    let mut lines: Vec<String> = text.lines().map(str::to_string).collect();
    let row = 1 + random.below(lines.len() - 1);
    lines[row].push('1');
    study.write("data/admin/price_index.csv", lines.join("\n"));
}

/// Adds a column to a file of any encoding in which commas and line ends are those of ASCII.
fn column(study: &Study, file: &str, number: usize, side: Side) {
    let bytes = fs::read(study.path(file)).expect("a file");
    let mut changed: Vec<u8> = Vec::new();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty()) {
        let cell = if index == 0 { format!("note_{number}") } else { index.to_string() };
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match side {
            Side::Front => changed.extend([cell.as_bytes(), b",", line, b"\n"].concat()),
            Side::Back => changed.extend([line, b",", cell.as_bytes(), b"\n"].concat()),
        }
    }
    study.write(file, changed);
}

fn column_in_front_of_a_select(study: &Study, random: &mut Random, number: usize) {
    change_select(study, random, |items| items.insert(0, format!("'x' as note_{number}")));
}

fn column_behind_a_select(study: &Study, random: &mut Random, number: usize) {
    change_select(study, random, |items| items.push(format!("cast({number} as bigint) as note_{number}")));
}

fn columns_of_a_select_rotated(study: &Study, random: &mut Random, _number: usize) {
    let by = 1 + random.below(1000);
    change_select(study, random, |items| {
        let by = by % items.len();
        items.rotate_left(by);
    });
}

fn comment_in_a_select(study: &Study, random: &mut Random, number: usize) {
    change_select(study, random, |items| items[0].insert_str(0, &format!("/* remark {number} */ ")));
}

/// Changes the columns of the last `select` of a random query of the study.
fn change_select(study: &Study, random: &mut Random, change: impl FnOnce(&mut Vec<String>)) {
    let mut queries: Vec<String> = Vec::new();
    for folder in ["clean", "measures", "panel"] {
        for entry in fs::read_dir(study.path(&format!("stages/{folder}"))).expect("a folder").flatten() {
            queries.push(format!("stages/{folder}/{}", entry.file_name().display()));
        }
    }
    queries.retain(|file| study.read(file).contains("\nselect\n"));
    queries.sort();
    let file = &queries[random.below(queries.len())];
    let text = study.read(file);
    let (before, select) = text.rsplit_once("\nselect\n").expect("it was looked for");
    let (columns, after) = select.split_once("\nfrom ").expect("a query has a `from`");
    let mut items = split(columns);
    change(&mut items);
    study.write(file, format!("{before}\nselect\n    {}\nfrom {after}", items.join(",\n    ")));
}

/// The columns of a `select`: cut at commas outside of parentheses and texts.
fn split(columns: &str) -> Vec<String> {
    let (mut items, mut depth, mut quoted) = (vec![String::new()], 0, false);
    for character in columns.chars() {
        match character {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => {}
        }
        if character == ',' && depth == 0 && !quoted {
            items.push(String::new());
        } else {
            items.last_mut().expect("it is never empty").push(character);
        }
    }
    items.iter().map(|item| item.trim().to_string()).collect()
}
