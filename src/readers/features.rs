//! Tests: every option of a layout on small workbooks written here, what comes out and how it fails.

use crate::{
    error::ReadError,
    extract::{Extract, IssueCode, Values},
    layout::{
        ColumnRule, ColumnSource, Encoding, Format, HeaderRule, Layout, PrintedRule, ScaleRule, SheetChoice, SkipRule,
        ValueKind, sample,
    },
};
use expect_test::{Expect, expect};
use rust_xlsxwriter::{Format as CellFormat, Workbook, Worksheet};

/// Cells of a sheet, one line per row, `|` between cells; what reads as a number is one.
fn fill(sheet: &mut Worksheet, text: &str) {
    for (row, line) in text.lines().enumerate() {
        for (column, cell) in line.split('|').enumerate().filter(|(_, cell)| !cell.is_empty()) {
            let (row, column) = (row as u32, column as u16);
            match cell.parse::<f64>() {
                Ok(number) => sheet.write_number(row, column, number),
                Err(_) => sheet.write_string(row, column, cell.replace("\\n", "\r\n")),
            }
            .expect("written");
        }
    }
}

fn workbook(sheets: &[(&str, &str)]) -> Vec<u8> {
    let mut workbook = Workbook::new();
    for (name, text) in sheets {
        fill(workbook.add_worksheet().set_name(*name).expect("a name"), text);
    }
    workbook.save_to_buffer().expect("a workbook")
}

fn header(names: &[&str], sub: Option<&str>) -> ColumnSource {
    let any_of = names.iter().map(|name| name.to_string()).collect();
    ColumnSource::Header { any_of, sub: sub.map(str::to_string), nth: 0 }
}

/// A city and its population in 万人, from a header of `rows` rows.
fn layout(rows: usize, sub: Option<&str>) -> Layout {
    let population = ColumnRule {
        unit: Some("万人".into()),
        ..sample::column("population", header(&["年末总人口", "年末户籍人口"], sub), ValueKind::Float)
    };
    let columns = vec![sample::column("city", header(&["城市"], None), ValueKind::Text), population];
    let contains = vec!["城市".to_string(), "人口".to_string()];
    Layout { header: HeaderRule::Found { contains, rows }, ..sample::layout(Format::Spreadsheet, columns) }
}

fn read_as(name: &str, sheets: &[(&str, &str)], layout: &Layout) -> Result<Extract, ReadError> {
    sample::read(name, &workbook(sheets), layout)
}

fn read(text: &str, layout: &Layout) -> Result<Extract, ReadError> {
    read_as("Data_2013.xlsx", &[("Sheet1", text)], layout)
}

/// The rows that came out, one line each.
fn rows(extract: &Extract) -> String {
    let cell = |values: &Values, row: usize| match values {
        Values::Text(values) => values[row].clone().unwrap_or("-".into()),
        Values::Int(values) => values[row].map_or("-".into(), |value| value.to_string()),
        Values::Float(values) => values[row].map_or("-".into(), |value| value.to_string()),
        other => format!("{other:?}"),
    };
    let line = |row: usize| {
        let cells: Vec<String> = extract.columns.iter().map(|column| cell(&column.values, row)).collect();
        cells.join(" ")
    };
    (0..extract.origins.len()).map(line).collect::<Vec<_>>().join("; ")
}

fn gives(text: &str, layout: &Layout, expected: &str) {
    match read(text, layout) {
        Ok(extract) => assert_eq!(rows(&extract), expected, "{text}"),
        Err(error) => panic!("{text}\n{}", sample::told(&error)),
    }
}

fn fails(text: &str, layout: &Layout, expected: Expect) {
    expected.assert_eq(&sample::told(&read(text, layout).expect_err(text)));
}

