//! One number to its characters, in two halves around the decimal point. Knows no format: every renderer gets the same
//! text, and the width of it in digits so that points can be set below each other.

use crate::exhibit::{Number, Wrap};

/// U+2212: as wide as a plus and never broken from its digits, unlike the hyphen.
pub(crate) const MINUS: char = '\u{2212}';

/// Printed where the study has no value.
pub(crate) const MISSING: &str = "–";

/// A number in halves; the point belongs to the second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Printed {
    /// Opening wrap, sign and integer digits.
    pub(crate) whole: String,
    /// Point, decimals and closing wrap.
    pub(crate) part: String,
    /// Apart from the rest: they hang out of the column instead of widening it.
    pub(crate) stars: String,
}

/// The value, if there is one that can be printed.
pub(crate) fn finite(number: &Number) -> Option<f64> {
    number.value.filter(|value| value.is_finite())
}

/// The characters of a number; none without a value.
pub(crate) fn print(number: &Number) -> Option<Printed> {
    let value = finite(number)?;
    let digits = if number.integer { 0 } else { usize::from(number.digits) };
    // The standard library rounds the exact binary value, ties to even: 0.125 is 0.12, and 0.145, which is stored
    // as 0.14499…, is 0.14.
    let rounded = format!("{:.digits$}", value.abs());
    let zero = rounded.chars().all(|digit| matches!(digit, '0' | '.'));
    let (whole, decimals) = rounded.split_once('.').unwrap_or((&rounded, ""));
    let whole = if number.integer { grouped(whole) } else { whole.to_string() };
    let (open, close) = match number.wrap {
        Wrap::None => ("", ""),
        Wrap::Parentheses => ("(", ")"),
        Wrap::Brackets => ("[", "]"),
    };
    // A value that rounds to nothing has no sign: −0.000 says more than is known.
    let sign = if value < 0.0 && !zero { MINUS.to_string() } else { String::new() };
    let point = if decimals.is_empty() { "" } else { "." };
    Some(Printed {
        whole: format!("{open}{sign}{whole}"),
        part: format!("{point}{decimals}{close}"),
        stars: "*".repeat(usize::from(number.stars)),
    })
}

/// The number as plain text.
pub(crate) fn text(number: &Number) -> String {
    print(number).map_or(MISSING.to_string(), |Printed { whole, part, stars }| format!("{whole}{part}{stars}"))
}

/// The value with all the digits it has: the shortest text that reads back as the same bits.
pub(crate) fn full(value: f64) -> String {
    let text = format!("{value:?}");
    text.strip_suffix(".0").unwrap_or(&text).to_string()
}

/// Room for the characters of a number, in hundredths of a digit. What is not a digit gets the most that it needs
/// in common serif fonts: a box too narrow would push the point out of line, one too wide is not seen.
pub(crate) fn room(text: &str) -> u32 {
    let widths = text.chars().map(|character| match character {
        MINUS => 135,
        '(' | ')' | '[' | ']' => 80,
        ',' | '.' => 60,
        _ => 100,
    });
    widths.sum()
}

/// A comma before every third digit from the right.
fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn number(value: Option<f64>, digits: u8) -> Number {
        Number { value, digits, stars: 0, wrap: Wrap::None, integer: false, address: String::new() }
    }

    fn count(value: f64) -> Number {
        Number { integer: true, ..number(Some(value), 0) }
    }

    fn check(numbers: &[Number], expected: Expect) {
        let lines = numbers.iter().map(|number| {
            let value = number.value.map_or("none".to_string(), full);
            let digits = if number.integer { "count".to_string() } else { format!("{} digits", number.digits) };
            format!("{value}, {digits}: {}\n", text(number))
        });
        expected.assert_eq(&lines.collect::<String>());
    }

    #[test]
    fn decimals_are_rounded_from_the_exact_binary_value() {
        let values = [0.125, 0.375, 0.145, 2.675, 1.0, 0.999_9, 12_345.678, 1e-300, 1e21, 0.1 + 0.2];
        check(
            &values.map(|value| number(Some(value), 2)),
            expect![[r#"
            0.125, 2 digits: 0.12
            0.375, 2 digits: 0.38
            0.145, 2 digits: 0.14
            2.675, 2 digits: 2.67
            1, 2 digits: 1.00
            0.9999, 2 digits: 1.00
            12345.678, 2 digits: 12345.68
            1e-300, 2 digits: 0.00
            1e21, 2 digits: 1000000000000000000000.00
            0.30000000000000004, 2 digits: 0.30
        "#]],
        );
    }

    #[test]
    fn signs_are_true_minuses_and_nothing_has_none() {
        let values = [-0.5, -0.000_4, -0.000_5, -0.000_500_1, -0.0, 0.000_4];
        check(
            &values.map(|value| number(Some(value), 3)),
            expect![[r#"
            -0.5, 3 digits: −0.500
            -0.0004, 3 digits: 0.000
            -0.0005, 3 digits: −0.001
            -0.0005001, 3 digits: −0.001
            -0, 3 digits: 0.000
            0.0004, 3 digits: 0.000
        "#]],
        );
    }

    #[test]
    fn counts_have_no_decimals_and_commas() {
        let values = [0.0, 7.0, 999.0, 1_000.0, 3_976.0, 1_234_567.0, -3_976.0, 2.5];
        check(
            &values.map(count),
            expect![[r#"
            0, count: 0
            7, count: 7
            999, count: 999
            1000, count: 1,000
            3976, count: 3,976
            1234567, count: 1,234,567
            -3976, count: −3,976
            2.5, count: 2
        "#]],
        );
    }

    #[test]
    fn missing_values_are_a_dash() {
        check(
            &[None, Some(f64::NAN), Some(f64::INFINITY), Some(f64::NEG_INFINITY)].map(|value| number(value, 3)),
            expect![[r#"
                none, 3 digits: –
                NaN, 3 digits: –
                inf, 3 digits: –
                -inf, 3 digits: –
            "#]],
        );
    }

    #[test]
    fn wraps_and_stars_stand_outside() {
        let starred = Number { stars: 3, ..number(Some(-0.0421), 3) };
        let error = Number { wrap: Wrap::Parentheses, ..number(Some(0.0123), 4) };
        let statistic = Number { wrap: Wrap::Brackets, stars: 1, ..number(Some(-2.5), 2) };
        let year = number(Some(2007.0), 0);
        check(
            &[starred, error, statistic, year],
            expect![[r#"
            -0.0421, 3 digits: −0.042***
            0.0123, 4 digits: (0.0123)
            -2.5, 2 digits: [−2.50]*
            2007, 0 digits: 2007
        "#]],
        );
    }

    #[test]
    fn the_point_belongs_to_the_second_half() {
        let printed = print(&Number { wrap: Wrap::Parentheses, stars: 2, ..number(Some(-12.5), 1) });
        let expected = Printed { whole: "(\u{2212}12".into(), part: ".5)".into(), stars: "**".into() };
        assert_eq!(printed, Some(expected));
        assert_eq!([room("12"), room("(\u{2212}0"), room(".5)")], [200, 315, 240]);
    }
}
