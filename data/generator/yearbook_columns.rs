//! The columns of the yearbook: how each was called and in which unit it was printed, by edition.
//! Knows no spreadsheet and draws nothing.

use crate::economy::Economy;

/// Since this edition on; the last entry that is not later than the edition holds.
type Since<T> = &'static [(i32, T)];

/// Which of the pair 全市/市辖区 is printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// 全市 only.
    City,
    /// 市辖区 only.
    Districts,
    /// The pair.
    Both,
}

/// One quantity of the yearbook.
pub struct Column {
    names: Since<&'static str>,
    /// Translation in the bilingual editions.
    pub english: &'static str,
    /// Unit as printed and how many of them make one unit of `Economy`.
    units: Since<(&'static str, f64)>,
    /// Digits after the point, in the printed unit.
    pub decimals: usize,
    /// Which of the pair is printed.
    pub scope: Scope,
    /// Ratios have no total.
    pub additive: bool,
    /// The quantity.
    pub value: fn(&Economy) -> f64,
    /// Not printed after this edition.
    pub last_edition: i32,
    /// Chance of a gap in a year that has neighbours on both sides.
    pub gaps: f64,
}

const ALWAYS: i32 = 9999;
const PERSONS: Since<(&str, f64)> = &[(0, ("万人", 0.0001)), (2013, ("人", 1.0))];
const TEN_THOUSAND_YUAN: Since<(&str, f64)> = &[(0, ("万元", 1.0))];
const BANK: Since<(&str, f64)> = &[(0, ("万元", 1.0)), (2018, ("亿元", 0.0001))];
const PER_CENT: Since<(&str, f64)> = &[(0, ("%", 1.0))];
const COMMON: f64 = 0.018;
const RARE: f64 = 0.003;

impl Column {
    /// The name it was printed under.
    pub fn name(&self, edition: i32) -> &'static str {
        latest(self.names, edition)
    }

    /// The unit it was printed in, and how many of them make one unit of `Economy`.
    pub fn unit(&self, edition: i32) -> (&'static str, f64) {
        latest(self.units, edition)
    }
}

/// The columns of an edition in their printed order.
pub fn of_edition(edition: i32) -> Vec<(usize, &'static Column)> {
    let mut columns: Vec<(usize, &Column)> =
        COLUMNS.iter().enumerate().filter(|(_, column)| edition <= column.last_edition).collect();
    if edition == 2016 {
        // The trap of a moved column: in this edition GDP stands at the end.
        columns.sort_by_key(|(index, _)| *index == GDP);
    }
    columns
}

