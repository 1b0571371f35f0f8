//! Units as tables print them: a multiplier (`万`, `10 000`) and what is counted (`人`, `persons`), so that one can be turned into
//! another and a header cell compared with what the layout says. Knows no layout and no file.

use crate::normal;

/// What is counted, and how much of it one is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unit {
    /// What is counted, in its smallest common form: `人`, `元`, `平方米`. Empty for a multiplier alone: `GDP(亿)`.
    measure: String,
    /// One of this unit in the measure, as a fraction.
    size: (u128, u128),
    /// What it is divided by: `人/平方公里`.
    per: Option<(String, (u128, u128))>,
    /// Its name is in the list below, so that a header cell that holds it can mean nothing else.
    known: bool,
}

/// Measure, and its size as a fraction of the measure it is counted in. Facts: 1 亩 is 1/15 公顷, 1 公顷 is 10,000 平方米.
const KNOWN: &[(&str, &str, u128, u128)] = &[
    ("%", "%", 1, 1),
    ("‰", "%", 1, 10),
    ("kg", "克", 1000, 1),
    ("km", "米", 1000, 1),
    ("km2", "平方米", 1_000_000, 1),
    ("km²", "平方米", 1_000_000, 1),
    ("kwh", "瓦时", 1000, 1),
    ("m2", "平方米", 1, 1),
    ("m3", "立方米", 1, 1),
    ("m²", "平方米", 1, 1),
    ("m³", "立方米", 1, 1),
    ("个", "个", 1, 1),
    ("亩", "平方米", 2000, 3),
    ("人", "人", 1, 1),
    ("人次", "人次", 1, 1),
    ("件", "件", 1, 1),
    ("份", "份", 1, 1),
    ("倍", "倍", 1, 1),
    ("元", "元", 1, 1),
    ("克", "克", 1, 1),
    ("公斤", "克", 1000, 1),
    ("公里", "米", 1000, 1),
    ("公顷", "平方米", 10_000, 1),
    ("册", "册", 1, 1),
    ("吨", "克", 1_000_000, 1),
    ("吨标准煤", "吨标准煤", 1, 1),
    ("名", "人", 1, 1),
    ("天", "天", 1, 1),
    ("家", "家", 1, 1),
    ("小时", "小时", 1, 1),
    ("平方公里", "平方米", 1_000_000, 1),
    ("平方千米", "平方米", 1_000_000, 1),
    ("平方米", "平方米", 1, 1),
    ("度", "瓦时", 1000, 1),
    ("张", "张", 1, 1),
    ("户", "户", 1, 1),
    ("所", "所", 1, 1),
    ("日元", "日元", 1, 1),
    ("标准立方米", "立方米", 1, 1),
    ("欧元", "欧元", 1, 1),
    ("港元", "港元", 1, 1),
    ("瓦时", "瓦时", 1, 1),
    ("百分点", "百分点", 1, 1),
    ("立方米", "立方米", 1, 1),
    ("米", "米", 1, 1),
    ("美元", "美元", 1, 1),
    ("艘", "艘", 1, 1),
    ("辆", "辆", 1, 1),
    ("部", "部", 1, 1),
    ("项", "项", 1, 1),
    ("㎡", "平方米", 1, 1),
];

/// The same in English, without blanks and case.
const ENGLISH: &[(&str, &str, u128)] = &[
    ("cubicmeters", "立方米", 1),
    ("cu.m", "立方米", 1),
    ("hectare", "平方米", 10_000),
    ("hectares", "平方米", 10_000),
    ("household", "户", 1),
    ("households", "户", 1),
    ("percent", "%", 1),
    ("person", "人", 1),
    ("persons", "人", 1),
    ("rmb", "元", 1),
    ("rmbyuan", "元", 1),
    ("sq.km", "平方米", 1_000_000),
    ("sq.m", "平方米", 1),
    ("sqkm", "平方米", 1_000_000),
    ("sqm", "平方米", 1),
    ("subscriber", "户", 1),
    ("subscribers", "户", 1),
    ("ton", "克", 1_000_000),
    ("tons", "克", 1_000_000),
    ("usd", "美元", 1),
    ("usdollar", "美元", 1),
    ("usdollars", "美元", 1),
    ("yuan", "元", 1),
];

const MULTIPLIERS: &[(char, u128)] = &[('十', 10), ('百', 100), ('千', 1000), ('万', 10_000), ('亿', 100_000_000)];

const ENGLISH_MULTIPLIERS: &[(&str, u128)] =
    &[("hundred", 100), ("thousand", 1000), ("million", 1_000_000), ("billion", 1_000_000_000)];

