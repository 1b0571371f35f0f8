//! Names of China's prefectures as files really print them; every change is one that happened.

use super::*;

fn name(name: &str, id: &str, from: i64, to: i64, sort: Sort) -> Name {
    Name { name: name.to_string(), id: id.to_string(), from: Some(from), to: Some(to), sort }
}

fn names() -> Vec<Name> {
    let unit = |text: &str, id: &str, from: i64, to: i64| name(text, id, from, to, Sort::Unit);
    vec![
        unit("济南市", "370100", 2000, 9999),
        unit("莱芜市", "371200", 2000, 2018),
        unit("合肥市", "340100", 2000, 9999),
        unit("芜湖市", "340200", 2000, 9999),
        unit("马鞍山市", "340500", 2000, 9999),
        unit("巢湖市", "341400", 2000, 2010),
        unit("襄樊市", "420600", 2000, 2009),
        unit("襄阳市", "420600", 2010, 9999),
        unit("毕节地区", "520500", 2000, 2010),
        unit("毕节市", "520500", 2011, 9999),
        unit("亳州市", "341600", 2000, 9999),
        unit("吉林市", "220200", 2000, 9999),
        unit("宿州市", "341300", 2000, 9999),
        unit("朝阳市", "211300", 2000, 9999),
        name("毫州", "341600", 2000, 2024, Sort::Alias),
        name("鼓楼区", "320100", 2000, 9999, Sort::County),
        name("鼓楼区", "350100", 2000, 9999, Sort::County),
        name("昆山市", "320500", 2000, 9999, Sort::County),
        name("和县", "340500", 2011, 9999, Sort::County),
        name("和县", "341400", 2000, 2010, Sort::County),
        name("巢湖市", "340100", 2011, 9999, Sort::County),
        unit("南京市", "320100", 2000, 9999),
        unit("福州市", "350100", 2000, 9999),
        unit("苏州市", "320500", 2000, 9999),
    ]
}

fn change(id: &str, year: i64, successor: &str, share: Option<f64>) -> Change {
    Change { id: id.to_string(), year, successor: successor.to_string(), share }
}

fn changes() -> Vec<Change> {
    vec![
        change("371200", 2019, "370100", None),
        change("341400", 2011, "340100", Some(0.4)),
        change("341400", 2011, "340200", Some(0.2)),
        change("341400", 2011, "340500", Some(0.4)),
    ]
}

fn gazetteer(boundaries: Boundaries, other_years: bool) -> Gazetteer {
    let provinces = [("320100", "江苏省"), ("350100", "福建省"), ("340100", "安徽省"), ("341400", "安徽省")];
    let provinces = provinces.map(|(id, province)| (id.to_string(), province.to_string())).into();
    let suffixes = ["市", "地区", "自治州", "盟", "县", "区"].map(String::from).to_vec();
    Gazetteer::new(names(), provinces, &changes(), Rules { suffixes, other_years, boundaries }).expect("facts")
}

/// `341600 亳州市 short form`, or the reason and its candidates.
fn told(found: &Found) -> String {
    match &found.outcome {
        Ok(found) => {
            let steps: Vec<&str> = found.steps.iter().map(|step| step.text()).collect();
            let parts: Vec<String> = found.parts.iter().map(|(id, share)| format!("{id}×{share}")).collect();
            format!("{} {} [{}]", parts.join(" "), found.listed, steps.join(", "))
        }
        Err(miss) => format!("{}: {}", miss.text(), miss.candidates().join("; ")),
    }
}

fn check(gazetteer: &Gazetteer, cases: &[(&str, i64, &str)]) {
    for (name, year, expected) in cases {
        let found = gazetteer.find(&Asked { name, year: Some(*year), province: None });
        assert_eq!(told(&found), *expected, "{name} in {year}");
    }
}

