//! The demonstration study's SQL on patents, run over a dozen patents whose results were worked out by hand; see `docs/patents.md` for
//! the rules. The stages and their parameters are those of `pipeline.yaml`; only what is read from files is given here.

use crate::support::{Study, root};
use expect_test::{Expect, expect};
use std::fs;

/// What stands in the place of files. Of the cities 丁州 is not in the study; 戊州 is the name of two cities; 乙州 was called 旧乙 until 2009.
const GIVEN: &str = "
  cities:
    kind: sql
    query: >-
      select * from (values (1, '甲州市', '子省', true, null), (2, '乙州市', '子省', true, null), (3, '丙州市', '丑省', true, null),
      (4, '丁州市', '丑省', false, 'not covered'), (5, '戊州市', '子省', true, null), (6, '戊州市', '丑省', true, null))
      as t(code, name, province, in_study, excluded_because)
    key: [code]
  names:
    kind: sql
    query: >-
      select * from (values ('甲州市', 1, 2000, 9999), ('甲州', 1, 2000, 9999), ('乙州市', 2, 2010, 9999), ('乙州', 2, 2010, 9999),
      ('旧乙市', 2, 2000, 2009), ('丙州市', 3, 2000, 9999), ('丙州', 3, 2000, 9999), ('丁州市', 4, 2000, 9999), ('丁州', 4, 2000, 9999),
      ('戊州市', 5, 2000, 9999), ('戊州市', 6, 2000, 9999), ('子', 1, 2000, 9999)) as t(name, code, valid_from, valid_to)
    key: [name, code]
  postcodes:
    kind: sql
    query: select * from (values ('1001', 1), ('1002', 2), ('1003', 3), ('1005', 5), ('1006', 6), ('1009', 2), ('1009', 3)) as t(prefix, code)
    key: [prefix, code]
  applicant_types:
    kind: sql
    query: select * from (values ('公司', 'firm'), ('大学', 'university'), ('研究院', 'institute'), ('院', 'government'), ('医院', 'government')) as t(suffix, type)
    key: [suffix]
  city_years:
    kind: sql
    query: select cities.code as city, value as year from cities cross join generate_series(2010, 2017) where cities.in_study
    key: [city, year]
  patents:
    kind: sql
    query: >-
      select patent, cast(substr(granted, 1, 4) as bigint) as year, cast(applied as date) as applied, cast(published as date) as published,
      cast(granted as date) as granted, kind, classification, further_classes, applicants, address, cited
      from (values
      ('p1', '2008-01-01', '2009-01-01', '2010-07-01', '发明', 'H04L1/00', null, '甲州天成公司', '100101 子省甲州市一路1号', null),
      ('p2', '2008-01-01', '2009-01-01', '2010-07-01', '发明', 'H04L9/06', 'G06F1/00; H04L12/00', '甲州天成公司;乙州大学;丙州研究院', '100101 子省甲州市一路1号', null),
      ('p3', '2010-01-01', '2010-09-01', '2011-07-01', '发明', 'H04L1/00', 'A01B1/02', '乙州大学', '100201 子省乙州市二路2号', 'p1;p2'),
      ('p4', '2014-01-01', '2015-01-01', '2016-07-01', '发明', 'G06F3/01', null, '丙州研究院;甲州天成公司(总部)', '100301 丑省丙州市三路3号', 'p1; p1;p3;unknown'),
      ('p5', '2017-01-01', null, '2017-07-01', '外观设计', '14-03', null, '甲州天成公司', '100101 子省甲州市一路1号', 'p3'),
      ('p6', '2011-01-01', null, '2012-07-01', '实用新型', 'H04L1/00', null, '王小明;甲州天成公司', '100101 子省甲州市一路1号', 'p1'),
      ('p7', '2010-01-01', '2011-01-01', '2012-07-01', '发明', 'H04L1/00', null, '丁州医院', '100401 丑省丁州市四路4号', 'p1')
      ) as t(patent, applied, published, granted, kind, classification, further_classes, applicants, address, cited)
    key: [patent]
  transfers:
    kind: sql
    query: >-
      select patent, cast(effective as date) as effective, owner_before, owner_after, address_after from (values
      ('p1', '2012-03-01', '甲州天成公司', '乙州大学', '100201 子省乙州市二路2号'),
      ('p1', '2013-03-01', '乙州大学', '丙州研究院', '100301 丑省丙州市三路3号'),
      ('p2', '2012-05-01', '甲州天成公司', '甲州天成(乙州)有限公司', '100201 子省乙州市二路5号'),
      ('p3', '2012-06-01', '乙州大学', '乙州公司', '100201 子省乙州市二路2号'),
      ('p9', '2012-06-01', '某公司', '乙州公司', '100201 子省乙州市二路2号')
      ) as t(patent, effective, owner_before, owner_after, address_after)
    key: [patent, effective, owner_after]