/// Reads a unit. What is not in the list counts itself: `千词` is a thousand of `词`. `None` for the empty text.
pub(crate) fn parse(text: &str) -> Option<Unit> {
    let normal = normal::normalise(text).to_lowercase();
    let normal = normal.strip_suffix("人民币").or(normal.strip_prefix("人民币")).unwrap_or(&normal);
    if normal.is_empty() {
        return None;
    }
    if normal.contains("=100") {
        return Some(Unit { measure: "=100".into(), size: (1, 1), per: None, known: true });
    }
    let (above, below) = match normal.split_once('/') {
        Some((above, below)) => (above, Some(below)),
        None => (normal, None),
    };
    let (measure, size, known) = simple(above)?;
    let Some(below) = below else {
        return Some(Unit { measure, size, per: None, known });
    };
    let (below, below_size, below_known) = simple(below)?;
    Some(Unit { measure, size, per: Some((below, below_size)), known: known && below_known })
}

impl Unit {
    /// By what a number in this unit is multiplied to give one in `other`; `None` if they count different things.
    pub(crate) fn factor_to(&self, other: &Unit) -> Option<f64> {
        let same = self.measure == other.measure || self.measure.is_empty() || other.measure.is_empty();
        if !same {
            return None;
        }
        let (mut above, mut below) = (self.size.0 * other.size.1, self.size.1 * other.size.0);
        match (&self.per, &other.per) {
            (Some((measure, size)), Some((other_measure, other_size))) if measure == other_measure => {
                above = above.checked_mul(size.1.checked_mul(other_size.0)?)?;
                below = below.checked_mul(size.0.checked_mul(other_size.1)?)?;
            }
            (None, None) => {}
            // `人均GDP(元)`: the name says what it is divided by, so that the cell need not.
            (None, Some((_, (1, 1)))) => {}
            _ => return None,
        }
        let common = greatest_common_divisor(above, below);
        Some((above / common) as f64 / (below / common) as f64)
    }

    /// True if a header cell with this text in parentheses speaks of a unit, where `declared` is expected.
    fn speaks_to(&self, declared: &Unit) -> bool {
        self.known || (self.measure == declared.measure && self.per.is_none())
    }
}

/// The units that a header cell prints, as they stand there: in parentheses, after a last `_`, after `单位:`, or alone in the row
/// below the name. Only those that say something about `declared`.
pub(crate) fn printed(upper: &str, lower: &str, declared: &Unit) -> Vec<(String, Unit)> {
    let mut texts = Vec::new();
    for cell in [upper, lower] {
        let normal = normal::normalise(cell);
        texts.extend(parentheses(&normal));
        texts.extend(normal.rsplit_once('_').map(|(_, tail)| tail.to_string()));
        texts.extend(stated(&normal));
    }
    texts.push(normal::normalise(lower));
    let mut found: Vec<(String, Unit)> = Vec::new();
    for text in texts {
        if let Some(unit) = parse(&text).filter(|unit| unit.speaks_to(declared))
            && !found.iter().any(|(earlier, _)| *earlier == text)
        {
            found.push((text, unit));
        }
    }
    found
}

/// The unit that a line above the header states for the whole table: `单位：万元`.
pub(crate) fn stated(text: &str) -> Option<String> {
    let normal = normal::normalise(text);
    let (_, rest) = normal.split_once("单位:").or_else(|| normal.split_once("计量单位"))?;
    let rest = rest.trim_start_matches(':');
    let end = rest.find([')', ',', ';', '。', '、']).unwrap_or(rest.len());
    (!rest[..end].is_empty()).then(|| rest[..end].to_string())
}

/// True if a text in parentheses is a unit whatever the column: a known one, or one that English words give.
pub(crate) fn is_known(text: &str) -> bool {
    parse(text).is_some_and(|unit| unit.known && !unit.measure.is_empty())
}

/// Measure, size, and whether it is in the list.
fn simple(text: &str) -> Option<(String, (u128, u128), bool)> {
    if text.is_empty() {
        return None;
    }
    let known = |name: &str| KNOWN.iter().find(|(known, ..)| *known == name);
    let (mut rest, mut multiplier) = (text, 1u128);
    loop {
        if let Some((_, measure, above, below)) = known(rest) {
            return Some((measure.to_string(), (multiplier * above, *below), true));
        }
        let Some((sign, size)) =
            rest.chars().next().and_then(|first| MULTIPLIERS.iter().find(|(sign, _)| *sign == first))
        else {
            break;
        };
        rest = &rest[sign.len_utf8()..];
        multiplier = multiplier.checked_mul(*size).filter(|size| *size <= 1_000_000_000_000_000)?;
    }
    if rest.is_empty() {
        // `(十)` is more likely the number of a section.
        return (multiplier >= 1000).then(|| (String::new(), (multiplier, 1), true));
    }
    if let Some((measure, size)) = english(text) {
        return Some((measure, (size, 1), true));
    }
    Some((rest.to_string(), (multiplier, 1), false))
}

