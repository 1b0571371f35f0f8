//! The columns of a draft: from headers, from the names of the files, and what their values seem to be. Reads no file.

use super::Surveyed;
use readers::survey;
use std::collections::BTreeMap;

/// A column as the draft has it.
#[derive(Clone, Debug)]
pub struct Drafted {
    pub name: String,
    pub from: From,
    /// As a layout says it.
    pub kind: &'static str,
    pub optional: bool,
    pub unit: Option<String>,
    /// What speaks for the type and the unit, and what does not.
    pub remarks: Vec<String>,
    /// Where it stands in each file.
    places: Vec<Option<usize>>,
    /// The unit that each file's header says.
    units: Vec<Option<String>>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum From {
    Header { name: String, sub: Option<String>, nth: usize },
    Field(String),
    Group(String),
    Body,
    RowNumber,
}

/// The key of a draft whose columns identify nothing.
pub const ROW_KEY: [&str; 2] = ["source_file", "source_row"];

const UNITS: &[&str] = &[
    "%",
    "‰",
    "万人",
    "人",
    "亿元",
    "万元",
    "千元",
    "元",
    "百万美元",
    "万美元",
    "亿美元",
    "美元",
    "平方公里",
    "公顷",
    "平方米",
    "万平方米",
    "立方米",
    "万立方米",
    "户",
    "万户",
    "千户",
    "个",
    "所",
    "辆",
    "吨",
    "万吨",
    "公里",
    "册",
    "千册",
    "件",
    "人/平方公里",
    "万千瓦时",
    "张",
    "10000persons",
    "10000yuan",
    "yuan",
    "person",
    "persons",
    "sq.km",
    "km2",
];
/// The same in another language.
const SAME_UNITS: &[(&str, &str)] = &[
    ("10000persons", "万人"),
    ("10000yuan", "万元"),
    ("yuan", "元"),
    ("person", "人"),
    ("persons", "人"),
    ("sq.km", "平方公里"),
    ("km2", "平方公里"),
];
const TOTALS: &[&str] = &["合计", "总计", "全国", "Total", "total", "TOTAL"];
/// Of a column of numbers so much may be something else.
const NOT_NUMBERS: f64 = 0.03;

impl Drafted {
    fn new(name: String, from: From, kind: &'static str) -> Drafted {
        let (places, units, remarks) = (Vec::new(), Vec::new(), Vec::new());
        Drafted { name, from, kind, optional: false, unit: None, remarks, places, units }
    }