";

const STAGES: [&str; 19] = [
    "patent_records",
    "transfer_records",
    "patent_localities",
    "locality_cities",
    "patent_ambiguous",
    "patent_places",
    "patent_applicants",
    "applicant_names",
    "applicants",
    "joint_patents",
    "patent_cities",
    "city_patents",
    "technology",
    "citations",
    "citation_means",
    "citation_cities",
    "diffusion",
    "patent_transfers",
    "patent_links",
];

/// The lines of a stage of the pipeline; no other has its name in front of a colon at this depth.
fn block<'a>(pipeline: &'a str, name: &str) -> &'a str {
    let start = pipeline.find(&format!("\n  {name}:\n")).unwrap_or_else(|| panic!("no stage `{name}`")) + 1;
    let rest = &pipeline[start..];
    let end = rest.find("\n\n").unwrap_or(rest.len());
    &rest[..end]
}

fn study() -> Study {
    let study = Study::copy(&root(), &["stages"]);
    let pipeline = fs::read_to_string(root().join("pipeline.yaml")).expect("the study");
    let params = &pipeline[pipeline.find("params:").expect("parameters")..pipeline.find("sources:").expect("sources")];
    let stages = &pipeline[pipeline.find("\nstages:").expect("stages")..];
    let blocks: Vec<&str> = STAGES.iter().map(|name| block(stages, name)).collect();
    let head = "restudy: 1\nstudy: {name: small, title: {en: small}, seed: 1}\n";
    let params = params.replace("min_patents: 3 ", "min_patents: 1 ");
    study.write("pipeline.yaml", format!("{head}{params}stages:{GIVEN}{}\n", blocks.join("\n")));
    study
}

/// What a query says after a run with these parameters.
fn check(study: &Study, set: &[&str], query: &str, expected: Expect) {
    let set: Vec<&str> = set.iter().flat_map(|value| ["--set", value]).collect();
    let done = study.restudy(&[&["run"], &set[..]].concat());
    assert_eq!(done.code, 0, "{}", done.stderr);
    let done = study.restudy(&[&["sql", query, "--format", "csv"], &set[..]].concat());
    assert_eq!(done.code, 0, "{}", done.stderr);
    expected.assert_eq(&done.stdout);
}

const RECEIVED: &str = "select city, year, round(citations_received, 4) as received, round(citations_with_own, 4) as with_own,
    round(diffusion_rate, 4) as rate, window_complete as complete from diffusion where citations_with_own > 0 order by city, year";

