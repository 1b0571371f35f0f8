//! Files that other programs made, and files that are not what they are called. `fixtures/make.py` and `fixtures/make.js` made
//! those that are kept; archives are made here.

use crate::{
    error::ReadError,
    extract::{IssueCode, Values},
    layout::{ColumnRule, Format, Layout, SheetChoice, ValueKind, sample},
};
use std::{
    fs,
    io::{Cursor, Read, Write},
    path::{Path, PathBuf},
};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// City, year and gdp.
fn layout(format: Format) -> Layout {
    let gdp = ColumnRule { optional: false, ..sample::field("gdp", ValueKind::Float) };
    let columns = vec![sample::field("city", ValueKind::Text), sample::field("year", ValueKind::Int), gdp];
    Layout { missing: vec!["—".into()], ..sample::layout(format, columns) }
}

fn read(name: &str, layout: &Layout) -> Result<crate::extract::Extract, ReadError> {
    sample::members(&fixture(name), &format!("data/{name}"), layout).map(|mut members| members.remove(0).extract)
}

fn texts(values: &[&str]) -> Values {
    Values::Text(values.iter().map(|text| Some(text.to_string())).collect())
}

/// The rows that all fixtures hold.
fn check(name: &str, format: Format, cities: [&str; 2]) -> crate::extract::Extract {
    let extract = read(name, &layout(format)).unwrap_or_else(|error| panic!("{name}: {}", sample::told(&error)));
    assert_eq!(extract.columns[0].values, texts(&cities), "{name}");
    assert_eq!(extract.columns[1].values, Values::Int(vec![Some(2011), Some(2012)]), "{name}");
    assert_eq!(extract.columns[2].values, Values::Float(vec![Some(1.5), None]), "{name}");
    extract
}

fn other_formats(extract: &crate::extract::Extract) -> Vec<&str> {
    let told = extract.issues.iter().filter(|issue| issue.code == IssueCode::OtherFormat);
    told.map(|issue| issue.text.as_str()).collect()
}

/// The decoder of ods takes no blanks between its elements, which a few programs write.
#[test]
fn an_indented_ods_is_an_error_that_says_what_to_do() {
    let error = read("sheetjs.ods", &layout(Format::Spreadsheet)).unwrap_err();
    assert!(error.to_string().contains("cannot be read as a spreadsheet"), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains(".xlsx")));
}

/// They would otherwise be missing without a word.
#[test]
fn cells_that_leave_out_their_columns_are_an_error() {
    let error = read("sheetjs.xlsb", &layout(Format::Spreadsheet)).unwrap_err();
    assert!(error.to_string().ends_with("leave out their columns, as SheetJS writes them"), "{error}");
}

/// Found by `tests/fuzz`: a field of a gigabyte in a file of a few bytes, two billion rows of nothing, a sheet that says it has more
/// cells than there can be.
#[test]
fn lengths_that_are_not_there_are_errors() {
    for (name, format, told) in [
        ("endless_field.dta", Format::Dta, "it says that it is longer than it is"),
        ("endless_rows.dta", Format::Dta, "it says that it has rows, and has no variables"),
        ("endless_sheet.xls", Format::Spreadsheet, "a sheet says that it has"),
    ] {
        let error = read(name, &layout(format)).unwrap_err();
        assert!(error.to_string().contains(told), "{name}: {error}");
    }
}

/// Found by `tests/fuzz`: the decoder waits for the end of a table without end.
#[test]
fn an_ods_without_the_end_of_its_table_is_an_error() {
    let fixture = fs::read(fixture("odfpy.ods")).unwrap();
    let mut archive = zip::ZipArchive::new(Cursor::new(fixture)).unwrap();
    let mut spoilt = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).unwrap();
        let mut content = Vec::new();
        part.read_to_end(&mut content).unwrap();
        let name = part.name().unwrap().to_string();
        if name == "content.xml" {
            let text = String::from_utf8(content).unwrap();
            assert!(text.contains("</table:table>"));
            content = text.replace("</table:table>", "</table:table%").into_bytes();
        }
        spoilt.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        spoilt.write_all(&content).unwrap();
    }
    let bytes = spoilt.finish().unwrap().into_inner();
    let error = sample::read("spoilt.ods", &bytes, &layout(Format::Spreadsheet)).unwrap_err();
    assert!(error.to_string().ends_with("its content.xml is cut off or damaged"), "{error}");
}