/// A city column with the usual precision.
const fn city(
    names: Since<&'static str>,
    english: &'static str,
    units: Since<(&'static str, f64)>,
    decimals: usize,
    value: fn(&Economy) -> f64,
) -> Column {
    Column {
        names,
        english,
        units,
        decimals,
        scope: Scope::City,
        additive: true,
        value,
        last_edition: ALWAYS,
        gaps: COMMON,
    }
}

const fn ratio(column: Column) -> Column {
    Column { additive: false, ..column }
}

const fn both(column: Column) -> Column {
    Column { scope: Scope::Both, ..column }
}

const fn rarely_missing(column: Column) -> Column {
    Column { gaps: RARE, ..column }
}

const GDP: usize = 7;

pub static COLUMNS: [Column; 23] = [
    rarely_missing(both(city(
        &[(0, "年末总人口"), (2018, "年末户籍人口")],
        "Total Population at Year-end",
        &[(0, ("万人", 1.0))],
        2,
        |e| e.population,
    ))),
    rarely_missing(both(city(
        &[(0, "行政区域土地面积")],
        "Total Land Area of Administrative Region",
        &[(0, ("平方公里", 1.0))],
        0,
        |e| e.area,
    ))),
    both(city(
        &[(0, "年末单位从业人员数"), (2014, "城镇单位从业人员期末人数")],
        "Persons Employed in Various Units at Year-end",
        PERSONS,
        2,
        |e| e.employees,
    )),
    both(city(&[(0, "制造业")], "Manufacturing", PERSONS, 2, |e| e.manufacturing)),
    city(
        &[(0, "信息传输、计算机服务和软件业"), (2013, "信息传输、软件和信息技术服务业")],
        "Information Transmission, Software",
        PERSONS,
        4,
        |e| e.information,
    ),
    city(&[(0, "金融业")], "Financial Intermediation", PERSONS, 4, |e| e.finance),
    city(
        &[(0, "科学研究、技术服务和地质勘查业"), (2013, "科学研究和技术服务业")],
        "Scientific Research, Technical Services",
        PERSONS,
        4,
        |e| e.science,
    ),
    rarely_missing(both(city(
        &[(0, "地区生产总值"), (2010, "地区生产总值(当年价格)")],
        "Gross Regional Product",
        TEN_THOUSAND_YUAN,
        0,
        |e| e.gdp,
    ))),
    ratio(city(&[(0, "第二产业占比")], "Secondary Industry as Percentage", PER_CENT, 2, |e| e.secondary)),
    ratio(city(&[(0, "第三产业占比")], "Tertiary Industry as Percentage", PER_CENT, 2, |e| e.tertiary)),
    city(
        &[(0, "固定资产投资总额"), (2012, "固定资产投资(不含农户)")],
        "Investment in Fixed Assets",
        TEN_THOUSAND_YUAN,
        0,
        |e| e.investment,
    )
    .until(2018),
    city(
        &[(0, "地方财政一般预算内收入"), (2013, "一般公共预算收入")],
        "General Public Budget Revenue",
        TEN_THOUSAND_YUAN,
        0,
        |e| e.revenue,
    ),
    city(
        &[(0, "地方财政一般预算内支出"), (2013, "一般公共预算支出")],
        "General Public Budget Expenditure",
        TEN_THOUSAND_YUAN,
        0,
        |e| e.expenditure,
    ),
    city(&[(0, "科学技术支出")], "Expenditure for Science and Technology", TEN_THOUSAND_YUAN, 0, |e| {
        e.science_spending
    }),
    city(&[(0, "教育支出")], "Expenditure for Education", TEN_THOUSAND_YUAN, 0, |e| e.education_spending),
    city(
        &[(0, "普通高等学校在校学生数"), (2012, "普通本专科在校学生数")],
        "Student Enrollment of Regular Institutions",
        &[(0, ("人", 1.0))],
        0,
        |e| e.students,
    ),
    city(
        &[(0, "年末金融机构存款余额"), (2016, "年末金融机构人民币各项存款余额")],
        "Deposits of Financial Institutions at Year-end",
        BANK,
        0,
        |e| e.deposits,
    ),
    city(
        &[(0, "年末金融机构各项贷款余额"), (2016, "年末金融机构人民币各项贷款余额")],
        "Loans of Financial Institutions at Year-end",
        BANK,
        0,
        |e| e.loans,
    ),
    city(&[(0, "电信业务收入")], "Revenue from Telecommunication Services", TEN_THOUSAND_YUAN, 0, |e| e.telecom),
    city(
        &[(0, "移动电话年末用户数")],
        "Subscribers of Mobile Telephones",
        &[(0, ("万户", 1.0)), (2017, ("户", 10_000.0)), (2018, ("万户", 1.0))],
        2,
        |e| e.mobile,
    ),
    city(
        &[(0, "国际互联网用户数"), (2012, "互联网宽带接入用户数")],
        "Subscribers of Internet Services",
        &[(0, ("户", 10_000.0)), (2012, ("万户", 1.0))],
        2,
        |e| e.broadband,
    ),
    city(
        &[(0, "当年实际使用外资金额")],
        "Foreign Capital Actually Utilized",
        &[(0, ("万美元", 1.0))],
        0,
        |e| e.foreign_investment,
    ),
    Column {
        scope: Scope::Districts,
        ..ratio(city(
            &[(0, "人均城市道路面积"), (2010, "人均道路面积")],
            "Per Capita Area of Paved Roads",
            &[(0, ("平方米", 1.0))],
            2,
            |e| e.road,
        ))
    },
];

impl Column {
    /// City investment is not published in levels after data year 2017.
    const fn until(self, last_edition: i32) -> Self {
        Self { last_edition, ..self }
    }
}

fn latest<T: Copy>(entries: &[(i32, T)], edition: i32) -> T {
    let current = entries.iter().rev().find(|(since, _)| *since <= edition);
    current.unwrap_or(&entries[0]).1
}

#[cfg(test)]
mod tests {
    use super::{COLUMNS, GDP, of_edition};

    #[test]
    fn units_and_names_change_with_the_edition() {
        assert_eq!(COLUMNS[2].unit(2012).0, "万人");
        assert_eq!(COLUMNS[2].unit(2013).0, "人");
        assert_eq!(COLUMNS[0].name(2017), "年末总人口");
        assert_eq!(COLUMNS[0].name(2018), "年末户籍人口");
    }

    #[test]
    fn one_column_moves_and_one_disappears() {
        assert_eq!(COLUMNS[GDP].english, "Gross Regional Product");
        assert_eq!(of_edition(2016).last().map(|(index, _)| *index), Some(GDP));
        assert_eq!(of_edition(2018).len(), of_edition(2019).len() + 1);
    }
}