#[test]
fn the_header_is_found_wherever_it_is_and_however_it_is_written() {
    let one = layout(1, None);
    gives("城市|年末总人口(万人)\n甲|1.5", &one, "甲 1.5");
    gives(
        "2-1 城市人口\n\n注|x\n城 市|其中：年末总人口\\n（万人）\\nPopulation\\n(10 000 persons)\n甲|1.5",
        &one,
        "甲 1.5",
    );
    gives("x|城市|y|(2)年末户籍人口\n1|甲|2|1.5", &one, "甲 1.5");
    let two = layout(2, Some("全市"));
    gives("城市|年末总人口(万人)\n|市辖区|全市\\nTotal City\n甲|1|2\n乙|3|4", &two, "甲 2; 乙 4");
    // The unit alone in the second row, and a name split over two.
    gives("城市|年末总人口\n|万人\n甲|1", &layout(2, None), "甲 1");
    let mut split = layout(2, None);
    split.header = HeaderRule::Found { contains: vec!["城市".into()], rows: 2 };
    gives("城市|年末总\n|人口\n甲|1", &split, "甲 1");
    // A group above the names.
    gives("城市|人口||\n|年末总人口||非农业人口\n|全市|市辖区|全市\n甲|1|2|3", &layout(3, Some("全市")), "甲 1");
}

#[test]
fn merged_cells_name_what_is_below_them_and_fill_down_where_asked() {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    fill(sheet, "||||\n||全市|市辖区|\n甲|a|1|2\n||3|4\n乙|b|5|6");
    let plain = CellFormat::new();
    sheet.merge_range(0, 0, 1, 0, "城市", &plain).expect("merged");
    sheet.merge_range(0, 2, 0, 3, "年末总人口(万人)", &plain).expect("merged");
    let bytes = workbook.save_to_buffer().expect("a workbook");
    let mut layout = layout(2, Some("市辖区"));
    let not_filled = sample::read("a.xlsx", &bytes, &layout).expect("read");
    assert_eq!(rows(&not_filled), "甲 2; - 4; 乙 6");
    layout.columns[0].fills_down = true;
    assert_eq!(rows(&sample::read("a.xlsx", &bytes, &layout).expect("read")), "甲 2; 甲 4; 乙 6");
}