#[test]
fn workbooks_of_other_programs_are_read() {
    for name in [
        "default_password.xlsx",
        "epoch_1904.xlsx",
        "odfpy.ods",
        "openpyxl.xlsx",
        "rc4.xls",
        "rc4_crypto_api.xls",
        "sheetjs_biff8.xls",
        "xlwt.xls",
    ] {
        let extract = check(name, Format::Spreadsheet, ["北京", "襄阳 市"]);
        assert_eq!(extract.issues, [], "{name}");
        if name != "odfpy.ods" {
            assert_eq!(extract.sheets, [if name == "openpyxl.xlsx" { "数据 1" } else { &extract.sheets[0] }], "{name}");
        }
    }
}

#[test]
fn days_are_the_same_under_both_epochs() {
    for name in ["default_password.xlsx", "epoch_1904.xlsx", "odfpy.ods", "openpyxl.xlsx", "rc4.xls", "xlwt.xls"] {
        let mut layout = layout(Format::Spreadsheet);
        layout.columns.push(sample::field("day", ValueKind::Date));
        let extract = read(name, &layout).unwrap();
        assert_eq!(extract.columns[3].values, Values::Date(vec![Some(14_979), Some(15_399)]), "{name}");
    }
}

#[test]
fn a_password_that_somebody_chose_is_an_error() {
    let error = read("password.xlsx", &layout(Format::Spreadsheet)).unwrap_err();
    assert_eq!(error.to_string(), "`data/password.xlsx` is encrypted with a password");
}

#[test]
fn pages_by_the_name_of_workbooks_are_read_and_told() {
    for (name, kind) in [("sheetjs_html.xls", "html"), ("sheetjs_xml.xls", "xml")] {
        let extract = check(name, Format::Spreadsheet, ["北京", "襄阳 市"]);
        assert_eq!(other_formats(&extract), [format!("its name says xls, its content is {kind}")]);
    }
}

#[test]
fn stata_files_of_every_release_are_read() {
    for version in [113, 114, 115, 117, 118, 119] {
        check(&format!("pyreadstat_{version}.dta"), Format::Dta, ["Beijing", "Xiangyang"]);
    }
    for (version, cities) in [
        (114, ["Beijing", "Xiangyang"]),
        (117, ["Beijing", "Xiangyang"]),
        (118, ["北京", "襄阳 市"]),
        (119, ["北京", "襄阳 市"]),
    ] {
        check(&format!("pandas_{version}.dta"), Format::Dta, cities);
    }
}

#[test]
fn long_strings_and_tagged_missing_values_are_read() {
    let mut long = layout(Format::Dta);
    long.columns.push(sample::field("note", ValueKind::Text));
    let extract = read("strl_118.dta", &long).unwrap();
    assert_eq!(extract.columns[3].values, Values::Text(vec![Some("长".repeat(1200)), None]));
    let columns = vec![sample::field("city", ValueKind::Text), sample::field("gdp", ValueKind::Float)];
    let extract = read("tagged_118.dta", &sample::layout(Format::Dta, columns)).unwrap();
    assert_eq!(extract.columns[1].values, Values::Float(vec![Some(1.5), None]));
    let issues: Vec<_> = extract.issues.iter().map(|issue| (issue.code, issue.text.as_str())).collect();
    assert_eq!(issues, [(IssueCode::TaggedMissing, ".a")]);
}

#[test]
fn an_spss_file_is_named_with_the_way_out() {
    let error = read("pyreadstat.sav", &layout(Format::Spreadsheet)).unwrap_err();
    assert_eq!(error.to_string(), "`data/pyreadstat.sav` is an SPSS file, which is not read");
    assert!(error.hint().unwrap().contains("haven::write_dta"));
    let error = read("pyreadstat.sav", &layout(Format::Dta)).unwrap_err();
    assert_eq!(error.to_string(), "`data/pyreadstat.sav` is an SPSS file, which is not read");
}

#[test]
fn every_fixture_that_is_cut_off_or_spoilt_is_one_error_or_another_table() {
    for entry in fs::read_dir(fixture("")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_string();
        let format = match name.rsplit('.').next().unwrap() {
            "dta" => Format::Dta,
            "js" | "py" => continue,
            _ => Format::Spreadsheet,
        };
        let bytes = fs::read(&path).unwrap();
        for length in (1..bytes.len()).step_by(bytes.len() / 40 + 1) {
            let _ = sample::read(&name, &bytes[..length], &layout(format));
            let mut spoilt = bytes.clone();
            spoilt[length] ^= 0xff;
            let _ = sample::read(&name, &spoilt, &layout(format));
        }
    }
}

