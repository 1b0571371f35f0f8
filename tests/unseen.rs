//! Files that nobody has seen: later editions of the yearbooks, made here with the changes that editions really bring, one by one
//! and in hundreds of combinations, read by the layouts of the two studies. Each comes out with the values that were put in, or
//! stops with the place; never with another number.

use crate::support::root;
use engine::diagnostic::Diagnostic;
use engine::spec::StudyFile;
use engine::yaml::fields::Problems;
use readers::columnar::NoDecoder;
use readers::extract::{Extract, IssueCode, Values};
use readers::layout::{ColumnSource, Layout};
use rust_xlsxwriter::{Format, Workbook, Worksheet};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use tempfile::TempDir;

/// A study's layout of the yearbook, and how its later editions print what is not in the unit of the layout.
struct Family {
    layout: Layout,
    file: &'static str,
    key: String,
    edition: i64,
    /// Column, the unit in the header cell (none where it prints none), and what one of it is in the unit of the layout.
    printed: &'static [(&'static str, &'static str, f64)],
    /// Whether `…` is declared as missing.
    knows_gaps: bool,
}

/// One edition, before it is written.
#[derive(Clone)]
struct Edition {
    sheet: String,
    /// Lines above the header, `|` between cells.
    above: Vec<String>,
    columns: Vec<Printed>,
    rows: Vec<Line>,
    /// A blank column at the left.
    left: u16,
    merged: bool,
    /// The lower header row stands one column too far right.
    shifted: bool,
    before: Vec<(String, Vec<Vec<String>>, bool)>,
    after: Vec<(String, Vec<Vec<String>>, bool)>,
    /// The same table once more in another sheet, of the year before.
    copy: Option<&'static str>,
    below: Vec<Vec<String>>,
    /// Rows of which the rest is blank.
    emptied: BTreeSet<String>,
    gaps: BTreeSet<(String, String)>,
}

/// A header cell with what stands below it.
#[derive(Clone)]
struct Printed {
    name: String,
    unit: String,
    english: bool,
    /// Lower cell, and the column of the layout that reads it, or none.
    parts: Vec<(&'static str, Option<String>)>,
    /// What one printed unit is in the unit of the layout.
    size: f64,
}

#[derive(Clone)]
enum Line {
    City(String),
    Text(String),
    /// A sum under this name.
    Total(String),
    Zeros,
    Header,
    English,
}

/// Numbers by chance, the same in every run.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Outcome {
    Right,
    Stops,
    /// Either; it depends on the layout.
    Open,
}

type Change = fn(&mut Edition, &mut Chance, &Family);