#[test]
fn a_column_that_is_not_there_or_there_twice_stops_the_reading() {
    let one = layout(1, None);
    fails(
        "城市|人口增长率(%)|年末常住人口(万人)\n甲|1|2",
        &one,
        expect![[r#"
        no column for `population` in sheet `Sheet1` of `Data_2013.xlsx`: nothing there is called [年末总人口, 年末户籍人口]
        --> Data_2013.xlsx, sheet `Sheet1`, row 1
        hint: the nearest are [C1 年末常住人口(万人), B1 人口增长率(%), A1 城市]; add the name to `population` in the layout, or make the column optional"#]],
    );
    fails(
        "城市|年末总人口(万人)|x|年末户籍人口\n甲|1|2|3",
        &one,
        expect![[r#"
        several columns for `population` in sheet `Sheet1` of `Data_2013.xlsx`: B1 `年末总人口(万人)`, D1 `年末户籍人口`
        --> Data_2013.xlsx, sheet `Sheet1`, cell B1
        hint: give the full header text, `sub`, `nth` (1 is the second), or the position"#]],
    );
    fails(
        "城市|年末总人口(常住)\n甲|1",
        &one,
        expect![[r#"
        no column for `population` in sheet `Sheet1` of `Data_2013.xlsx`: nothing there is called [年末总人口, 年末户籍人口]
        --> Data_2013.xlsx, sheet `Sheet1`, row 1
        hint: the nearest are [B1 年末总人口(常住), A1 城市]; add the name to `population` in the layout, or make the column optional"#]],
    );
    let mut optional = layout(1, None);
    optional.columns[1].optional = true;
    let extract = read("城市|人口数\n甲|1", &optional).expect("read");
    assert_eq!(rows(&extract), "甲 -");
    assert!(extract.issues.iter().any(|issue| issue.code == IssueCode::AbsentColumn && issue.column == "population"));
}

#[test]
fn a_unit_in_the_header_or_above_it_must_be_the_one_that_is_declared() {
    let mut one = layout(1, None);
    fails(
        "城市|年末总人口(人)\n甲|15000",
        &one,
        expect![[r#"
        column `population`: the file prints `人` where the layout expects `万人`: B1 `年末总人口(人)`
        --> Data_2013.xlsx, sheet `Sheet1`, cell B1
        hint: look at the numbers: if they are in 人, say `printed: [{unit: 人}]`; if the cell is wrong and they are in 万人, say `printed: [{unit: 万人, header: 人}]`"#]],
    );
    fails(
        "城市|年末总人口（万元）\n甲|1",
        &one,
        expect![[r#"
            column `population`: the file prints `万元` where the layout expects `万人`: B1 `年末总人口（万元）`
            --> Data_2013.xlsx, sheet `Sheet1`, cell B1
            hint: that counts something else: give the name of the right column, or correct `unit`"#]],
    );
    fails(
        "人口|单位：人\n城市|年末总人口\n甲|15000",
        &one,
        expect![[r#"
        column `population`: the file prints `人` where the layout expects `万人`: B1 `单位：人`
        --> Data_2013.xlsx, sheet `Sheet1`, cell B1
        hint: look at the numbers: if they are in 人, say `printed: [{unit: 人}]`; if the cell is wrong and they are in 万人, say `printed: [{unit: 万人, header: 人}]`"#]],
    );
    // A line above speaks of what has no unit of its own, and of nothing else than it counts.
    gives("人口|单位：人\n城市|年末总人口(万人)\n甲|1", &one, "甲 1");
    gives("财政|单位：亿元\n城市|年末总人口\n甲|1", &one, "甲 1");
    let printed = |by: bool, from: i64, unit: &str, header: Option<&str>| PrintedRule {
        by: by.then(|| "edition".to_string()),
        from: by.then_some(from),
        to: None,
        unit: unit.into(),
        header: header.map(str::to_string),
    };
    one.columns[1].printed = vec![printed(false, 0, "人", None)];
    gives("城市|年末总人口(人)\n甲|15000", &one, "甲 1.5");
    gives("城市|年末总人口\n甲|15000", &one, "甲 1.5");
    fails(
        "城市|年末总人口(万人)\n甲|1.5",
        &one,
        expect![[r#"
        column `population`: the file prints `万人` where the layout expects `人`: B1 `年末总人口(万人)`
        --> Data_2013.xlsx, sheet `Sheet1`, cell B1
        hint: look at the numbers: if they are in 万人, say `printed: [{unit: 万人}]`; if the cell is wrong and they are in 人, say `printed: [{unit: 人, header: 万人}]`"#]],
    );
    // By edition; and a header that is known to be wrong.
    one.file_pattern = Some(r"Data_(?<edition>\d{4})".into());
    one.columns[1].printed = vec![printed(true, 2012, "人", None)];
    gives("城市|年末总人口(人)\n甲|15000", &one, "甲 1.5");
    let older = read_as("Data_2011.xlsx", &[("S", "城市|年末总人口(万人)\n甲|1.5")], &one).expect("read");
    assert_eq!(rows(&older), "甲 1.5");
    one.columns[1].printed = vec![printed(true, 2012, "万人", Some("人"))];
    gives("城市|年末总人口(人)\n甲|1.5", &one, "甲 1.5");
    fails(
        "城市|年末总人口(万人)\n甲|1.5",
        &one,
        expect![[r#"
        column `population`: the file prints `万人` where the layout expects `人`: B1 `年末总人口(万人)`
        --> Data_2013.xlsx, sheet `Sheet1`, cell B1
        hint: look at the numbers: if they are in 万人, say `printed: [{by: edition, from: 2013, to: 2013, unit: 万人}]`; if the cell is wrong and they are in 人, say `printed: [{by: edition, from: 2013, to: 2013, unit: 人, header: 万人}]`"#]],
    );
    // What a factor says is compared too.
    one.columns[1].printed = Vec::new();
    one.columns[1].scale = vec![ScaleRule { from: Some(2013), to: None, by: "edition".into(), factor: 0.0001 }];
    gives("城市|年末总人口(人)\n甲|15000", &one, "甲 1.5");
    fails(
        "城市|年末总人口(万人)\n甲|1.5",
        &one,
        expect![[r#"
            column `population`: the file prints `万人` where the layout expects `0.0001 万人`: B1 `年末总人口(万人)`
            --> Data_2013.xlsx, sheet `Sheet1`, cell B1
            hint: look at the numbers, and say with `printed` in place of `scale` what unit they are in; that knows a header cell that is wrong too"#]],
    );
}

#[test]
fn sheets_are_stacked_and_named_and_never_guessed() {
    let (one, two) = ("城市|年末总人口\n甲|1", "x|城市|年末总人口\n|乙|2");
    let mut stacked = layout(1, None);
    stacked.sheets = SheetChoice::Names(vec!["20??年".into()]);
    stacked.sheet_pattern = Some(r"(?<year>\d{4})年".into());
    stacked.columns.push(sample::column("year", ColumnSource::Sheet("year".into()), ValueKind::Int));
    stacked.columns[1].printed =
        vec![PrintedRule { by: Some("year".into()), from: Some(2012), to: None, unit: "千人".into(), header: None }];
    let sheets = [("说明", "x"), ("2011年", one), ("2012年", two)];
    assert_eq!(rows(&read_as("a.xlsx", &sheets, &stacked).expect("read")), "甲 1 2011; 乙 0.2 2012");
    stacked.sheets = SheetChoice::Names(vec!["*年".into()]);
    let error = read_as("a.xlsx", &[("2011年", one), ("旧年", two)], &stacked).unwrap_err();
    expect![[r#"
        the name of sheet `旧年` does not fit `sheet: (?<year>\d{4})年`
        --> a.xlsx, sheet `旧年`
        hint: narrow `sheets:` so that it leaves the sheet out, or change `sheet:` of the layout; it is matched against the whole name"#]].assert_eq(&sample::told(&error));
    let first = layout(1, None);
    assert_eq!(rows(&read_as("a.xlsx", &[("甲", one), ("说明", "x|y")], &first).expect("read")), "甲 1");
    let error = read_as("a.xlsx", &[("甲", one), ("乙", two)], &first).unwrap_err();
    expect![[r#"
        2 sheets hold the header: `甲` in row 1, `乙` in row 1
        --> a.xlsx
        hint: name the sheet with `sheets:`; several are read one below the other"#]]
    .assert_eq(&sample::told(&error));
}

#[test]
fn rows_are_left_out_by_rule_and_listed() {
    let mut one = layout(1, None);
    one.skip = vec![
        SkipRule::Matches { column: "city".into(), pattern: "合计|^[A-Za-z]".into() },
        SkipRule::From { column: "city".into(), pattern: "^附".into() },
        SkipRule::Only { column: "city".into() },
    ];
    let text = "城市|年末总人口\n合 计|9\nCity|9\n注：x\n甲|1\n\n广东省\n乙|—\n附表|3\n丙|4\n丁|5";
    one.missing = vec!["—".into()];
    let extract = read(text, &one).expect("read");
    assert_eq!(rows(&extract), "甲 1; 乙 -");
    let skipped: Vec<String> = extract.skipped.iter().map(|row| format!("{} {}", row.row, row.reason)).collect();
    let below = "below the row where city matches ^附";
    assert_eq!(
        skipped,
        [
            "2 city matches 合计|^[A-Za-z]".to_string(),
            "3 city matches 合计|^[A-Za-z]".into(),
            "4 only city is filled".into(),
            "7 only city is filled".into(),
            "9 city matches ^附".into(),
            format!("10 {below}"),
            format!("11 {below}"),
        ]
    );
    // A few notes are no news, half a table is.
    let lost =
        |extract: &Extract| extract.issues.iter().filter(|issue| issue.code == IssueCode::RowsWithoutValues).count();
    assert_eq!(lost(&extract), 0);
    let half = read("城市|年末总人口\n甲|1\n乙|2\n丙\n丁\n戊\n己", &one).expect("read");
    assert_eq!((rows(&half).as_str(), lost(&half)), ("甲 1; 乙 2", 1));
}

#[test]
fn a_second_header_is_the_same_once_more_or_an_error() {
    let one = layout(1, None);
    let page = "城市|年末总人口(万人)\n甲|1\n城市|年末总人口(万人)\n乙|2";
    gives(page, &one, "甲 1; 乙 2");
    fails(
        "城市|年末总人口\n甲|1\n续表\n城市|x|年末总人口\n乙|2|3",
        &one,
        expect![[r#"
        row 4 is a second header, and in it `population` is not in the same place as in row 1
        --> Data_2013.xlsx, sheet `Sheet1`, row 4
        hint: a table under another header needs a layout of its own; to leave it out, end the first above row 4 with `skip: [{column: …, matches: …, rest: true}]`, or look for the second with `below` of `header`"#]],
    );
    fails(
        "城市|年末总人口(万人)\n甲|1\n城市|年末总人口(人)\n乙|20000",
        &one,
        expect![[r#"
        column `population`: the file prints `人` where the layout expects `万人`: B3 `年末总人口(人)`
        --> Data_2013.xlsx, sheet `Sheet1`, cell B3
        hint: look at the numbers: if they are in 人, say `printed: [{unit: 人}]`; if the cell is wrong and they are in 万人, say `printed: [{unit: 万人, header: 人}]`"#]],
    );
    let mut second = layout(1, None);
    second.header_below = Some("二、户籍".into());
    gives("一、常住\n城市|年末总人口\n甲|1\n二、户籍 人口\n城市|年末总人口\n甲|2", &second, "甲 2");
    fails(
        "一、常住\n城市|年末总人口\n甲|1",
        &second,
        expect![[r#"
        no cell holds `二、户籍`, below which the layout looks for the header
        --> Data_2013.xlsx, sheet `Sheet1`
        hint: look at what stands above the table, and change `below` of the layout's header"#]],
    );
}

#[test]
fn the_title_gives_a_value_or_confirms_it() {
    let mut titled = layout(1, None);
    titled.columns.push(sample::column("year", ColumnSource::Title(r"(\d{4})年".into()), ValueKind::Int));
    gives("２０１１ 年人口\n城市|年末总人口\n甲|1", &titled, "甲 1 2011");
    fails(
        "人口\n城市|年末总人口\n甲|1",
        &titled,
        expect![[r#"
        column `year` comes from the title, and nothing above the header in row 2 fits `(\d{4})年`
        --> Data_2013.xlsx, sheet `Sheet1`, row 2
        hint: look at what stands above the header, and change `title` of the layout"#]],
    );
    fails(
        "2011年人口\n2012年\n城市|年末总人口\n甲|1",
        &titled,
        expect![[r#"
        column `year` comes from the title, which says both 2011 and 2012: A2 `2012年`
        --> Data_2013.xlsx, sheet `Sheet1`, cell A2
        hint: narrow `title` of the layout to the words around the right one"#]],
    );
    let mut named = layout(1, None);
    named.file_pattern = Some(r"Data_(?<edition>\d{4})".into());
    named.columns.push(ColumnRule {
        add: Some(-1),
        title_says: Some(r"(\d{4})年".into()),
        ..sample::column("year", ColumnSource::File("edition".into()), ValueKind::Int)
    });
    gives("2012年人口\n城市|年末总人口\n甲|1", &named, "甲 1 2012");
    gives("人口\n城市|年末总人口\n甲|1", &named, "甲 1 2012");
    fails(
        "人口|2013年\n城市|年末总人口\n甲|1",
        &named,
        expect![[r#"
        column `year` is 2012 by group `edition` of the file name, but the title says 2013: B1 `2013年`
        --> Data_2013.xlsx, sheet `Sheet1`, cell B1
        hint: look at the file: if it is misnamed, rename it; if the title means something else, narrow `title_says` to the words around the year"#]],
    );
}

#[test]
fn a_total_among_its_parts_stops_the_reading() {
    let mut layout = layout(1, None);
    layout.columns.push(sample::column("gdp", header(&["GDP"], None), ValueKind::Float));
    let cities: String = (1..=12).map(|city| format!("市{city}|{}|{}\n", city * 3, 100 - city)).collect();
    let text = format!("城市|年末总人口|GDP\n{cities}全国|234|1122");
    fails(
        &text,
        &layout,
        expect![[r#"
        row 14 looks like a total: in 2 columns its value is the sum of all other rows, as in `population` with 234 beside a sum of 234
        --> Data_2013.xlsx, sheet `Sheet1`, cell B14
        hint: if it is a total, skip the row (`skip:`); if it is not, say `totals: keep` in the layout"#]],
    );
    layout.keeps_totals = true;
    assert_eq!(read(&text, &layout).expect("read").origins.len(), 13);
}

#[test]
fn numbers_are_read_as_people_write_them_and_never_guessed() {
    let mut one = layout(1, None);
    one.missing = ["—", "…", "n.a."].map(String::from).to_vec();
    for (text, expected) in [
        ("１２．５", "甲 12.5"),
        ("1,234.5", "甲 1234.5"),
        ("12.5①", "甲 12.5"),
        ("12.5（1）", "甲 12.5"),
        (" 12.5 ", "甲 12.5"),
        ("—", "甲 -"),
        ("…", "甲 -"),
        ("n.a.", "甲 -"),
    ] {
        gives(&format!("城市|年末总人口\n甲|{text}"), &one, expected);
    }
    fails(
        "城市|年末总人口\n甲|1\n乙|……",
        &one,
        expect![[r#"
        a value of column `population` is not a number: B3 `……`
        --> Data_2013.xlsx, sheet `Sheet1`, cell B3
        hint: if `……` means missing, add it to `missing:` of the layout; if the row is no data, skip it by `population`; otherwise read the column as text"#]],
    );
}

#[test]
fn an_encoding_that_was_guessed_from_little_is_told() {
    let mut layout = sample::layout(Format::Csv, vec![sample::field("a", ValueKind::Text)]);
    layout.encoding = Encoding::Detect;
    let doubts = |text: &str, layout: &Layout| {
        let (bytes, ..) = encoding_rs::GB18030.encode(text);
        let extract = sample::read("a.csv", &bytes, layout).expect("read");
        let found = extract.issues.iter().find(|issue| issue.code == IssueCode::EncodingGuessed);
        found.map(|issue| issue.text.clone())
    };
    let little = doubts("a\n北京市\n", &layout).expect("a doubt");
    assert!(little.contains("only 3 characters beyond ASCII"), "{little}");
    let much = "a\n".to_string() + &"中华人民共和国国务院政府工作报告\n".repeat(20);
    assert_eq!(doubts(&much, &layout), None);
    assert_eq!(doubts("a\nb\n", &layout), None);
    layout.encoding = Encoding::Named("gb18030".into());
    assert_eq!(doubts("a\n北京市\n", &layout), None);
}

#[test]
fn contradictions_within_a_layout_are_told_without_a_file() {
    use crate::layout::check;
    type Change = fn(&mut Layout);
    let changes: [(Change, &[&str], &str); 8] = [
        (|l| l.columns[1].unit = None, &["columns", "population", "printed"], "not what it becomes; add `unit`"),
        (
            |l| l.columns[1].printed[0].unit = "元".into(),
            &["columns", "population", "printed"],
            "`元` cannot be turned into `万人`",
        ),
        (
            |l| l.columns[1].scale = vec![ScaleRule { from: None, to: None, by: "edition".into(), factor: 2.0 }],
            &["columns", "population", "printed"],
            "both would convert",
        ),
        (|l| l.sheet_pattern = Some(r"(?<edition>\d)".into()), &["sheet"], "is in `file` and in `sheet`"),
        (|l| l.columns[1].printed[0].by = Some("year".into()), &["columns", "population"], "needs the group `year`"),
        (
            |l| l.columns[1].title_says = Some("x".into()),
            &["columns", "population", "title_says"],
            "the same in every row",
        ),
        (
            |l| l.columns[0].source = ColumnSource::Title("(a)(b)".into()),
            &["columns", "city", "title"],
            "may have one group",
        ),
        (
            |l| l.columns[0].source = ColumnSource::Sheet("year".into()),
            &["columns", "city"],
            "the pattern `sheet` has []",
        ),
    ];
    for (change, path, message) in changes {
        let mut wrong = layout(1, None);
        wrong.file_pattern = Some(r"Data_(?<edition>\d{4})".into());
        wrong.columns[1].printed =
            vec![PrintedRule { by: Some("edition".into()), from: None, to: None, unit: "人".into(), header: None }];
        assert_eq!(check(&wrong), Ok(()));
        change(&mut wrong);
        let error = check(&wrong).unwrap_err();
        assert_eq!(error.path(), path, "{error}");
        assert!(error.to_string().contains(message), "{error}");
    }
}