    /// The rule of the layout.
    pub fn rule(&self, quoted: &dyn Fn(&str) -> String) -> String {
        let mut parts = match &self.from {
            From::Header { name, sub, nth } => {
                let mut parts = vec![format!("header: {}", quoted(name))];
                parts.extend(sub.iter().map(|sub| format!("sub: {}", quoted(sub))));
                parts.extend((*nth > 0).then(|| format!("nth: {nth}")));
                parts
            }
            From::Field(name) => vec![format!("field: {}", quoted(name))],
            From::Group(group) => vec![format!("file: {group}")],
            From::Body => vec!["text_body: true".to_string()],
            From::RowNumber => vec!["row_number: true".to_string()],
        };
        parts.push(format!("type: {}", self.kind));
        parts.extend(self.unit.iter().map(|unit| format!("unit: {}", quoted(unit))));
        parts.extend(self.optional.then(|| "optional: true".to_string()));
        format!("{{{}}}", parts.join(", "))
    }
}

/// One column for each header cell, the same in all files where its name is.
pub fn from_headers(files: &[Surveyed]) -> Vec<Drafted> {
    let mut columns: Vec<Drafted> = Vec::new();
    for (at, file) in files.iter().enumerate() {
        let mut times: BTreeMap<(String, Option<String>), usize> = BTreeMap::new();
        let named = &file.header.columns;
        for one in named {
            let upper = survey::header_name(&one.upper);
            let lower = survey::header_name(&one.lower);
            let alike = named.iter().filter(|other| survey::header_name(&other.upper) == upper).count();
            let whole = survey::compared(&one.upper);
            let (name, sub) = if !file.sheet.fields.is_empty() {
                (one.upper.clone(), None)
            } else if upper.is_empty() {
                (lower, None)
            } else if alike > 1 && !lower.is_empty() {
                (upper, Some(lower))
            } else if alike > 1 && named.iter().filter(|other| survey::compared(&other.upper) == whole).count() == 1 {
                (whole, None)
            } else {
                (upper, None)
            };
            if name.is_empty() {
                continue;
            }
            let time = times.entry((name.clone(), sub.clone())).or_insert(0);
            let from = match file.sheet.fields.is_empty() {
                true => From::Header { name: name.clone(), sub: sub.clone(), nth: *time },
                false => From::Field(name.clone()),
            };
            *time += 1;
            let place = match columns.iter().position(|column| column.from == from) {
                Some(place) => place,
                None => {
                    let name = sub.map_or(name.clone(), |sub| format!("{name}_{sub}"));
                    columns.push(Drafted::new(identifier(&name), from, "text"));
                    columns.len() - 1
                }
            };
            let column = &mut columns[place];
            column.places.resize(files.len(), None);
            column.units.resize(files.len(), None);
            column.places[at] = Some(one.index);
            column.units[at] = unit(&one.upper).or_else(|| unit(&one.lower));
        }
    }
    for column in &mut columns {
        column.optional = column.places.iter().any(Option::is_none);
    }
    columns
}

/// The pattern of the files' names and a column for each number in which they differ.
pub fn from_names(files: &[Surveyed]) -> (Option<String>, Vec<Drafted>) {
    if files.len() < 2 {
        return (None, Vec::new());
    }
    let stem = |shown: &str| {
        let name = shown.rsplit('/').next().unwrap_or(shown);
        name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_string()
    };
    let parts: Vec<Vec<String>> = files.iter().map(|file| runs(&stem(&file.shown))).collect();
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let alike = parts.iter().all(|one| {
        one.len() == parts[0].len()
            && one.iter().zip(&parts[0]).all(|(one, first)| one == first || is_number(one) && is_number(first))
    });
    if !alike {
        let mut column = Drafted::new("source_file".to_string(), From::Group("stem".to_string()), "text");
        column.remarks.push("the names of the files have nothing in common".to_string());
        return (None, vec![column]);
    }
    let mut pattern = String::new();
    let mut columns = Vec::new();
    for (at, part) in parts[0].iter().enumerate() {
        if !is_number(part) || parts.iter().all(|one| one[at] == *part) {
            for character in part.chars() {
                if "\\.+*?()|[]{}^$#&-~".contains(character) {
                    pattern.push('\\');
                }
                pattern.push(character);
            }
            continue;
        }
        let years =
            parts.iter().all(|one| one[at].len() == 4 && (one[at].starts_with("19") || one[at].starts_with("20")));
        let group = match (years, columns.len()) {
            (true, 0) => "edition".to_string(),
            (_, count) => format!("part{}", count + 1),
        };
        pattern.push_str(&if years { format!("(?<{group}>\\d{{4}})") } else { format!("(?<{group}>\\d+)") });
        let mut column = Drafted::new(group.clone(), From::Group(group), "int");
        if years {
            let remark = "from the file name; a yearbook prints the data of the year before: then `add: -1` makes the year of the data";
            column.remarks.push(remark.to_string());
        }
        columns.push(column);
    }
    (Some(pattern), columns)
}

pub fn text_body() -> Drafted {
    Drafted::new("body".to_string(), From::Body, "text")
}

/// Columns that identify the rows of any files.
pub fn rows_of_files(there: &[Drafted]) -> Vec<Drafted> {
    let file = Drafted::new(ROW_KEY[0].to_string(), From::Group("stem".to_string()), "text");
    let row = Drafted::new(ROW_KEY[1].to_string(), From::RowNumber, "int");
    [file, row].into_iter().filter(|column| !there.iter().any(|other| other.name == column.name)).collect()
}

/// No two columns of one name.
pub fn unique_names(columns: &mut [Drafted]) {
    for at in 1..columns.len() {
        let name = columns[at].name.clone();
        let taken = |columns: &[Drafted], name: &str| {
            columns[..at].iter().any(|other| other.name.to_lowercase() == name.to_lowercase())
        };
        let mut number = 2;
        while taken(columns, &columns[at].name) {
            columns[at].name = format!("{name}_{number}");
            number += 1;
        }
    }
}

/// Things with the reason of each.
pub type Reasoned = Vec<(String, String)>;

/// Types and units, from the texts; the marks of missing values and the rows to skip, each with the reason.
pub fn guess(columns: &mut [Drafted], files: &[Surveyed]) -> (Reasoned, Reasoned) {
    let (mut missing, mut skips) = (Reasoned::new(), Reasoned::new());
    let mut unit_known = false;
    for column in columns.iter_mut().filter(|column| !column.places.is_empty()) {
        let by_file: Vec<Vec<&str>> = files.iter().enumerate().map(|(at, file)| texts(column, at, file)).collect();
        let texts: Vec<&str> = by_file.iter().flatten().copied().filter(|text| !text.trim().is_empty()).collect();
        let marks = guess_kind(column, &texts);
        for mark in marks {
            if !missing.iter().any(|(known, _)| *known == mark) {
                missing.push((mark, format!("no number, in `{}`", column.name)));
            }
        }
        guess_unit(column, files, &by_file);
        if column.kind == "text" && !unit_known && !texts.is_empty() {
            unit_known = true;
            let quoted = |text: &str| serde_json::Value::String(text.to_string()).to_string();
            let empty: usize = by_file.iter().flatten().filter(|text| text.trim().is_empty()).count();
            let rule = format!("{{null: {}}}", quoted(&column.name));
            if empty > 0 && empty < texts.len() {
                skips.push((rule, format!("{empty} rows without a name: blank tails, remarks")));
            }
            let total = |text: &&&str| TOTALS.iter().any(|total| survey::compared(text).contains(total));
            let mut totals: Vec<&str> = texts.iter().filter(total).copied().collect();
            totals.sort_unstable();
            totals.dedup();
            if !totals.is_empty() && totals.len() * 4 <= texts.len() {
                let rule = format!("{{column: {}, matches: '{}'}}", quoted(&column.name), TOTALS.join("|"));
                let shown: Vec<String> =
                    totals.iter().take(3).map(|text| format!("`{}`", survey::compared(text))).collect();
                skips.push((rule, format!("totals: {}", shown.join(", "))));
            }
        }
    }
    (missing, skips)
}

/// The texts of a column below the header of one file; empty where a row has none.
fn texts<'f>(column: &Drafted, at: usize, file: &'f Surveyed) -> Vec<&'f str> {
    let Some(place) = column.places.get(at).copied().flatten() else { return Vec::new() };
    let begin = file.header.first.map_or(0, |first| first + file.header.height as u32);
    let below = file.sheet.rows.iter().filter(|(row, _)| *row >= begin);
    let text = |cells: &'f Vec<(usize, String)>| {
        cells.iter().find(|(index, _)| *index == place).map_or("", |(_, text)| text.as_str())
    };
    below.map(|(_, cells)| text(cells)).collect()
}