const CHANGES: &[(&str, Outcome, Change)] = &[
    ("nothing", Outcome::Right, |_, _, _| {}),
    ("columns moved", Outcome::Right, |edition, chance, _| {
        for index in (1..edition.columns.len()).rev() {
            edition.columns.swap(index, chance.below(index + 1));
        }
    }),
    ("a column before the first", Outcome::Right, |edition, _, _| edition.left += 1),
    ("header moved down", Outcome::Right, |edition, chance, _| {
        let lines = ["", "2-1 续表", "城市制造业基本情况", "CITY STATISTICS"];
        for _ in 0..=chance.below(3) {
            edition.above.push(lines[chance.below(lines.len())].to_string());
        }
    }),
    ("the right year in the title", Outcome::Right, |edition, _, family| {
        edition.above.insert(0, format!("2-1 城市主要指标（{} 年）", family.edition - 1));
    }),
    ("another year in the title", Outcome::Stops, |edition, _, family| {
        edition.above.insert(0, format!("2-1 城市主要指标（{}年）", family.edition));
    }),
    ("merged header cells", Outcome::Right, |edition, _, _| edition.merged = true),
    ("bilingual header", Outcome::Right, |edition, _, _| {
        edition.columns.iter_mut().for_each(|column| column.english = true);
    }),
    ("notes in between", Outcome::Right, |edition, chance, _| {
        for text in ["注：本表数据为快报数。", "资料来源：各市统计局", "(续表)"] {
            let place = chance.below(edition.rows.len() + 1);
            edition.rows.insert(place, Line::Text(text.to_string()));
        }
    }),
    ("blank tails of zeros", Outcome::Right, |edition, _, _| {
        edition.rows.extend([Line::Zeros, Line::Zeros, Line::Zeros]);
    }),
    ("the header on every page", Outcome::Right, |edition, chance, _| {
        let place = 2 + chance.below(edition.rows.len() - 2);
        edition.rows.insert(place, Line::Header);
    }),
    ("sheets behind", Outcome::Right, |edition, _, _| {
        edition.after.push((
            format!("指标解释{}", edition.after.len()),
            vec![vec!["城市".into(), "按行政区划".into()]],
            false,
        ));
    }),
    ("a hidden sheet in front", Outcome::Right, |edition, _, _| {
        edition.copy.get_or_insert("hidden");
    }),
    ("a sheet of contents in front", Outcome::Stops, |edition, _, _| {
        edition.before.push((
            format!("目录{}", edition.before.len()),
            vec![vec!["2-1".into(), "城市人口".into()]],
            false,
        ));
    }),
    ("the year before in a sheet of its own", Outcome::Stops, |edition, _, _| edition.copy = Some("behind")),
    ("the year before in front", Outcome::Stops, |edition, _, _| edition.copy = Some("front")),
    ("a renamed column", Outcome::Stops, |edition, chance, _| {
        let column = read_column(edition, chance);
        column.name = format!("{}合计数", column.name);
    }),
    ("growth in place of the level", Outcome::Stops, |edition, chance, _| {
        let column = read_column(edition, chance);
        column.name = format!("{}增长率", column.name);
        column.unit = "%".into();
    }),
    ("another definition", Outcome::Stops, |edition, chance, _| {
        let column = read_column(edition, chance);
        column.name = format!("{}(可比口径)", column.name);
    }),
    ("two candidate columns", Outcome::Stops, |edition, chance, _| {
        let mut column = read_column(edition, chance).clone();
        column.parts.iter_mut().for_each(|(_, reads)| *reads = None);
        column.english = !column.english;
        let place = chance.below(edition.columns.len() + 1);
        edition.columns.insert(place, column);
    }),
    ("another unit in the header", Outcome::Stops, |edition, chance, _| {
        let column = read_column(edition, chance);
        column.unit = format!("十{}", if column.unit.is_empty() { "万人" } else { &column.unit });
        column.size *= 10.0;
    }),
    ("another unit above the table", Outcome::Open, |edition, _, _| edition.above.insert(0, "单位：千人".into())),
    ("totals in new wording", Outcome::Stops, |edition, chance, _| {
        let wording = ["全国", "地级及以上城市", "各市汇总", "全部城市"];
        edition.rows.insert(1, Line::Total(wording[chance.below(wording.len())].to_string()));
    }),
    ("a city twice", Outcome::Stops, |edition, chance, _| {
        edition.rows.push(Line::City(cities()[chance.below(10)].clone()));
    }),
    ("half of the sheet empty", Outcome::Right, |edition, _, _| {
        let cities: Vec<String> = cities();
        edition.emptied.extend(cities[cities.len() / 2..].iter().cloned());
    }),
    ("an English row below the header", Outcome::Stops, |edition, _, _| edition.rows.insert(0, Line::English)),
    ("a lower header row one column off", Outcome::Stops, |edition, _, _| edition.shifted = true),
    ("gaps with a sign", Outcome::Open, |edition, chance, _| {
        let all = cities();
        for _ in 0..5 {
            let name = read_column(edition, chance).name.clone();
            edition.gaps.insert((all[chance.below(all.len())].clone(), name));
        }
    }),
    ("another table below", Outcome::Open, |edition, _, _| {
        edition.below.push(vec!["2-2 财政".into()]);
        edition.below.push(vec!["城市".into(), "".into(), "支出(万元)".into(), "".into(), "收入(万元)".into()]);
        for city in &cities()[..5] {
            edition.below.push(vec![city.clone(), "".into(), "17".into(), "".into(), "19".into()]);
        }
    }),
    ("another table above", Outcome::Right, |edition, _, _| {
        for (place, line) in
            ["一、财政", "城市|City|支出(万元)|收入(万元)", "北京市||17|19", "天津市||23|29", ""].iter().enumerate()
        {
            edition.above.insert(place, line.to_string());
        }
    }),
];

