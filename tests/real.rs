//! The real run: the fixture study on the files of `../shared/data`. Skipped, and said so, where they are not there.

use crate::support::{Study, names, root};
use std::io::Write;

/// The study on a copy of its folder, and the data; `None` if they are not on this machine.
fn study() -> Option<(Study, String)> {
    let data = root().join("../shared/data");
    if !data.join("yearbook").is_dir() {
        let _ = writeln!(std::io::stderr(), "real: skipped, because `../shared/data` is not there");
        return None;
    }
    let data = data.canonicalize().expect("there").display().to_string();
    Some((Study::copy(&root().join("tests/fixtures/real"), &["pipeline.yaml", "stages", "admin"]), data))
}

#[test]
fn the_real_files_become_one_panel() {
    let Some((study, data)) = study() else { return };
    let done = study.restudy(&["--data", &data, "run"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    for warning in [
        "the coverage of the patent counts breaks in the year of the first pilots",
        "rows of the pilot list are not verified against the ministry",
        "cities were dropped because they were no city in every year of the study",
        "a month of energy patents is missing",
        "the postcode of some energy patents is that of another city than the address names",
        "most citations of energy patents lead outside the files and have no city",
    ] {
        assert!(done.stderr.contains(warning), "the run does not say: {warning}");
    }
    for exhibit in ["table2.en.md", "table3.zh.html", "table3.en.tex"] {
        let text = study.read(&format!("out/exhibits/{exhibit}"));
        for warning in ["the coverage of the patent counts breaks", "rows of the pilot list are not verified"] {
            assert!(text.contains(warning), "{exhibit} does not say: {warning}");
        }
    }
    let ask = |query: &str| {
        let done = study.restudy(&["--data", &data, "sql", query, "--format", "csv"]);
        assert_eq!(done.code, 0, "{}", done.stderr);
        done.stdout.lines().skip(1).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(ask("select count(*), count(distinct city), min(year), max(year) from panel"), "2002,286,2007,2013");
    // Original vintage, in 10,000 yuan: 14113.58 and 17165.98 hundred million.
    assert_eq!(ask("select gdp from panel where city = 110000 and year = 2010"), "141135800");
    assert_eq!(ask("select gdp from panel where city = 310000 and year = 2010"), "171659800");
    let cases = [
        ("襄樊 is 襄阳", "select min(name), count(*) from panel where city = 420600", "襄阳市,7"),
        ("莱芜 was a city until 2018", "select count(*) from panel where city = 371200", "7"),
        ("巢湖 was abolished in 2011", "select count(*) from panel where city = 341400", "0"),
        (
            "and is listed",
            "select reason from unmatched where origin = 'yearbook' and name = '巢湖市'",
            "not in the study: abolished 2011",
        ),
        ("nothing else of them is", "select count(*) from unmatched where name like '襄%' or name like '莱芜%'", "0"),
        ("every dropped name has its reason", "select count(*) from unmatched where reason is null", "0"),
        ("all of them", "select count(*) from unmatched", "126"),
        ("addresses with a doubt", "select count(*), count(chosen) from energy_ambiguous", "242,180"),
        (
            "one that names a town only",
            "select placed_by, city from energy_places where patent = 'CN101975254A'",
            "\"postcode, no name\",330300",
        ),
        ("citations between the files' patents", "select count(*) from energy_citations where in_files", "9663"),
        (
            "of which between cities, to cities of the study",
            "select sum(citations_received) from energy_diffusion",
            "6242",
        ),
        (
            "years without files are missing, not zero",
            "select min(year), max(year), count(energy_diffusion) from energy_diffusion where energy_diffusion is not null",
            "2011,2013,858",
        ),
    ];
    for (what, query, expected) in cases {
        assert_eq!(ask(query), expected, "{what}");
    }
    // An independent program (numpy) gives the same to its last digits; 1e-9 is far below what is printed.
    let query = "select estimate, std_error from baseline.coefficients
        where term = 'smart' and outcome = 'growth_gap' and controls = 'none'";
    let numbers: Vec<f64> = ask(query).split(',').map(|number| number.parse().expect("a number")).collect();
    for (number, expected) in numbers.iter().zip([-0.06606935002125555, 0.06738276725404964]) {
        assert!((number - expected).abs() < 1e-9, "{numbers:?}");
    }
    assert_eq!(names(&study.run(&["--data", &data]), "ran"), Vec::<String>::new());
}

#[test]
fn a_city_without_a_code_or_a_correction_that_no_longer_fits_stops_the_study() {
    let Some((study, data)) = study() else { return };
    let corrections = study.read("admin/corrections.csv");
    study.edit("admin/corrections.csv", ",66,660000,", ",66,670000,");
    let done = study.restudy(&["--data", &data, "run"]);
    assert_eq!(done.code, 1);
    assert!(done.stderr.contains("a correction does not fit the file any more"), "{}", done.stderr);
    study.write("admin/corrections.csv", corrections);
    let spellings = study.read("admin/spellings.csv");
    let without: Vec<&str> = spellings.lines().filter(|line| !line.contains("四安市")).collect();
    study.write("admin/spellings.csv", without.join("\n") + "\n");
    let done = study.restudy(&["--data", &data, "run"]);
    assert_eq!(done.code, 1);
    assert!(done.stderr.contains("not in the table of names"), "{}", done.stderr);
    assert!(done.stderr.contains("四安市") && !study.path("out").exists(), "{}", done.stderr);
}