/// Sets the type; gives the texts that stand for missing numbers.
fn guess_kind(column: &mut Drafted, texts: &[&str]) -> Vec<String> {
    if texts.is_empty() {
        column.remarks.push("no value in any file".to_string());
        column.optional = true;
        return Vec::new();
    }
    let share = |count: usize| 100.0 * count as f64 / texts.len() as f64;
    if texts.iter().all(|text| is_date(text)) {
        column.kind = "date";
        column.remarks.push("all are dates".to_string());
        return Vec::new();
    }
    if texts.iter().all(|text| matches!(*text, "true" | "false" | "TRUE" | "FALSE" | "True" | "False")) {
        column.kind = "bool";
        return Vec::new();
    }
    let zeros = |text: &&&str| {
        text.len() > 1 && text.starts_with('0') && !text.starts_with("0.") && text.bytes().all(|b| b.is_ascii_digit())
    };
    if texts.iter().any(|text| zeros(&text)) {
        column.remarks.push("text, because numbers begin with 0: a code".to_string());
        return Vec::new();
    }
    let numbers: Vec<(f64, bool)> = texts.iter().filter_map(|text| survey::as_number(text)).collect();
    let mut others: Vec<String> =
        texts.iter().filter(|text| survey::as_number(text).is_none()).map(|text| text.trim().to_string()).collect();
    let odd = others.len();
    others.sort();
    others.dedup();
    let few_marks = others.len() <= 3 && others.iter().all(|text| text.chars().count() <= 4) && odd * 2 < texts.len();
    if numbers.is_empty()
        || odd as f64 > NOT_NUMBERS * texts.len() as f64 && !few_marks
        || others.len() > super::MOST_MARKS
    {
        if share(numbers.len()) > 50.0 {
            column.remarks.push(format!("text, though {:.0} % are numbers", share(numbers.len())));
        }
        return Vec::new();
    }
    let whole = numbers.iter().all(|(value, _)| value.fract() == 0.0 && value.abs() < 9e15);
    column.kind = if whole { "int" } else { "float" };
    if odd > 0 {
        column.remarks.push(format!("{:.1} % are numbers, {odd} are marks", share(numbers.len())));
    }
    let repaired = numbers.iter().filter(|(_, repaired)| *repaired).count();
    if repaired > 0 {
        column.remarks.push(format!("{repaired} with footnotes or separators"));
    }
    others
}