/// A header cell that the layout reads, other than the first.
fn read_column<'e>(edition: &'e mut Edition, chance: &mut Chance) -> &'e mut Printed {
    let is_read = |column: &Printed| column.parts.iter().any(|(_, reads)| reads.is_some());
    let read: Vec<usize> = (0..edition.columns.len()).filter(|index| is_read(&edition.columns[*index])).collect();
    &mut edition.columns[read[chance.below(read.len())]]
}

fn cities() -> Vec<String> {
    let names = "北京 天津 石家庄 唐山 秦皇岛 邯郸 邢台 保定 张家口 承德 沧州 廊坊 衡水 太原 大同 阳泉 长治 晋城 朔州 \
                 晋中 运城 忻州 临汾 吕梁 呼和浩特 包头 乌海 赤峰 通辽 鄂尔多斯";
    names.split_whitespace().map(|name| format!("{name}市")).collect()
}

/// The number an edition prints for a city, in the printed unit: a few digits, so that the conversion is exact in decimals.
fn printed(city: usize, column: usize, year: i64) -> f64 {
    let mixed = (city as u64 * 7919 + column as u64 * 104_729 + year as u64 * 31) % 90_000;
    // One city is far larger than the others, as in life, and none is half of all.
    let size = if city == 0 { 3.0 } else { 1.0 };
    ((mixed + 10_000) as f64 * size).round() / 100.0
}

fn family(file: &'static str, edition: i64, printed: &'static [(&str, &str, f64)], knows_gaps: bool) -> Family {
    let text = fs::read_to_string(root().join(file)).expect("a layout");
    let problems = Problems::default();
    let layout = kinds::layout::parse(&StudyFile { shown: file.into(), text }, &problems);
    let layout = layout.unwrap_or_else(|| panic!("{file}: {:?}", problems.into_sorted()));
    let is_name = |source: &ColumnSource| matches!(source, ColumnSource::Header { any_of, .. } if any_of == &["城市"]);
    let key = layout.columns.iter().find(|rule| is_name(&rule.source)).expect("a column of names").name.clone();
    Family { layout, file, key, edition, printed, knows_gaps }
}

fn families() -> [Family; 2] {
    const PERSONS: f64 = 10_000.0;
    let demonstration: &[(&str, &str, f64)] = &[("deposits", "亿元", 10_000.0), ("loans", "亿元", 10_000.0)];
    let real: &[(&str, &str, f64)] = &[
        ("employees", "万人", PERSONS),
        ("private_employees", "人", PERSONS),
        ("manufacturing", "", PERSONS),
        ("information", "", PERSONS),
        ("finance", "", PERSONS),
        ("science", "", PERSONS),
        ("education", "", PERSONS),
    ];
    [
        family("stages/ingest/yearbook.yaml", 2023, demonstration, true),
        family("tests/fixtures/real/stages/ingest/yearbook.yaml", 2016, real, false),
    ]
}

