//! Texts as they are compared: without blanks, with half-width digits, letters and parentheses. What is stored is never
//! normalised, only what is compared. Knows no cell and no layout.

/// True for every blank a spreadsheet may hold: white space, the full-width space, no-break and zero-width spaces.
pub(crate) fn is_blank(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{200b}' | '\u{2060}' | '\u{feff}')
}

/// Removes outer blanks only.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches(is_blank)
}

/// Full-width ASCII to half-width: `Ａ（１）` → `A(1)`.
pub(crate) fn half_width(character: char) -> char {
    match character {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(character as u32 - 0xfee0).unwrap_or(character),
        _ => character,
    }
}

/// The form in which texts are compared: no blanks, no `_x000D_`, half-width, `⑵` as `(2)`.
/// Circled digits and superscripts stay: in this material they are footnote marks, not digits.
pub(crate) fn normalise(text: &str) -> String {
    let text = text.replace("_x000D_", "").replace("_x000d_", "");
    let mut normal = String::with_capacity(text.len());
    for character in text.chars().filter(|character| !is_blank(*character)) {
        match character {
            '⑴'..='⒇' => {
                let number = character as u32 - '⑴' as u32 + 1;
                normal.push('(');
                normal.push_str(&number.to_string());
                normal.push(')');
            }
            _ => normal.push(half_width(character)),
        }
    }
    normal
}

/// Whether `text` is `normal` once it is normalised.
pub(crate) fn is_same(text: &str, normal: &str) -> bool {
    let changes_length = |character: char| matches!(character, '_' | '⑴'..='⒇');
    let mut rest = normal.chars();
    for character in text.chars().filter(|character| !is_blank(*character)) {
        if changes_length(character) {
            return normalise(text) == normal;
        }
        if rest.next() != Some(half_width(character)) {
            // What is left may still begin with something that is taken away.
            return text.contains(changes_length) && normalise(text) == normal;
        }
    }
    rest.next().is_none()
}

pub(crate) fn without_trailing_parentheses(name: &str) -> &str {
    if !name.ends_with(')') {
        return name;
    }
    let mut depth = 0;
    for (position, character) in name.char_indices().rev() {
        match character {
            ')' => depth += 1,
            '(' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            // A text that is nothing but a parenthesis keeps it.
            return if position == 0 { name } else { &name[..position] };
        }
    }
    name
}

/// How alike two texts are, from 0 to 1, for suggestions in messages.
pub(crate) fn likeness(left: &str, right: &str) -> f64 {
    strsim::normalized_levenshtein(left, right).max(strsim::jaro_winkler(left, right) * 0.9)
}

/// The `count` candidates most like `wanted`, best first; ties keep their order.
pub(crate) fn nearest(wanted: &str, candidates: &[String], count: usize) -> Vec<String> {
    let wanted = normalise(wanted);
    let mut scored: Vec<(f64, &String)> = candidates
        .iter()
        .map(|candidate| {
            let normal = normalise(candidate);
            let contains = !normal.is_empty() && (normal.contains(&wanted) || wanted.contains(normal.as_str()));
            (likeness(&wanted, &normal) + f64::from(u8::from(contains)), candidate)
        })
        .collect();
    scored.sort_by(|left, right| right.0.total_cmp(&left.0));
    scored.into_iter().take(count).map(|(_, candidate)| candidate.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparing_ignores_blanks_width_and_carriage_returns() {
        for (text, expected) in [
            ("  全  市\u{3000}", "全市"),
            ("年末总人口_x000D_\n(万人)", "年末总人口(万人)"),
            ("年末总人口（万人）", "年末总人口(万人)"),
            ("⑵制造业", "(2)制造业"),
            ("２０１６", "2016"),
            ("其中：非农业人口", "其中:非农业人口"),
            ("2016①", "2016①"),
        ] {
            assert_eq!(normalise(text), expected, "{text}");
            assert!(is_same(text, expected), "{text}");
            for other in ["", "全市2", "全", "2", "x_x000D_"] {
                assert_eq!(is_same(text, other), normalise(text) == other, "{text} {other}");
            }
        }
        assert!(is_same("_x000D_", "") && is_same("a_x000d_b", "ab") && !is_same("a_b", "ab"));
    }

    #[test]
    fn suggestions_put_the_nearest_name_first() {
        let names = ["GDP", "年末总人口(万人)", "金融业"].map(String::from);
        assert_eq!(nearest("总人口", &names, 1), ["年末总人口(万人)"]);
        assert_eq!(nearest("gdp", &names, 1), ["GDP"]);
    }
}