/// The unit that the headers say; where they do not agree, whether the numbers changed with it.
fn guess_unit(column: &mut Drafted, files: &[Surveyed], by_file: &[Vec<&str>]) {
    if column.kind != "int" && column.kind != "float" {
        return;
    }
    let said: Vec<(usize, &String)> =
        column.units.iter().enumerate().filter_map(|(at, unit)| Some((at, unit.as_ref()?))).collect();
    let mut kinds: Vec<&String> = said.iter().map(|(_, unit)| *unit).collect();
    kinds.sort();
    kinds.dedup();
    match kinds.as_slice() {
        [] => {}
        [one] => {
            column.remarks.push("unit from the header".to_string());
            column.unit = Some(one.to_string());
        }
        _ => {
            let median = |unit: &String| -> Option<f64> {
                let files = said.iter().filter(|(_, one)| *one == unit);
                let numbers = files.flat_map(|(at, _)| by_file[*at].iter().filter_map(|text| survey::as_number(text)));
                super::contract::median(numbers.map(|(value, _)| value).filter(|value| *value > 0.0).collect())
            };
            let told: Vec<String> = kinds
                .iter()
                .map(|unit| {
                    let names = said
                        .iter()
                        .filter(|(_, one)| one == unit)
                        .map(|(at, _)| files[*at].shown.rsplit('/').next().unwrap_or(""));
                    let names: Vec<&str> = names.collect();
                    let some = if names.len() > 2 {
                        format!("{} … {}", names[0], names[names.len() - 1])
                    } else {
                        names.join(", ")
                    };
                    format!(
                        "{unit} in {some} (median {})",
                        median(unit).map_or("none".to_string(), |value| format!("{value:.4}"))
                    )
                })
                .collect();
            column.remarks.push(format!(
                "UNITS DIFFER in the headers: {}; hold the medians against each other before scaling",
                told.join(", ")
            ));
        }
    }
}

/// The unit in the last parentheses of a header, or after its last underscore.
fn unit(header: &str) -> Option<String> {
    let text = survey::compared(header);
    let in_parentheses = text.rsplit_once('(').map(|(_, rest)| rest.split(')').next().unwrap_or(rest).to_string());
    let after = text.rsplit_once('_').map(|(_, rest)| rest.to_string());
    [in_parentheses, after].into_iter().flatten().find(|unit| UNITS.contains(&unit.as_str())).map(|unit| {
        let same = SAME_UNITS.iter().find(|(other, _)| *other == unit);
        same.map_or(unit, |(_, known)| known.to_string())
    })
}

fn is_date(text: &str) -> bool {
    let day = text.split(['T', ' ']).next().unwrap_or(text);
    let parts: Vec<&str> = day.split(['-', '/', '.']).collect();
    let digits = |text: &str, most: usize| {
        !text.is_empty() && text.len() <= most && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    matches!(parts.as_slice(), [year, month, day] if year.len() == 4 && digits(year, 4) && digits(month, 2) && digits(day, 2))
}

/// Letters and digits of any script; the rest is `_`.
fn identifier(text: &str) -> String {
    let mut name = String::new();
    for character in text.chars() {
        match character {
            _ if character.is_alphanumeric() => name.extend(character.to_lowercase()),
            _ if !name.ends_with('_') && !name.is_empty() => name.push('_'),
            _ => {}
        }
    }
    let name = name.trim_end_matches('_').to_string();
    match name.chars().next() {
        Some(first) if first.is_ascii_digit() => format!("c_{name}"),
        Some(_) => name,
        None => "column".to_string(),
    }
}

/// Runs of digits and of everything else.
fn runs(text: &str) -> Vec<String> {
    let mut runs: Vec<String> = Vec::new();
    for character in text.chars() {
        match runs.last_mut() {
            Some(run) if run.ends_with(|last: char| last.is_ascii_digit()) == character.is_ascii_digit() => {
                run.push(character)
            }
            _ => runs.push(character.to_string()),
        }
    }
    runs
}