/// A zip archive; names that are not UTF-8 are written as they are.
fn archive(members: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    // The writer takes UTF-8 only: letters of the same number of bytes stand for those that are not.
    let mut renamed = Vec::new();
    for (index, (name, content)) in members.iter().enumerate() {
        let stand_in = match std::str::from_utf8(name) {
            Ok(name) => name.to_string(),
            Err(_) => {
                let stand_in = format!("{}{}", char::from(b'A' + index as u8), "~".repeat(name.len() - 1));
                renamed.push((stand_in.clone(), name.to_vec()));
                stand_in
            }
        };
        writer.start_file(stand_in, options).unwrap();
        writer.write_all(content).unwrap();
    }
    let mut bytes = writer.finish().unwrap().into_inner();
    for (stand_in, name) in renamed {
        for place in 0..bytes.len() - name.len() {
            if bytes[place..].starts_with(stand_in.as_bytes()) {
                bytes[place..place + name.len()].copy_from_slice(&name);
            }
        }
    }
    bytes
}

const CSV: &[u8] = "city,year,gdp\n北京,2011,1.5\n襄阳 市,2012,—\n".as_bytes();

fn members(name: &str, bytes: &[u8], layout: &Layout) -> Result<Vec<crate::Member>, ReadError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, bytes).unwrap();
    sample::members(&path, name, layout)
}

fn names(members: &[crate::Member]) -> Vec<&str> {
    members.iter().map(|member| member.shown.as_str()).collect()
}

#[test]
fn members_of_an_archive_are_files_with_names() {
    let gbk = encoding_rs::GBK.encode("数据 2012年.csv").0.into_owned();
    let bytes = archive(&[
        (&gbk, CSV),
        ("子 目录/数据 2011年.csv".as_bytes(), CSV),
        (b"__MACOSX/._x.csv", b"\0"),
        (b"readme.pdf", b"%PDF"),
    ]);
    let mut all = layout(Format::Csv);
    all.columns.push(sample::field("n", ValueKind::Int));
    all.columns[3].source = crate::layout::ColumnSource::File("n".into());
    all.file_pattern = Some(r"数据 (?<n>\d{4})年".into());
    let found = members("data/下载 1.zip", &bytes, &all).unwrap();
    assert_eq!(names(&found), ["data/下载 1.zip!子 目录/数据 2011年.csv", "data/下载 1.zip!数据 2012年.csv"]);
    assert_eq!(found[1].extract.columns[3].values, Values::Int(vec![Some(2012), Some(2012)]));
    all.members = vec!["*2012*".into()];
    assert_eq!(names(&members("a.zip", &bytes, &all).unwrap()), ["a.zip!数据 2012年.csv"]);
    all.members = vec!["子 目录/*.csv".into()];
    assert_eq!(names(&members("a.zip", &bytes, &all).unwrap()), ["a.zip!子 目录/数据 2011年.csv"]);
    all.members = vec!["*.tsv".into()];
    let error = members("a.zip", &bytes, &all).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no member `*.tsv` in `a.zip`; it has [readme.pdf, 子 目录/数据 2011年.csv, 数据 2012年.csv]"
    );
}

#[test]
fn compressed_files_keep_their_names() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(CSV).unwrap();
    let gzip = gzip.finish().unwrap();
    let zstd = zstd::encode_all(CSV, 3).unwrap();
    // xz -9 of the line "city,year,gdp" and those below it, by Python's lzma.
    let xz = fs::read(fixture("rows.csv.xz")).unwrap();
    let mut layout = layout(Format::Csv);
    layout.file_pattern = Some("(?<stem>年鉴)".into());
    for (name, bytes) in [("年鉴.csv.gz", &gzip), ("年鉴.csv.zst", &zstd), ("年鉴.csv.xz", &xz)] {
        let found = members(name, bytes, &layout).unwrap_or_else(|error| panic!("{}", sample::told(&error)));
        assert_eq!(names(&found), [name]);
        assert_eq!(found[0].extract.columns[0].values, texts(&["北京", "襄阳 市"]));
        let error = members(name, &bytes[..bytes.len() - 4], &layout).unwrap_err();
        assert!(matches!(error, ReadError::Archive { .. }), "{name}: {error}");
    }
    let both = archive(&[("年鉴.csv.gz".as_bytes(), &gzip)]);
    assert_eq!(names(&members("a.zip", &both, &layout).unwrap()), ["a.zip!年鉴.csv.gz"]);
}

