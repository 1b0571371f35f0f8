//! What a draft promises: the key, and the rules that the files keep today. Works on the rows that the drafted layout gave.

use super::columns::Drafted;
use readers::extract::{Extract, Values};
use std::collections::{BTreeMap, BTreeSet};

/// All rows of all files, by column.
pub struct Read {
    pub rows: usize,
    texts: BTreeMap<String, Vec<Option<String>>>,
    numbers: BTreeMap<String, Vec<Option<f64>>>,
    /// A column of whole numbers that are years.
    time: Option<String>,
}

/// Texts longer than this are prose, and no key.
const LONGEST_KEY: usize = 40;
/// Columns tried for a key.
const KEY_CANDIDATES: usize = 10;
/// A column with less than this has no promise about missing values.
const LEAST_SHARE: f64 = 0.5;

impl Read {
    pub fn new(columns: &[Drafted], extracts: &[Extract]) -> Read {
        let mut read = Read { rows: 0, texts: BTreeMap::new(), numbers: BTreeMap::new(), time: None };
        for extract in extracts {
            read.rows += extract.origins.len();
            for column in &extract.columns {
                let (mut texts, mut numbers): (Vec<Option<String>>, Vec<Option<f64>>) = (Vec::new(), Vec::new());
                match &column.values {
                    Values::Text(values) => texts.extend(values.iter().cloned()),
                    Values::Bool(values) => {
                        texts.extend(values.iter().map(|value| value.map(|value| value.to_string())))
                    }
                    Values::Date(values) => {
                        texts.extend(values.iter().map(|value| value.map(|value| value.to_string())))
                    }
                    Values::Int(values) => {
                        texts.extend(values.iter().map(|value| value.map(|value| value.to_string())));
                        numbers.extend(values.iter().map(|value| value.map(|value| value as f64)));
                    }
                    Values::Float(values) => {
                        texts.extend(values.iter().map(|value| value.map(|value| value.to_string())));
                        numbers.extend(values);
                    }
                }
                read.texts.entry(column.name.clone()).or_default().extend(texts);
                if !numbers.is_empty() || matches!(column.values, Values::Int(_) | Values::Float(_)) {
                    read.numbers.entry(column.name.clone()).or_default().extend(numbers);
                }
            }
        }
        let years = columns.iter().filter(|column| column.kind == "int" && read.is_time(&column.name));
        read.time = years
            .max_by_key(|column| usize::from(column.name.contains('年') || column.name.contains("year")))
            .map(|one| one.name.clone());
        read
    }

    fn is_time(&self, name: &str) -> bool {
        let values: Vec<f64> = self.numbers.get(name).into_iter().flatten().flatten().copied().collect();
        !values.is_empty() && values.iter().all(|value| (1900.0..=2100.0).contains(value))
    }

    /// What is known of a column, for the comment beside it.
    pub fn about(&self, column: &Drafted) -> String {
        let mut words = Vec::new();
        let Some(texts) = self.texts.get(&column.name) else { return column.remarks.join("; ") };
        let there: Vec<f64> = self.numbers.get(&column.name).into_iter().flatten().flatten().copied().collect();
        if let Some(middle) = median(there.clone()) {
            let (least, most) = bounds(&there);
            words.push(if self.is_time(&column.name) {
                format!("years {least} to {most}")
            } else {
                format!("{least} to {most}, median {middle}")
            });
            if column.unit.is_none() && !self.is_time(&column.name) {
                words.push(magnitude(least, most, middle).to_string());
            }
        } else if column.kind == "text" {
            let mut values: Vec<&String> = texts.iter().flatten().collect();
            values.sort_unstable();
            values.dedup();
            words.push(format!("{} different texts", values.len()));
        }
        let missing = texts.iter().filter(|text| text.is_none()).count();
        if missing > 0 {
            words.push(format!(
                "missing {:.1} %{}",
                100.0 * missing as f64 / self.rows.max(1) as f64,
                self.worst_years(&column.name)
            ));
        }
        words.extend(column.remarks.iter().cloned());
        words.retain(|word| !word.is_empty());
        words.join("; ")
    }

    /// The years in which most is missing.
    fn worst_years(&self, name: &str) -> String {
        let Some((time, texts)) = self
            .time
            .as_ref()
            .filter(|time| *time != name)
            .and_then(|time| self.texts.get(time))
            .zip(self.texts.get(name))
        else {
            return String::new();
        };
        let mut years: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for (year, value) in time.iter().zip(texts) {
            let counts = years.entry(year.as_deref().unwrap_or("—")).or_default();
            counts.0 += usize::from(value.is_none());
            counts.1 += 1;
        }
        let mut shares: Vec<(&str, f64)> =
            years.iter().map(|(year, (none, all))| (*year, 100.0 * *none as f64 / *all as f64)).collect();
        shares.sort_by(|one, two| two.1.total_cmp(&one.1).then(one.0.cmp(two.0)));
        let shown = shares.iter().take(3).filter(|(_, share)| *share > 0.0);
        let shown: Vec<String> = shown.map(|(year, share)| format!("{year}: {share:.1} %")).collect();
        format!(", most in {}", shown.join(", "))
    }
}