#[test]
fn a_patent_of_m_cities_counts_a_share_in_each_and_citations_from_the_own_city_do_not_count() {
    let study = study();
    // p3 of 乙 cites p1 of 甲 and p2 of 甲, 乙 and 丙: 甲 receives 1 + 1/3, 丙 1/3, and 乙 1/3 from itself. p6 of 甲 cites p1, which does not
    // count, p7 from outside the study does. p4 is half of 丙 and half of 甲: p3 receives 1/2 + 1/2; p1 is six years old. So is p3 for p5.
    check(
        &study,
        &[],
        RECEIVED,
        expect![[r#"
            city,year,received,with_own,rate,complete
            1,2011,1.3333,1.3333,1,false
            1,2012,1,2,0.5,false
            2,2011,0,0.3333,0,false
            2,2016,1,1,1,true
            3,2011,0.3333,0.3333,1,false
        "#]],
    );
    // In full: every pair of different cities is one.
    check(
        &study,
        &["counting=full"],
        RECEIVED,
        expect![[r#"
            city,year,received,with_own,rate,complete
            1,2011,2,2,1,false
            1,2012,1,2,0.5,false
            2,2011,0,1,0,false
            2,2016,2,2,1,true
            3,2011,1,1,1,false
        "#]],
    );
    // p2 is in three cities and p4 in two; the applicants of p6 are in one.
    check(
        &study,
        &[],
        "select patent, city, round(share, 4) as share, n_cities, at_address from patent_cities order by patent, city",
        expect![[r#"
            patent,city,share,n_cities,at_address
            p1,1,1,1,true
            p2,1,0.3333,3,true
            p2,2,0.3333,3,false
            p2,3,0.3333,3,false
            p3,2,1,1,true
            p4,1,0.5,2,false
            p4,3,0.5,2,true
            p5,1,1,1,true
            p6,1,1,1,true
            p7,4,1,1,true
        "#]],
    );
}

#[test]
fn truncation_is_met_by_a_window_or_by_means_of_class_and_year() {
    let study = study();
    check(
        &study,
        &["citation_window=6"],
        RECEIVED,
        expect![[r#"
            city,year,received,with_own,rate,complete
            1,2011,1.3333,1.3333,1,false
            1,2012,1,2,0.5,false
            1,2016,0.5,1,0.5,true
            2,2011,0,0.3333,0,false
            2,2016,1,1,1,true
            2,2017,1,1,1,true
            3,2011,0.3333,0.3333,1,false
        "#]],
    );
    check(
        &study,
        &["citation_window=0"],
        RECEIVED,
        expect![[r#"
            city,year,received,with_own,rate,complete
        "#]],
    );
    // H04L of 2010: p1 is cited by four, p2 by one, 2.5 on average; H04L of 2011: p3 by two.
    check(
        &study,
        &["citation_rule=normalised"],
        RECEIVED,
        expect![[r#"
            city,year,received,with_own,rate,complete
            1,2011,0.5333,0.5333,1,false
            1,2012,0.4,0.8,0.5,false
            1,2016,0.2,0.4,0.5,true
            2,2011,0,0.1333,0,false
            2,2016,0.5,0.5,1,true
            2,2017,0.5,0.5,1,true
            3,2011,0.1333,0.1333,1,false
        "#]],
    );
    check(
        &study,
        &["citation_rule=normalised"],
        "select class, year, n_patents, n_citations, mean_citations from citation_means order by class, year",
        expect![[r#"
            class,year,n_patents,n_citations,mean_citations
            G06F,2016,1,0,0
            H04L,2010,2,5,2.5
            H04L,2011,1,2,2
            H04L,2012,2,0,0
            外观设计,2017,1,0,0
        "#]],
    );
    // The year of a patent is that of another date: p3 was applied for in 2010, two years after p1.
    check(
        &study,
        &["patent_year=applied"],
        "select patent, year, cited from citations order by patent, cited",
        expect![[r#"
            patent,year,cited
            p3,2010,p1
            p3,2010,p2
            p4,2014,p1
            p4,2014,p3
            p4,2014,unknown
            p5,2017,p3
            p6,2011,p1
            p7,2010,p1
        "#]],
    );
    let done = study.restudy(&["run", "--set", "citation_rule=windows"]);
    assert_eq!(done.code, 1);
    assert!(done.stderr.contains("citation_rule"), "{}", done.stderr);
}

#[test]
fn patents_are_counted_at_the_address_or_where_the_applicants_are() {
    let study = study();
    let counts = "select city, year, patents, inventions, utility_models, designs, joint_patents
        from city_patents where patents > 0 order by city, year";
    check(
        &study,
        &[],
        counts,
        expect![[r#"
            city,year,patents,inventions,utility_models,designs,joint_patents
            1,2010,2,2,0,0,1
            1,2012,1,0,1,0,0
            1,2017,1,0,0,1,0
            2,2011,1,1,0,0,0
            3,2016,1,1,0,0,1
        "#]],
    );
    check(
        &study,
        &["patents_at=applicants"],
        counts,
        expect![[r#"
            city,year,patents,inventions,utility_models,designs,joint_patents
            1,2010,1.3333333333333333,1.3333333333333333,0,0,0.3333333333333333
            1,2012,1,0,1,0,0
            1,2016,0.5,0.5,0,0,0.5
            1,2017,1,0,0,1,0
            2,2010,0.3333333333333333,0.3333333333333333,0,0,0.3333333333333333
            2,2011,1,1,0,0,0
            3,2010,0.3333333333333333,0.3333333333333333,0,0,0.3333333333333333
            3,2016,0.5,0.5,0,0,0.5
        "#]],
    );
    check(
        &study,
        &["patents_at=applicants", "counting=full", "patent_year=applied"],
        counts,
        expect![[r#"
            city,year,patents,inventions,utility_models,designs,joint_patents
            1,2008,2,2,0,0,1
            1,2011,1,0,1,0,0
            1,2014,1,1,0,0,1
            1,2017,1,0,0,1,0
            2,2008,1,1,0,0,1
            2,2010,1,1,0,0,0
            3,2008,1,1,0,0,1
            3,2014,1,1,0,0,1
        "#]],
    );
    // 甲 in 2010: H04L twice, or H04L 1 + 1/2 and G06F 1/2, that is 0.8113 bits.
    let diversity = "select city, year, round(technology_diversity, 4) as diversity from technology
        where technology_diversity is not null order by city, year";
    check(
        &study,
        &[],
        diversity,
        expect![[r#"
            city,year,diversity
            1,2010,0
            1,2012,0
            2,2011,0
            3,2016,0
        "#]],
    );
    check(
        &study,
        &["classes=fractional"],
        diversity,
        expect![[r#"
            city,year,diversity
            1,2010,0.8113
            1,2012,0
            2,2011,1
            3,2016,0
        "#]],
    );
}

#[test]
fn applicants_have_types_and_cities_by_their_names() {
    let study = study();
    let query = "select applicant, n_patents, type, rule, city from applicants order by applicant";
    check(
        &study,
        &[],
        query,
        expect![[r#"
            applicant,n_patents,type,rule,city
            丁州医院,1,government,医院,4
            丙州研究院,2,institute,研究院,3
            乙州大学,2,university,大学,2
            王小明,1,individual,,
            甲州天成公司,4,firm,公司,1
            甲州天成公司(总部),1,firm,公司,1
        "#]],
    );
}

#[test]
fn transfers_follow_the_owner_and_joint_patents_link_cities() {
    let study = study();
    let transfers =
        "select patent, year, from_city, to_city, same_group, reason from patent_transfers order by patent, year";
    check(
        &study,
        &[],
        transfers,
        expect![[r#"
            patent,year,from_city,to_city,same_group,reason
            p1,2012,1,2,false,
            p1,2013,2,3,false,
            p2,2012,1,2,true,
            p3,2012,2,2,true,
            p9,2012,,2,false,the patent is not in the files
        "#]],
    );
    let links = "select city, year, transfers_out, copatents from patent_links where transfers_out + copatents > 0 order by city, year";
    check(
        &study,
        &[],
        links,
        expect![[r#"
            city,year,transfers_out,copatents
            1,2010,0,1
            1,2012,2,0
            1,2016,0,1
            2,2010,0,1
            2,2013,1,0
            3,2010,0,1
            3,2016,0,1
        "#]],
    );
    check(
        &study,
        &["intra_group=drop"],
        links,
        expect![[r#"
            city,year,transfers_out,copatents
            1,2010,0,1
            1,2012,1,0
            1,2016,0,1
            2,2010,0,1
            2,2013,1,0
            3,2010,0,1
            3,2016,0,1
        "#]],
    );
}

#[test]
fn doubtful_addresses_are_listed_with_their_candidates() {
    let study = study();
    let added = [
        ("a1", "100201 子省甲州市一路1号"),    // name and postcode disagree
        ("a2", "1002 子省"),                   // no postcode, no city
        ("a3", "100201 一路1号"),              // postcode alone
        ("a4", "100901 一路1号"),              // a postcode of two cities
        ("a5", "戊州市一路1号"),               // a name of two cities
        ("a6", "100601 戊州市一路1号"),        // the same, told apart by the postcode
        ("a7", "丑省戊州市一路1号"),           // the same, told apart by the province
        ("a8", "100901 子省乙州人民路1号"),    // a shared postcode that fits, a name without 市
        ("a9", "子省旧乙市一路1号"),           // a name no longer in force
        ("b1", "100201 甲州路1号"),            // a street, not the city
        ("b2", "癸州市一路1号"),               // an unknown city
        ("b3", "中国 100101"),                 // nothing
        ("b4", "100901 子省甲州市一路1号"),    // a shared postcode that does not fit
        ("b5", "子甲州市一路1号"),             // the province in short
        ("b6", "100101　子省 甲州 市一路1号"), // blanks
    ];
    let rows: Vec<String> = added
        .iter()
        .map(|(patent, address)| {
            format!("('{patent}', '2012-01-01', null, '2013-07-01', '发明', 'H04L1/00', null, '某公司', '{address}', null),\n      ")
        })
        .collect();
    study.edit("pipeline.yaml", "('p1', '2008-01-01'", &format!("{}('p1', '2008-01-01'", rows.concat()));
    let places = "select patent, place, city, placed_by, reason from patent_places where not starts_with(patent, 'p') order by patent";
    check(
        &study,
        &[],
        places,
        expect![[r#"
            patent,place,city,placed_by,reason
            a1,甲州市,1,"name, against the postcode",
            a2,(1002),,,no city in the address
            a3,乙州市,2,"postcode, no name",
            a4,(一路1号),,,"no city in the address, several of that postcode"
            a5,戊州市,,,several cities of that name
            a6,戊州市,6,"postcode, of several cities of that name",
            a7,戊州市,6,name,
            a8,乙州,2,name and postcode,
            a9,旧乙市,2,name,
            b1,乙州市,2,"postcode, no name",
            b2,(癸州市),,,not in the table of names
            b3,(1001),,,no city in the address
            b4,甲州市,1,"name, against the postcode",
            b5,甲州市,1,name,
            b6,甲州市,1,name and postcode,
        "#]],
    );
    let doubts = "select example, name_candidates, postcode_candidates, chosen, chosen_name, because, doubt from patent_ambiguous order by example";
    check(
        &study,
        &[],
        doubts,
        expect![[r#"
            example,name_candidates,postcode_candidates,chosen,chosen_name,because,doubt
            a1,1 甲州市,2,1,甲州市,"name, against the postcode",name and postcode disagree
            a3,,2,2,乙州市,"postcode, no name",no name of a city
            a4,,2; 3,,,"no city in the address, several of that postcode","no name of a city, several cities of that postcode"
            a5,5 戊州市; 6 戊州市,,,,several cities of that name,several cities of that name
            a6,5 戊州市; 6 戊州市,6,6,戊州市,"postcode, of several cities of that name",several cities of that name
            b1,,2,2,乙州市,"postcode, no name",no name of a city
            b4,1 甲州市,2; 3,1,甲州市,"name, against the postcode",name and postcode disagree
        "#]],
    );
    let changed =
        "select patent, city, placed_by, reason from patent_places where patent in ('a1', 'b4', 'a3') order by patent";
    check(
        &study,
        &["place_rule=postcode"],
        changed,
        expect![[r#"
            patent,city,placed_by,reason
            a1,2,"postcode, against the name",
            a3,2,"postcode, no name",
            b4,1,"name, against the postcode",
        "#]],
    );
    check(
        &study,
        &["place_rule=agree"],
        changed,
        expect![[r#"
            patent,city,placed_by,reason
            a1,,,name and postcode disagree
            a3,2,"postcode, no name",
            b4,,,name and postcode disagree
        "#]],
    );
}
