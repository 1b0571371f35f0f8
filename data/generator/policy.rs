//! Writes the lists of pilots and of other policies. Both are drawn: no ministry's list is copied here.
//! Districts and counties (levels b and c) carry no effect, so that the rule `strict_keep` estimates the truth.

use crate::{
    cities::City,
    model::{COHORTS, Traits},
    rng::{self, Stream},
};

/// One line of `pilots.csv`.
struct Listed<'a> {
    batch: usize,
    name: String,
    level: char,
    city: &'a City,
    year: i32,
}

const DISTRICTS: [&str; 6] = ["高新技术产业开发区", "经济技术开发区", "新区", "东城片区", "滨江片区", "科学城"];
const COUNTIES: [&str; 5] = ["东县", "西县", "临江镇", "新河县", "北山镇"];

/// `policy/pilots.csv`.
pub fn pilots(cities: &[City], traits: &[Traits]) -> String {
    let mut listed: Vec<Listed> = Vec::new();
    for (batch, (year, _)) in COHORTS.iter().enumerate().map(|(index, cohort)| (index + 1, cohort)) {
        let whole = cities.iter().zip(traits).filter(|(_, traits)| traits.first_year == Some(*year));
        listed.extend(whole.map(|(city, _)| Listed {
            batch,
            name: city.name_in(*year).to_owned(),
            level: 'a',
            city,
            year: *year,
        }));
        listed.extend(partial(cities, batch, *year));
    }
    listed.extend(outside(cities));
    listed.extend(enlargements(cities, traits));
    listed.sort_by(|a, b| (a.batch, a.level, a.city.code, &a.name).cmp(&(b.batch, b.level, b.city.code, &b.name)));
    let mut text =
        String::from("batch,listed_name,level,prefecture,g_designation,g_effective,g_lagged,source,verified\n");
    for Listed { batch, name, level, city, year } in listed {
        // Lists of 2012 and 2014 were public in the following year, that of 2013 in the same.
        let effective = if year == 2014 { 2015 } else { 2013 };
        let prefecture = city.name_in(year);
        text.push_str(&format!(
            "{batch},{name},{level},{prefecture},{year},{effective},{},fictitious: drawn by the generator,false\n",
            year + 1
        ));
    }
    text
}

/// Districts and counties, some of them in prefectures that are or become pilots themselves.
fn partial(cities: &[City], batch: usize, year: i32) -> Vec<Listed<'_>> {
    let study: Vec<&City> = cities.iter().filter(|city| city.in_study).collect();
    let mut listed: Vec<Listed> = (0..30_u64)
        .map(|serial| {
            let draw = |what: u64, count: usize| rng::below(Stream::Policy, &[batch as u64, serial, what], count);
            let city = study[draw(0, study.len())];
            let (level, place) =
                if draw(1, 2) == 0 { ('b', DISTRICTS[draw(2, 6)]) } else { ('c', COUNTIES[draw(2, 5)]) };
            Listed { batch, name: format!("{}{place}", city.name_in(year)), level, city, year }
        })
        .collect();
    listed.sort_by(|a, b| a.name.cmp(&b.name));
    listed.dedup_by(|a, b| a.name == b.name);
    listed
}

/// Whole prefectures that the study does not cover: the cleaning has to name and drop them.
fn outside(cities: &[City]) -> Vec<Listed<'_>> {
    let places = [(1, 540_100, 2012), (1, 520_600, 2012), (2, 520_500, 2013), (3, 371_200, 2014)];
    places
        .iter()
        .filter_map(|&(batch, code, year)| {
            let city = cities.iter().find(|city| city.code == code)?;
            Some(Listed { batch, name: city.name.to_owned(), level: 'a', city, year })
        })
        .collect()
}

/// Later batches list some earlier pilots again with a larger area; that does not restart the treatment.
fn enlargements<'a>(cities: &'a [City], traits: &'a [Traits]) -> Vec<Listed<'a>> {
    let again = |batch: usize, year: i32, first: i32, count: usize| {
        let earlier = cities.iter().zip(traits).filter(move |(_, traits)| traits.first_year == Some(first));
        earlier.take(count).map(move |(city, _)| Listed {
            batch,
            name: format!("{}（扩大范围）", city.name),
            level: 'a',
            city,
            year,
        })
    };
    again(2, 2013, 2012, 9).chain(again(3, 2014, 2013, 13)).collect()
}

/// `policy/other_policies.csv`: contemporaneous programmes, independent of the pilots and without effect.
pub fn others(cities: &[City]) -> String {
    let programmes: [(&str, &[i32], f64); 4] = [
        ("broadband_china", &[2014, 2015, 2016], 0.13),
        ("innovative_city", &[2010, 2013, 2018], 0.08),
        ("ip_demonstration", &[2012, 2013, 2015], 0.07),
        ("big_data_zone", &[2016], 0.06),
    ];
    let mut text = String::from("policy,year,prefecture,source,verified\n");
    for (number, (policy, years, share)) in programmes.iter().enumerate() {
        for city in cities.iter().filter(|city| city.in_study) {
            let hit = years
                .iter()
                .find(|year| rng::uniform(Stream::Policy, &[99, number as u64, **year as u64, city.key()]) < *share);
            if let Some(year) = hit {
                text.push_str(&format!(
                    "{policy},{year},{},fictitious: drawn by the generator,false\n",
                    city.name_in(*year)
                ));
            }
        }
    }
    text
}