impl Family {
    /// The edition without changes: every header cell that the layout reads by its last name, and some that nobody asked for.
    fn edition(&self) -> Edition {
        let mut columns: Vec<Printed> = Vec::new();
        for rule in &self.layout.columns {
            let ColumnSource::Header { any_of, sub: Some(sub), .. } = &rule.source else { continue };
            // A column that a file may lack, and these do.
            if rule.optional {
                continue;
            }
            let name = any_of.last().expect("a name").clone();
            let known = self.printed.iter().find(|(column, ..)| *column == rule.name);
            let unit = rule.unit.clone().unwrap_or_default();
            let (unit, size) = known.map_or((unit, 1.0), |(_, unit, size)| (unit.to_string(), *size));
            let part = if sub == "全市" { 0 } else { 1 };
            if !columns.iter().any(|column| column.name == name) {
                let parts = vec![("全市", None), ("市辖区", None)];
                columns.push(Printed { name: name.clone(), unit, english: false, parts, size });
            }
            let column = columns.iter_mut().find(|column| column.name == name).expect("there");
            column.parts[part].1 = Some(rule.name.clone());
        }
        for (place, name, unit) in
            [(1, "人口自然增长率", "‰"), (4, "在岗职工平均工资", "元"), (7, "制造业总产值", "万元")]
        {
            let parts = vec![("全市", None)];
            columns.insert(place, Printed { name: name.into(), unit: unit.into(), english: false, parts, size: 1.0 });
        }
        let mut rows = vec![Line::Total("城市合计".into())];
        rows.extend(cities().into_iter().map(Line::City));
        Edition {
            sheet: "Sheet1".into(),
            above: Vec::new(),
            columns,
            rows,
            left: 0,
            merged: false,
            shifted: false,
            before: Vec::new(),
            after: Vec::new(),
            copy: None,
            below: Vec::new(),
            emptied: BTreeSet::new(),
            gaps: BTreeSet::new(),
        }
    }

    /// What the layout should make of it: the value of each column for each city; `None` where the sheet has no number.
    fn expected(&self, edition: &Edition) -> BTreeMap<(String, String), Option<f64>> {
        let mut expected = BTreeMap::new();
        for (row, city) in cities().into_iter().enumerate() {
            for column in &edition.columns {
                for (part, (_, reads)) in column.parts.iter().enumerate() {
                    let Some(reads) = reads else { continue };
                    let gone = edition.emptied.contains(&city)
                        || (part == 0 && edition.gaps.contains(&(city.clone(), column.name.clone())));
                    let value = printed(row, place_of(&column.parts, reads), self.edition);
                    expected.insert((city.clone(), reads.clone()), (!gone).then_some(value * column.size));
                }
            }
        }
        expected
    }

    fn read(&self, folder: &TempDir, edition: &Edition, chance: &mut Chance) -> Result<Extract, Vec<Diagnostic>> {
        let name = format!("Data_{}.xlsx", self.edition);
        let path = folder.path().join(&name);
        fs::write(&path, edition.write(self.edition, chance)).expect("written");
        let key = [self.key.clone(), "year".to_string()];
        let members = readers::read(&path, &name, &self.layout, folder.path(), &NoDecoder)
            .map_err(|error| vec![kinds::ingest::unreadable(&error, self.file)])?;
        let extract = members.into_iter().next().expect("one file").extract;
        key_holds(&name, &extract, &key).map(|()| extract).map_err(|problem| vec![problem])
    }
}

/// As ingest demands of a file: no key is missing, and none stands twice.
fn key_holds(name: &str, extract: &Extract, key: &[String]) -> Result<(), Diagnostic> {
    let columns: Vec<&Values> =
        extract.columns.iter().filter(|column| key.contains(&column.name)).map(|column| &column.values).collect();
    let mut seen = BTreeSet::new();
    for (row, origin) in extract.origins.iter().enumerate() {
        let values: Vec<Option<String>> = columns
            .iter()
            .map(|values| match values {
                Values::Text(values) => values[row].clone(),
                Values::Int(values) => values[row].map(|value| value.to_string()),
                other => panic!("no key: {other:?}"),
            })
            .collect();
        if values.contains(&None) || !seen.insert(values) {
            let place = format!("{name}, row {}", origin.row);
            return Err(Diagnostic::error("the key does not hold")
                .located(Some(place))
                .hint("as ingest says".to_string()));
        }
    }
    Ok(())
}