#[test]
fn a_name_is_found_in_any_form_and_says_how() {
    check(
        &gazetteer(Boundaries::AsReported, true),
        &[
            ("亳州市", 2010, "341600×1 亳州市 []"),
            (" 亳　州 市", 2010, "341600×1 亳州市 [blanks removed]"),
            ("亳州", 2010, "341600×1 亳州市 [short form]"),
            ("毫州", 2010, "341600×1 毫州 [alias]"),
            ("毫州市", 2010, "341600×1 毫州 [short form, alias]"),
            ("吉 林市（缺）", 2010, "220200×1 吉林市 [blanks removed, remark removed]"),
            ("襄阳（襄樊）", 2010, "420600×1 襄阳市 [remark removed, short form]"),
            ("襄樊市", 2009, "420600×1 襄樊市 []"),
            ("襄阳市", 2009, "420600×1 襄阳市 [name of other years]"),
            ("襄樊", 2015, "420600×1 襄樊市 [short form, name of other years]"),
            // In 2010 it was a prefecture, and the suffix is not what counts.
            ("毕节", 2010, "520500×1 毕节地区 [short form]"),
            ("毕节市", 2010, "520500×1 毕节市 [name of other years]"),
            // From 2011 on 巢湖市 is a county-level city of 合肥.
            ("巢湖市", 2010, "341400×1 巢湖市 []"),
            ("巢湖市", 2012, "340100×1 巢湖市 [unit below]"),
            ("昆山", 2012, "320500×1 昆山市 [short form, unit below]"),
            ("和县", 2010, "341400×1 和县 [unit below]"),
            ("和县", 2011, "340500×1 和县 [unit below]"),
            // Two characters are the least: 和 is no 和县.
            ("和", 2011, "not in the table of names: 和县; 亳州市; 南京市"),
            ("鼓楼区", 2012, "several places have this name: 鼓楼区 (320100, 江苏省); 鼓楼区 (350100, 福建省)"),
            (
                "莱芜市",
                2019,
                "name not in force at the end of this year: 莱芜市 (371200) from 2000 to 2018, then 济南市 (370100)",
            ),
            ("四安市", 2012, "not in the table of names: 亳州市; 南京市; 合肥市"),
            ("", 2012, "not in the table of names: 亳州市; 南京市; 合肥市"),
        ],
    );
}

#[test]
fn names_of_other_years_can_be_refused() {
    check(
        &gazetteer(Boundaries::AsReported, false),
        &[
            ("襄阳市", 2009, "name not in force at the end of this year: 襄阳市 (420600) from 2010"),
            ("襄樊市", 2009, "420600×1 襄樊市 []"),
        ],
    );
}

#[test]
fn the_province_tells_two_places_of_one_name_apart() {
    let gazetteer = gazetteer(Boundaries::AsReported, true);
    for (province, expected) in [
        (Some("福建"), "350100×1 鼓楼区 [unit below]"),
        (Some("江 苏省"), "320100×1 鼓楼区 [unit below]"),
        (Some("安徽省"), "only in another province: 鼓楼区 (320100, 江苏省); 鼓楼区 (350100, 福建省)"),
    ] {
        let found = gazetteer.find(&Asked { name: "鼓楼区", year: Some(2012), province });
        assert_eq!(told(&found), expected, "{province:?}");
    }
    // Without a year, names of all years count.
    let found = gazetteer.find(&Asked { name: "襄樊市", year: None, province: None });
    assert_eq!(told(&found), "420600×1 襄樊市 []");
    let found = gazetteer.find(&Asked { name: "巢湖市", year: None, province: None });
    assert_eq!(told(&found), "341400×1 巢湖市 []");
}

#[test]
fn held_boundaries_put_mergers_together_and_share_out_divisions() {
    check(
        &gazetteer(Boundaries::Hold(2020), true),
        &[
            ("莱芜市", 2018, "370100×1 莱芜市 [merged into]"),
            ("济南市", 2018, "370100×1 济南市 []"),
            ("济南市", 2019, "370100×1 济南市 []"),
            ("巢湖", 2010, "340100×0.4 340200×0.2 340500×0.4 巢湖市 [short form, divided among]"),
            ("合肥市", 2010, "340100×1 合肥市 []"),
            // 济南 contains it by then; a row of its own would count twice.
            (
                "莱芜市",
                2019,
                "name not in force at the end of this year: 莱芜市 (371200) from 2000 to 2018, then 济南市 (370100)",
            ),
        ],
    );
    // Boundaries of a year in between: the merger of 2019 has not happened, and cannot be undone where it has.
    check(
        &gazetteer(Boundaries::Hold(2015), true),
        &[
            ("莱芜市", 2018, "371200×1 莱芜市 []"),
            ("济南市", 2018, "370100×1 济南市 []"),
            ("济南市", 2019, "boundaries changed in 2019: "),
            ("巢湖市", 2007, "340100×0.4 340200×0.2 340500×0.4 巢湖市 [divided among]"),
        ],
    );
}