/// The shortest key of up to three columns that are always there: a unit and a time before others.
pub fn key(columns: &[Drafted], read: &Read) -> Option<Vec<String>> {
    let full = |name: &str| {
        read.texts.get(name).is_some_and(|texts| {
            !texts.is_empty()
                && texts.iter().all(|text| text.as_ref().is_some_and(|text| text.chars().count() <= LONGEST_KEY))
        })
    };
    let mut names: Vec<&str> = columns
        .iter()
        .filter(|column| column.kind != "float" && full(&column.name))
        .map(|column| column.name.as_str())
        .collect();
    // Texts first, then years, then other whole numbers: what a person would call the row by.
    names.sort_by_key(|name| match (read.numbers.contains_key(*name), read.is_time(name)) {
        (false, _) => 0,
        (true, true) => 1,
        (true, false) => 2,
    });
    names.truncate(KEY_CANDIDATES);
    let unique = |chosen: &[&str]| {
        let columns: Vec<&Vec<Option<String>>> = chosen.iter().filter_map(|name| read.texts.get(*name)).collect();
        let mut seen = BTreeSet::new();
        (0..read.rows).all(|row| seen.insert(columns.iter().map(|texts| texts[row].as_deref()).collect::<Vec<_>>()))
    };
    let mut tries: Vec<Vec<&str>> = Vec::new();
    let time = |name: &&str| read.is_time(name);
    for (at, one) in names.iter().enumerate() {
        tries.push(vec![*one]);
        for (then, two) in names.iter().enumerate().skip(at + 1) {
            tries.push(vec![*one, *two]);
            tries.extend(names.iter().skip(then + 1).map(|three| vec![*one, *two, *three]));
        }
    }
    // A number that identifies rows by chance, such as a count, is no key as long as a unit and a time do.
    tries.sort_by_key(|names| {
        let times = names.iter().filter(|name| time(name)).count();
        let numbers = names.iter().filter(|name| read.numbers.contains_key(**name) && !time(name)).count();
        (numbers, names.len(), usize::from(names.len() > 1 && times != 1))
    });
    let found = tries.into_iter().find(|names| unique(names))?;
    Some(found.into_iter().map(str::to_string).collect())
}

/// The block of the stage.
pub fn stage(name: &str, layout_file: &str, columns: &[Drafted], read: &Read, key: &[String]) -> String {
    let quoted = |text: &str| serde_json::Value::String(text.to_string()).to_string();
    let keys: Vec<String> = key.iter().map(|name| quoted(name)).collect();
    let mut lines = vec![
        format!("  {name}:"),
        "    kind: ingest".to_string(),
        format!("    from: {name}"),
        format!("    layout: {layout_file}"),
        format!("    key: [{}]", keys.join(", ")),
        "    check:".to_string(),
        format!("      - {{rows: {{min: {0}, max: {0}}}}}", read.rows),
    ];
    for column in columns.iter().filter(|column| !key.contains(&column.name)) {
        let Some(texts) = read.texts.get(&column.name) else { continue };
        let share = texts.iter().flatten().count() as f64 / read.rows.max(1) as f64;
        let promised = if share == 1.0 { 1.0 } else { (100.0 * share - 0.5).floor() / 100.0 };
        if promised >= LEAST_SHARE {
            lines.push(format!("      - {{column: {}, not_null: {promised}}}", quoted(&column.name)));
        }
        let there: Vec<f64> = read.numbers.get(&column.name).into_iter().flatten().flatten().copied().collect();
        if !there.is_empty() && !read.is_time(&column.name) {
            let (least, most) = bounds(&there);
            let (least, most) = (if least >= 0.0 { 0.0 } else { round_out(2.0 * least) }, round_out(2.0 * most));
            lines.push(format!("      - {{column: {}, min: {least}, max: {}}}", quoted(&column.name), most.max(0.0)));
        }
    }
    if let Some((unit, time)) = panel(read, key) {
        let by = if key.len() == 2 && key == [unit.clone(), time.clone()] {
            String::new()
        } else {
            format!(", by: [{}, {}]", quoted(&unit), quoted(&time))
        };
        if balanced(read, &unit, &time) {
            lines.push(format!("      - {{balanced: [{}, {}]}}", quoted(&unit), quoted(&time)));
        }
        for rule in ["unit_break", "coverage", "spike", "total_row", "filled"] {
            lines.push(format!("      - {{{rule}: all{by}, severity: warning}}"));
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

/// Unit and time of a key that is a unit and a time.
fn panel(read: &Read, key: &[String]) -> Option<(String, String)> {
    let [one, two] = key else { return None };
    match (read.is_time(one), read.is_time(two)) {
        (false, true) => Some((one.clone(), two.clone())),
        (true, false) => Some((two.clone(), one.clone())),
        _ => None,
    }
}

fn balanced(read: &Read, unit: &str, time: &str) -> bool {
    let count = |name: &str| read.texts.get(name).map_or(0, |texts| texts.iter().collect::<BTreeSet<_>>().len());
    count(unit) * count(time) == read.rows
}

/// What numbers of this size often are.
fn magnitude(least: f64, most: f64, middle: f64) -> &'static str {
    match (least, most) {
        _ if least >= 0.0 && most <= 1.0 => "a share?",
        _ if least >= 0.0 && most <= 100.0 && middle > 1.0 => "per cent?",
        _ if (100_000.0..1_000_000.0).contains(&least) && most < 1_000_000.0 => "a code of six digits?",
        _ if (30_000.0..60_000.0).contains(&least) && most < 60_000.0 => "days of a spreadsheet? then `type: date`",
        _ => "no unit in the header",
    }
}

/// The median; none of no numbers.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        length if length % 2 == 1 => Some(values[middle]),
        _ => Some((values[middle - 1] + values[middle]) / 2.0),
    }
}

fn bounds(values: &[f64]) -> (f64, f64) {
    values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| (least.min(*value), most.max(*value)))
}

/// Away from zero to one digit.
fn round_out(value: f64) -> f64 {
    if value == 0.0 {
        return 0.0;
    }
    // By the digits: products of powers of ten are not exact.
    let text = format!("{:e}", value.abs());
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let digit = digits.parse::<f64>().unwrap_or(1.0).ceil();
    let rounded: f64 = format!("{digit}e{exponent}").parse().unwrap_or(value.abs());
    rounded.copysign(value)
}