/// What tells the numbers of one column of the layout from those of the others.
fn place_of(parts: &[(&'static str, Option<String>)], reads: &str) -> usize {
    let sum: usize = reads.bytes().map(usize::from).sum();
    sum * 3 + parts.len()
}

impl Edition {
    fn write(&self, edition: i64, chance: &mut Chance) -> Vec<u8> {
        let mut workbook = Workbook::new();
        for (name, lines, hidden) in &self.before {
            plain(workbook.add_worksheet().set_name(name).expect("a name").set_hidden(*hidden), lines);
        }
        let copy = |workbook: &mut Workbook, hidden: bool, chance: &mut Chance| {
            let sheet = workbook.add_worksheet().set_name("上年").expect("a name").set_hidden(hidden);
            self.table(sheet, edition - 1, chance);
        };
        if let Some("front" | "hidden") = self.copy {
            copy(&mut workbook, self.copy == Some("hidden"), chance);
        }
        let sheet = workbook.add_worksheet().set_name(&self.sheet).expect("a name");
        sheet.set_active(true);
        self.table(sheet, edition, chance);
        if self.copy == Some("behind") {
            copy(&mut workbook, false, chance);
        }
        for (name, lines, hidden) in &self.after {
            plain(workbook.add_worksheet().set_name(name).expect("a name").set_hidden(*hidden), lines);
        }
        workbook.save_to_buffer().expect("a workbook")
    }

    fn table(&self, sheet: &mut Worksheet, year: i64, chance: &mut Chance) {
        let mut row = 0;
        for line in &self.above {
            for (column, cell) in line.split('|').enumerate() {
                number_or_text(sheet, row, self.left + column as u16, cell);
            }
            row += 1;
        }
        self.header(sheet, row);
        row += 2;
        let cities = cities();
        for line in &self.rows {
            match line {
                Line::City(city) => {
                    text(sheet, row, self.left, city);
                    if !self.emptied.contains(city) {
                        let index = cities.iter().position(|name| name == city).expect("a city");
                        self.numbers(sheet, row, year, &[index], Some(city), chance);
                    }
                }
                Line::Total(name) => {
                    text(sheet, row, self.left, name);
                    let there: Vec<usize> =
                        (0..cities.len()).filter(|city| !self.emptied.contains(&cities[*city])).collect();
                    self.numbers(sheet, row, year, &there, None, chance);
                }
                Line::Text(words) => text(sheet, row, self.left, words),
                Line::Zeros => {
                    for column in 4..8 {
                        sheet.write_number(row, self.left + column, 0.0).expect("written");
                    }
                }
                Line::Header => {
                    self.header(sheet, row);
                    row += 1;
                }
                Line::English => {
                    text(sheet, row, self.left, "City");
                    for (index, _) in self.cells().iter().enumerate() {
                        text(sheet, row, self.left + 2 + index as u16, "Total City");
                    }
                }
            }
            row += 1;
        }
        for line in &self.below {
            for (column, cell) in line.iter().enumerate() {
                number_or_text(sheet, row, self.left + column as u16, cell);
            }
            row += 1;
        }
    }

    /// Every cell of a row: header cell, part, and the column that reads it.
    fn cells(&self) -> Vec<(&Printed, usize, Option<&String>)> {
        let of = |column| {
            let column: &Printed = column;
            column.parts.iter().enumerate().map(move |(part, (_, reads))| (column, part, reads.as_ref()))
        };
        self.columns.iter().flat_map(of).collect()
    }

    fn header(&self, sheet: &mut Worksheet, row: u32) {
        let plain = Format::new();
        match self.merged {
            true => sheet.merge_range(row, self.left, row + 1, self.left, "城市", &plain).map(|_| ()).expect("merged"),
            false => text(sheet, row, self.left, "  城市"),
        }
        let mut place = self.left + 2;
        for column in &self.columns {
            let unit = if column.unit.is_empty() { String::new() } else { format!("({})", column.unit) };
            let english = if column.english { "\r\nTotal at Year-end" } else { "" };
            let words = format!("{}\r\n{unit}{english}", column.name);
            let end = place + column.parts.len() as u16 - 1;
            match self.merged && end > place {
                true => sheet.merge_range(row, place, row, end, &words, &plain).map(|_| ()).expect("merged"),
                false => text(sheet, row, place, &words),
            }
            for (lower, _) in &column.parts {
                text(sheet, row + 1, place + u16::from(self.shifted), lower);
                place += 1;
            }
        }
    }

    fn numbers(
        &self,
        sheet: &mut Worksheet,
        row: u32,
        year: i64,
        cities: &[usize],
        city: Option<&String>,
        chance: &mut Chance,
    ) {
        for (index, (column, part, reads)) in self.cells().into_iter().enumerate() {
            let place = self.left + 2 + index as u16;
            let what = reads.map_or(index + 5000, |reads| place_of(&column.parts, reads));
            let value: f64 = cities.iter().map(|city| printed(*city, what, year)).sum();
            let value = (value * 100.0).round() / 100.0;
            if part == 0 && city.is_some_and(|city| self.gaps.contains(&(city.clone(), column.name.clone()))) {
                text(sheet, row, place, "…");
                continue;
            }
            // Every fifth number as people type it.
            match chance.below(30) {
                0 => text(sheet, row, place, &format!("{value}")),
                1 => text(sheet, row, place, &wide(&format!("{value}"))),
                2 => text(sheet, row, place, &format!(" {}", separated(value))),
                3 => text(sheet, row, place, &format!("{value}①")),
                4 => text(sheet, row, place, &format!("{value}（2）")),
                _ => {
                    sheet.write_number(row, place, value).expect("written");
                }
            }
        }
    }
}

fn text(sheet: &mut Worksheet, row: u32, column: u16, words: &str) {
    if !words.is_empty() {
        sheet.write_string(row, column, words).expect("written");
    }
}

fn number_or_text(sheet: &mut Worksheet, row: u32, column: u16, words: &str) {
    match words.parse::<f64>() {
        Ok(number) => sheet.write_number(row, column, number).map(|_| ()).expect("written"),
        Err(_) => text(sheet, row, column, words),
    }
}

fn plain(sheet: &mut Worksheet, lines: &[Vec<String>]) {
    for (row, line) in lines.iter().enumerate() {
        for (column, cell) in line.iter().enumerate() {
            number_or_text(sheet, row as u32, column as u16, cell);
        }
    }
}

fn wide(number: &str) -> String {
    number.chars().map(|sign| char::from_u32(sign as u32 + 0xfee0).expect("ASCII")).collect()
}

fn separated(value: f64) -> String {
    let shown = format!("{value}");
    let (whole, rest) = shown.split_once('.').map_or((shown.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    rest.map_or(grouped.clone(), |rest| format!("{grouped}.{rest}"))
}

/// Every value is the one that was put in, every city is there unless its numbers are not, and nothing else is.
fn compare(what: &str, family: &Family, edition: &Edition, extract: &Extract) {
    let expected = family.expected(edition);
    let column = |name: &str| &extract.columns.iter().find(|column| column.name == name).expect("a column").values;
    let Values::Text(names) = column(&family.key) else { panic!("names are text") };
    let Values::Int(years) = column("year") else { panic!("years are whole numbers") };
    assert!(years.iter().all(|year| *year == Some(family.edition - 1)), "{what}: {years:?}");
    let names: Vec<&String> = names.iter().map(|name| name.as_ref().expect("a name")).collect();
    for city in cities().iter().filter(|city| !edition.emptied.contains(*city)) {
        assert!(names.contains(&city), "{what}: {city} is lost");
    }
    let mut compared = 0;
    for rule in &family.layout.columns {
        let (ColumnSource::Header { .. }, Values::Float(values)) = (&rule.source, column(&rule.name)) else { continue };
        for (name, value) in names.iter().zip(values) {
            let wanted = expected.get(&(name.to_string(), rule.name.clone()));
            let wanted = wanted.or(rule.optional.then_some(&None));
            let wanted = wanted.unwrap_or_else(|| panic!("{what}: a row `{name}`, or a column `{}`", rule.name));
            let same = match (wanted, value) {
                // A product and a quotient of decimals: the last digit may differ.
                (Some(wanted), Some(value)) => (wanted - value).abs() <= wanted.abs() * 1e-12,
                (wanted, value) => wanted.is_none() && value.is_none(),
            };
            assert!(same, "{what}: {name}, {}: {value:?} instead of {wanted:?}", rule.name);
            compared += 1;
        }
    }
    assert!(compared >= 15 * 12, "{what}: {compared} values were compared");
}

/// The file and the sheet, row or cell are named, and what to do next.
fn tells_where(what: &str, family: &Family, problems: &[Diagnostic]) -> String {
    let first = problems.first().unwrap_or_else(|| panic!("{what}: nothing is told"));
    let place = first.location.clone().unwrap_or_default();
    let told = format!("{} --> {place}; hint: {}", first.message, first.hint.clone().unwrap_or_default());
    assert!(place.contains(&format!("Data_{}.xlsx", family.edition)), "{what}: {told}");
    let names_a_place = ["cell ", "row ", "rows ", " row"].iter().any(|word| told.contains(word));
    assert!(names_a_place, "{what}: no cell, no row: {told}");
    assert!(first.hint.is_some(), "{what}: {told}");
    told
}

#[test]
fn each_change_comes_out_right_or_stops_with_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    for family in families() {
        for (what, outcome, change) in CHANGES {
            for seed in 0..3 {
                let mut chance = Chance(seed);
                let mut edition = family.edition();
                change(&mut edition, &mut chance, &family);
                let what = format!("{what} ({}, {seed})", family.file);
                match family.read(&folder, &edition, &mut chance) {
                    Ok(extract) => {
                        compare(&what, &family, &edition, &extract);
                        assert!(*outcome != Outcome::Stops, "{what} should stop");
                        let told = extract.issues.iter().any(|issue| issue.code == IssueCode::RowsWithoutValues);
                        assert!(told || edition.emptied.is_empty(), "{what}: rows without values are not told");
                    }
                    Err(problems) => {
                        let told = tells_where(&what, &family, &problems);
                        assert!(*outcome != Outcome::Right, "{what} should come out right: {told}");
                    }
                }
            }
        }
        // The signs of one study are declared, those of the other are not.
        let (_, _, gaps) = CHANGES.iter().find(|(what, ..)| *what == "gaps with a sign").expect("there");
        let mut edition = family.edition();
        gaps(&mut edition, &mut Chance(1), &family);
        assert_eq!(family.read(&folder, &edition, &mut Chance(1)).is_ok(), family.knows_gaps);
    }
}

#[test]
fn changes_by_hundreds_never_give_a_wrong_number() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut right, mut stopped) = (0, 0);
    for family in families() {
        for seed in 0..250 {
            let mut chance = Chance(1_000 + seed);
            let mut edition = family.edition();
            let mut names = Vec::new();
            let mut must_stop = false;
            for _ in 0..1 + chance.below(4) {
                // Half of the draws leave out what stops, or hardly any combination would be read.
                let (what, outcome, change) = CHANGES[chance.below(CHANGES.len())];
                if outcome == Outcome::Stops && chance.below(3) > 0 {
                    continue;
                }
                change(&mut edition, &mut chance, &family);
                names.push(what);
                must_stop |= outcome == Outcome::Stops;
            }
            let what = format!("{} ({}, {seed})", names.join(" + "), family.file);
            match family.read(&folder, &edition, &mut chance) {
                Ok(extract) => {
                    compare(&what, &family, &edition, &extract);
                    assert!(!must_stop, "{what} should stop");
                    right += 1;
                }
                Err(problems) => {
                    tells_where(&what, &family, &problems);
                    stopped += 1;
                }
            }
        }
    }
    assert!(right >= 100 && stopped >= 100, "{right} came out right and {stopped} stopped");
}