#[test]
fn changed_places_can_be_dropped_in_all_years() {
    check(
        &gazetteer(Boundaries::DropChanged { first: 2007, last: 2018 }, true),
        &[
            ("合肥市", 2008, "boundaries changed in 2011: "),
            ("合肥市", 2018, "boundaries changed in 2011: "),
            ("巢湖市", 2008, "boundaries changed in 2011: "),
            // The merger of 2019 is beyond the data, and a renaming moves no boundary.
            ("济南市", 2018, "370100×1 济南市 []"),
            ("襄阳市", 2018, "420600×1 襄阳市 []"),
        ],
    );
    check(
        &gazetteer(Boundaries::DropChanged { first: 2011, last: 2020 }, true),
        &[("合肥市", 2012, "340100×1 合肥市 []"), ("济南市", 2012, "boundaries changed in 2019: ")],
    );
}

#[test]
fn changes_follow_each_other() {
    let chain = [change("341400", 2005, "340200", Some(0.5)), change("341400", 2005, "341400", Some(0.5))];
    let mut all = changes();
    all.extend(chain);
    let rules = Rules { suffixes: Vec::new(), other_years: true, boundaries: Boundaries::Hold(2020) };
    let gazetteer = Gazetteer::new(names(), BTreeMap::new(), &all, rules).expect("facts");
    let found = gazetteer.find(&Asked { name: "巢湖市", year: Some(2003), province: None });
    assert_eq!(told(&found), "340100×0.2 340200×0.6 340500×0.2 巢湖市 [divided among]");
}

#[test]
fn wrong_tables_are_refused() {
    let build = |extra: &[Change], hold: bool| {
        let boundaries = if hold { Boundaries::Hold(2020) } else { Boundaries::AsReported };
        let rules = Rules { suffixes: Vec::new(), other_years: true, boundaries };
        Gazetteer::new(names(), BTreeMap::new(), extra, rules).err().map(|error| error.to_string())
    };
    for (extra, hold, expected) in [
        (vec![change("1", 2011, "340100", None)], false, Some("a change of 2011 names 1, which has no name")),
        (
            vec![change("371200", 2019, "370100", Some(0.0))],
            false,
            Some("the part of 371200 that went to 370100 in 2019 is 0; a share lies above 0 and up to 1"),
        ),
        (
            vec![change("371200", 2019, "370100", Some(0.5))],
            false,
            Some("the shares of 371200 in 2019 sum to 0.5, not to 1"),
        ),
        (
            vec![change("371200", 2019, "370100", None), change("371200", 2019, "370100", None)],
            false,
            Some("371200 goes to 370100 twice in 2019"),
        ),
        (vec![change("341400", 2011, "340100", None), change("341400", 2011, "340200", None)], false, None),
        (
            vec![change("341400", 2011, "340100", None), change("341400", 2011, "340200", None)],
            true,
            Some("341400 was divided in 2011, and the share that went to 340100 is not given"),
        ),
    ] {
        assert_eq!(build(&extra, hold).as_deref(), expected);
    }
    let backwards = vec![name("巢湖市", "341400", 2011, 2000, Sort::Unit)];
    let rules = Rules { suffixes: Vec::new(), other_years: true, boundaries: Boundaries::AsReported };
    let error = Gazetteer::new(backwards, BTreeMap::new(), &[], rules).err().expect("refused");
    assert_eq!(error.to_string(), "`巢湖市` of 341400 is in force from 2011 to 2000, which is before");
}

#[test]
fn policies_are_read() {
    for (text, expected) in [
        ("as_reported", Some(Boundaries::AsReported)),
        ("hold  2020", Some(Boundaries::Hold(2020))),
        ("drop_changed", Some(Boundaries::DropChanged { first: i64::MIN, last: i64::MAX })),
        ("hold", None),
        ("hold last", None),
        ("", None),
    ] {
        assert_eq!(Boundaries::parse(text), expected, "{text}");
    }
}
