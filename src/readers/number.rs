//! Numbers written as text: blanks, full-width digits, thousands separators and footnote marks are taken off; anything else
//! is no number. Better none than a wrong one: `1.234,5`, `12-13`, `1e` and `0,123` are refused.

use crate::normal;

/// A number text without what people put around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cleaned {
    /// Sign, digits, point, exponent.
    pub(crate) digits: String,
    /// A footnote mark was taken off.
    pub(crate) footnote: bool,
    /// The suffix `年` was taken off.
    pub(crate) unit: bool,
    /// Thousands separators were taken off.
    pub(crate) separators: bool,
}

/// Takes off what is known to be harmless; `None` if what remains is no number. `year_suffix` allows `2021年`.
pub(crate) fn clean(text: &str, year_suffix: bool) -> Option<Cleaned> {
    let narrow: String = normal::trim(text)
        .chars()
        .map(|character| if character == '\u{2212}' { '-' } else { normal::half_width(character) })
        .collect();
    let mut rest = narrow.as_str();
    let (mut footnote, mut unit) = (false, false);
    loop {
        rest = rest.trim_end_matches(normal::is_blank);
        if let Some(shorter) = without_mark(rest) {
            rest = shorter;
            footnote = true;
        } else if let Some(shorter) = rest.strip_suffix('年').filter(|_| year_suffix && !unit) {
            rest = shorter;
            unit = true;
        } else {
            break;
        }
    }
    let digits = without_separators(rest)?;
    Some(Cleaned { separators: digits.len() != rest.len(), digits, footnote, unit })
}

/// The value of a text that is nothing but a number.
pub(crate) fn plain_float(text: &str) -> Option<f64> {
    if !is_plain(text) {
        return None;
    }
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

/// The value of a text that is nothing but a whole number; `2016.0` is one.
pub(crate) fn plain_int(text: &str) -> Option<i64> {
    if !is_plain(text) {
        return None;
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok();
    }
    whole(plain_float(text)?)
}

/// A float as a whole number, if it is one and can be told from its neighbours.
pub(crate) fn whole(value: f64) -> Option<i64> {
    // 2^53, to which 2^53 + 1 is rounded.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    (value.fract() == 0.0 && value.abs() < EXACT).then_some(value as i64)
}

/// Multiplies; a factor such as 0.0001 divides by 10000, which rounds once and gives the number people expect.
pub(crate) fn scaled(value: f64, factor: f64) -> f64 {
    let inverse = (1.0 / factor).round();
    if factor.abs() < 1.0 && 1.0 / inverse == factor { value / inverse } else { value * factor }
}

/// Takes one footnote mark off the end: `①`, `¹`, `*`, `†`, `(1)`. Parentheses hold one or two digits, so that a negative
/// amount in accountants' notation stays what it is: no number.
fn without_mark(text: &str) -> Option<&str> {
    let last = text.chars().next_back()?;
    let shorter = match last {
        '①'..='⑳' | '¹' | '²' | '³' | '⁰' | '⁴'..='⁹' | '*' | '†' | '‡' | '⑴'..='⒇' => {
            &text[..text.len() - last.len_utf8()]
        }
        ')' => {
            let open = text.rfind('(')?;
            let inner = &text[open + 1..text.len() - 1];
            let is_mark = (1..=2).contains(&inner.len()) && inner.bytes().all(|byte| byte.is_ascii_digit());
            if !is_mark {
                return None;
            }
            &text[..open]
        }
        _ => return None,
    };
    (!shorter.is_empty()).then_some(shorter)
}

fn without_separators(text: &str) -> Option<String> {
    if !text.contains(',') {
        return is_plain(text).then(|| text.to_string());
    }
    let whole_end = text.find(['.', 'e', 'E']).unwrap_or(text.len());
    let (whole, fraction) = text.split_at(whole_end);
    let unsigned = whole.strip_prefix(['+', '-']).unwrap_or(whole);
    let mut groups = unsigned.split(',');
    let first = groups.next()?;
    // `0,123` is a decimal comma, not nought thousand.
    let first_fits = (1..=3).contains(&first.len()) && !first.starts_with('0');
    let rest_fits = groups.all(|group| group.len() == 3);
    let joined = format!("{}{fraction}", whole.replace(',', ""));
    (first_fits && rest_fits && is_plain(&joined)).then_some(joined)
}

/// Sign, digits, optional fraction, optional exponent; at least one digit before any exponent.
fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |from: usize| from + bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let signed = |at: usize| at + usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
    let start = signed(0);
    let mut at = digits(start);
    let mut count = at - start;
    if bytes.get(at) == Some(&b'.') {
        let end = digits(at + 1);
        count += end - at - 1;
        at = end;
    }
    if count == 0 {
        return false;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let start = signed(at + 1);
        at = digits(start);
        return at > start && at == bytes.len();
    }
    at == bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn float(text: &str) -> Option<f64> {
        clean(text, false).and_then(|cleaned| plain_float(&cleaned.digits))
    }

    #[test]
    fn numbers_are_read_through_what_people_put_around_them() {
        for (text, expected) in [
            ("12", 12.0),
            (" 12.5\u{a0}", 12.5),
            ("\u{3000}１２．５", 12.5),
            ("1,234.5", 1234.5),
            ("-1,234,567", -1_234_567.0),
            ("１，２３４", 1234.0),
            ("12.5*", 12.5),
            ("12.5①", 12.5),
            ("12.5（1）", 12.5),
            ("12²", 12.0),
            ("\u{2212}3", -3.0),
            ("1.2E+3", 1200.0),
            (".5", 0.5),
            ("5.", 5.0),
        ] {
            assert_eq!(float(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_could_be_two_numbers_is_none() {
        for text in [
            "1.234,5", "12-13", "1e", "0,123", "12,34", "1234,567", "(123)", "(1)", "12%", "12 34", "NaN", "inf", "-",
            "…", "1,23,456", "1,234,", "12万", "2021年", "1e999", "", "+", "1.2.3",
        ] {
            assert_eq!(float(text), None, "{text}");
        }
    }

    #[test]
    fn year_labels_lose_their_mark_and_suffix() {
        for (text, year, footnote, unit) in [
            ("2016（1）", 2016, true, false),
            ("2005 ", 2005, false, false),
            ("2021年", 2021, false, true),
            ("2021年①", 2021, true, true),
            ("2016.0", 2016, false, false),
        ] {
            let cleaned = clean(text, true).unwrap();
            assert_eq!(plain_int(&cleaned.digits), Some(year), "{text}");
            assert_eq!((cleaned.footnote, cleaned.unit), (footnote, unit), "{text}");
        }
        assert_eq!(plain_int("2016.5"), None);
        assert_eq!(plain_int("99999999999999999999"), None);
    }

    #[test]
    fn scaling_down_by_a_power_of_ten_rounds_once() {
        assert_eq!(scaled(4_777_795.0, 0.0001), 477.7795);
        assert_eq!(scaled(3.0, 0.1), 0.3);
        assert_eq!(scaled(1.5, 10_000.0), 15_000.0);
        assert_eq!(scaled(2.0, 0.3), 0.6);
    }
}