/// `10000persons`, `100millionyuan`, `sq.km`.
fn english(text: &str) -> Option<(String, u128)> {
    let digits: String = text.chars().take_while(|character| character.is_ascii_digit() || *character == ',').collect();
    let mut rest = text[digits.len()..].trim_end_matches('.');
    let mut size: u128 = match digits.replace(',', "") {
        none if none.is_empty() => 1,
        // A year or a count of something else is no multiplier.
        number => number.parse().ok().filter(|number| is_power_of_ten(*number))?,
    };
    while let Some((word, times)) = ENGLISH_MULTIPLIERS.iter().find(|(word, _)| rest.starts_with(word)) {
        rest = &rest[word.len()..];
        size = size.checked_mul(*times).filter(|size| *size <= 1_000_000_000_000_000)?;
    }
    let (_, measure, one) = ENGLISH.iter().find(|(name, ..)| *name == rest)?;
    Some((measure.to_string(), size * one))
}

fn is_power_of_ten(mut number: u128) -> bool {
    while number > 1 && number.is_multiple_of(10) {
        number /= 10;
    }
    number == 1
}

/// What stands in parentheses of the first level.
fn parentheses(normal: &str) -> Vec<String> {
    let (mut found, mut depth, mut start) = (Vec::new(), 0usize, 0);
    for (position, character) in normal.char_indices() {
        match character {
            '(' => {
                depth += 1;
                if depth == 1 {
                    start = position + 1;
                }
            }
            ')' if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    found.push(normal[start..position].to_string());
                }
            }
            _ => {}
        }
    }
    found
}

fn greatest_common_divisor(mut one: u128, mut other: u128) -> u128 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_unit_turns_into_another() {
        for (from, to, factor) in [
            ("万人", "人", Some(10_000.0)),
            ("人", "万人", Some(0.0001)),
            ("亿元", "万元", Some(10_000.0)),
            ("亿元人民币", "元", Some(100_000_000.0)),
            ("百万美元", "万美元", Some(100.0)),
            ("千公顷", "平方公里", Some(10.0)),
            ("亩", "公顷", Some(1.0 / 15.0)),
            ("千米", "公里", Some(1.0)),
            ("人／平方公里", "人/平方公里", Some(1.0)),
            ("万人/平方公里", "人/公顷", Some(100.0)),
            ("10 000 persons", "人", Some(10_000.0)),
            ("10,000 yuan", "万元", Some(1.0)),
            ("100 million yuan", "亿元", Some(1.0)),
            ("person", "万人", Some(0.0001)),
            ("sq.km", "平方公里", Some(1.0)),
            ("％", "%", Some(1.0)),
            ("‰", "%", Some(0.1)),
            ("千词", "词", Some(1000.0)),
            ("亿", "万元", Some(10_000.0)),
            ("元", "元/人", Some(1.0)),
            ("人", "元", None),
            ("元/人", "元", None),
            ("美元", "元", None),
            ("上年=100", "万元", None),
            ("人次", "人", None),
        ] {
            let (one, other) = (parse(from).unwrap(), parse(to).unwrap());
            assert_eq!(one.factor_to(&other), factor, "{from} to {to}");
        }
    }

    #[test]
    fn header_cells_print_their_unit_in_many_ways() {
        for (upper, lower, declared, expected) in [
            ("年末总人口(万人)", "全市", "万人", &["万人"][..]),
            (
                "年末总人口_x000D_\n(万人)_x000D_\nTotal Population_x000D_\n(10 000 persons)",
                "",
                "万人",
                &["万人", "10000persons"],
            ),
            ("⑵制造业_x000D_\nManufacturing", "全市_x000D_\nTotal City", "人", &[]),
            ("互联网宽带接入用户_千户", "", "千户", &["千户"]),
            ("地区生产总值(当年价格)(亿元)", "", "万元", &["亿元"]),
            ("固定资产投资(不含农户)", "", "万元", &[]),
            ("地区生产总值指数(上年=100)", "", "万元", &["上年=100"]),
            ("总词数(千词)", "", "词", &["千词"]),
            ("总词数(去重)", "", "词", &[]),
            ("人口", "万人", "人", &["万人"]),
            ("GDP(2010)", "", "元", &[]),
            ("人口(1)", "", "人", &[]),
            ("(十)教育", "", "人", &[]),
            ("GDP(亿)", "", "万元", &["亿"]),
        ] {
            let found = printed(upper, lower, &parse(declared).unwrap());
            let texts: Vec<&str> = found.iter().map(|(text, _)| text.as_str()).collect();
            assert_eq!(texts, expected, "{upper}");
        }
        assert_eq!(stated("2-1 城市人口（单位：万人）").as_deref(), Some("万人"));
        assert_eq!(stated("计量单位：亿元").as_deref(), Some("亿元"));
        assert_eq!(stated("年末单位从业人员数"), None);
    }
}