#[test]
fn archives_that_mean_harm_are_refused() {
    let out = archive(&[(b"../../etc/a.csv", CSV)]);
    let error = members("a.zip", &out, &layout(Format::Csv)).unwrap_err();
    assert_eq!(error.to_string(), "`a.zip` cannot be unpacked: its member `../../etc/a.csv` points out of the archive");
    let mut bomb = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    for _ in 0..300 {
        bomb.write_all(&vec![b'a'; 1 << 20]).unwrap();
    }
    let error = members("a.csv.zst", &bomb.finish().unwrap(), &layout(Format::Csv)).unwrap_err();
    assert_eq!(error.to_string(), "`a.csv.zst` is too large to be read: it unpacks to more than 256 MB");
    let cut = archive(&[(b"a.csv", CSV)]);
    let error = members("a.zip", &cut[..cut.len() - 30], &layout(Format::Csv)).unwrap_err();
    assert!(error.to_string().contains("it is cut off"), "{error}");
}

#[test]
fn text_by_the_name_of_a_workbook_is_read_and_told() {
    let gbk = encoding_rs::GBK.encode("city\tyear\tgdp\n北京\t2011\t1.5\n襄阳 市\t2012\t—\n").0.into_owned();
    let mut utf16 = vec![0xff, 0xfe];
    utf16.extend("city\tyear\tgdp\n北京\t2011\t1.5\n".encode_utf16().flat_map(u16::to_le_bytes));
    for bytes in [CSV, &gbk, &utf16] {
        let extract = sample::read("导出.xls", bytes, &layout(Format::Spreadsheet)).unwrap();
        let Values::Text(cities) = &extract.columns[0].values else { panic!() };
        assert_eq!(cities[0].as_deref(), Some("北京"));
        assert_eq!(other_formats(&extract), ["read as csv: its content is delimited text"]);
    }
    let workbook = fs::read(fixture("openpyxl.xlsx")).unwrap();
    let extract = sample::read("导出.csv", &workbook, &layout(Format::Csv)).unwrap();
    assert_eq!(other_formats(&extract), ["read as spreadsheet: its content is a workbook"]);
    let extract = sample::read("导出.xls", &workbook, &layout(Format::Spreadsheet)).unwrap();
    assert_eq!(other_formats(&extract), ["its name says xls, its content is xlsx"]);
    // Prose has no fields.
    let error = sample::read("a.xls", b"nothing here\n", &layout(Format::Spreadsheet)).unwrap_err();
    assert!(matches!(error, ReadError::NotSpreadsheet { .. }), "{error}");
    // What the text cannot give is no reason to read something else.
    let mut named = layout(Format::Spreadsheet);
    named.sheets = SheetChoice::Names(vec!["*".into()]);
    named.columns[0].source = crate::layout::ColumnSource::SheetName;
    assert!(matches!(sample::read("a.xls", CSV, &named), Err(ReadError::NotSpreadsheet { .. })));
}

#[test]
fn keys_may_stand_in_the_folders_of_a_text() {
    let file = |group: &str| crate::layout::ColumnSource::File(group.into());
    let mut columns = vec![sample::field("city", ValueKind::Text), sample::field("year", ValueKind::Int)];
    columns[0].source = file("city");
    columns[1].source = file("year");
    columns
        .push(ColumnRule { source: crate::layout::ColumnSource::TextBody, ..sample::field("body", ValueKind::Text) });
    let mut layout = sample::layout(Format::Text, columns);
    layout.file_pattern = Some(r"(?<city>[^/]+)/(?<year>\d{4})年?".into());
    let read = |name: &str, bytes: &[u8]| members(name, bytes, &layout);
    let found = read("data/reports/襄阳 市/2012年.txt", "政府工作报告".as_bytes()).unwrap();
    assert_eq!(found[0].extract.columns[0].values, texts(&["襄阳 市"]));
    assert_eq!(found[0].extract.columns[1].values, Values::Int(vec![Some(2012)]));
    let found = read("data/r.zip", &archive(&[("北京/2011.txt".as_bytes(), b"a"), (b"x/2013.txt", b"b")])).unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(found[1].extract.columns[0].values, texts(&["北京"]));
    assert!(matches!(read("2012.txt", b"a"), Err(ReadError::FileName { .. })));
}
