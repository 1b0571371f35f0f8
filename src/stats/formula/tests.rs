//! Formulas as text and what is read from them.

use super::parse;

/// Outcome, intercept, terms and effects as a text.
fn shown(text: &str) -> String {
    let formula = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let variable = |variable: &super::Variable| match variable {
        super::Variable::Factor { column, reference: None } => format!("i({column})"),
        super::Variable::Factor { column, reference: Some(level) } => format!("i({column}, {level:?})"),
        other => other.to_string(),
    };
    let term = |term: &super::Term| term.variables.iter().map(variable).collect::<Vec<_>>().join(":");
    let effects: Vec<String> = formula.effects.iter().map(ToString::to_string).collect();
    let terms: Vec<String> =
        formula.intercept.then(|| "1".to_string()).into_iter().chain(formula.terms.iter().map(term)).collect();
    format!("{} ~ {} | {}", variable(&formula.outcome), terms.join(" + "), effects.join(" + "))
}

#[test]
fn formulas_are_read() {
    for (text, expected) in [
        ("y ~ x", "y ~ 1 + x | "),
        ("y~x1+x2|fe1+fe2", "y ~ x1 + x2 | fe1 + fe2"),
        ("y ~ x - 1", "y ~ x | "),
        ("y ~ 0 + x", "y ~ x | "),
        ("y ~ -1 + x", "y ~ x | "),
        ("y ~ 1", "y ~ 1 | "),
        ("y ~ 1 + x | f", "y ~ x | f"),
        ("y ~ + x", "y ~ 1 + x | "),
        ("y ~ a:b", "y ~ 1 + a:b | "),
        ("y ~ a*b", "y ~ 1 + a + b + a:b | "),
        ("y ~ a*b*c", "y ~ 1 + a + b + a:b + c + a:c + b:c + a:b:c | "),
        ("y ~ (a + b):c | f", "y ~ a:c + b:c | f"),
        ("y ~ (a + b)*c | f", "y ~ a + b + c + a:c + b:c | f"),
        ("y ~ x + x + a:b + b:a | f + f + f^g + g^f", "y ~ x + a:b | f + f^g"),
        ("y ~ a:a | f", "y ~ a | f"),
        ("log(y) ~ log(x):d | f", "log(y) ~ log(x):d | f"),
        ("y ~ i(year) | f", "y ~ i(year) | f"),
        ("y ~ i(year, ref = 2003) | f", "y ~ i(year, Number(2003.0)) | f"),
        ("y ~ i(k, -1) | f", "y ~ i(k, Number(-1.0)) | f"),
        ("y ~ i(region, ref = east) | f", "y ~ i(region, Text(\"east\")) | f"),
        ("y ~ i(region, '东部') | f", "y ~ i(region, Text(\"东部\")) | f"),
        ("y ~ i(year, treat, ref = 2003) | f", "y ~ i(year, Number(2003.0)):treat | f"),
        ("y ~ i(year, log(x)) | f", "y ~ i(year):log(x) | f"),
        ("创新韧性 ~ 智慧城市 + 人均GDP | 城市 + 年份", "创新韧性 ~ 智慧城市 + 人均GDP | 城市 + 年份"),
        ("`a b` ~ `x~|`:first.treat | `f^g`", "a b ~ x~|:first.treat | f^g"),
        ("i ~ log + i(log)", "i ~ 1 + log + i(log) | "),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn every_column_that_is_read_is_named() {
    let formula = parse("log(y) ~ a:`b c` + i(d, e, ref = z) + log(g) | h^k + a").expect("a formula");
    assert_eq!(formula.columns().into_iter().collect::<Vec<_>>(), ["a", "b c", "d", "e", "g", "h", "k", "y"]);
}

/// The message, the characters it points at, and the hint.
#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (text, message, place, hint) in [
        ("", "the formula has no `~` (at character 1)", "", "a formula reads"),
        ("y + x", "the formula has no `~` (at character 6)", "", "a formula reads"),
        ("~ x", "nothing stands before `~` (at character 1)", "~", "a formula reads"),
        ("y ~", "nothing stands after `~` (at character 4)", "", "a formula reads"),
        ("y ~ | f", "nothing stands after `~` (at character 5)", "|", "a formula reads"),
        ("y ~ x |", "nothing stands after `|` (at character 8)", "", "leave `|` out"),
        ("y ~ x | f | f", "`| endogenous ~ instrument` is not supported yet (at character 11)", "|", "reduced form"),
        ("y ~ x | z ~ w", "`| endogenous ~ instrument` is not supported yet (at character 11)", "~", "reduced form"),
        ("y ~ x | f[t]", "`group[x]` is not supported yet (at character 10)", "[", "interact the variable"),
        ("y ~ x[t]", "`group[x]` is not supported yet (at character 6)", "[", "interact the variable"),
        ("y1 + y2 ~ x", "the outcome is one column or `log(column)` (at character 4)", "+", "`matrix`"),
        ("3 ~ x", "the outcome is one column or `log(column)` (at character 1)", "3", "`matrix`"),
        ("i(y) ~ x", "the outcome is one column or `log(column)` (at character 1)", "i", "`matrix`"),
        ("y ~ x + y", "`y` is the outcome and cannot explain itself (at character 9)", "y", ""),
        ("y ~ x ~ z", "more than one `~` (at character 7)", "~", ""),
        ("y ~ lgo(x)", "no function `lgo`; there are `i` and `log` (at character 5)", "lgo", "did you mean `log`?"),
        ("y ~ ln(x)", "no function `ln`; there are `i` and `log` (at character 5)", "ln", "did you mean `log`?"),
        ("y ~ cube(x)", "no function `cube`; there are `i` and `log` (at character 5)", "cube", "in a stage before"),
        ("cube(y) ~ x", "no function `cube`; there are `i` and `log` (at character 1)", "cube", "in a stage before"),
        ("y ~ i(t, ln(x))", "no function `ln`; there are `i` and `log` (at character 10)", "ln", "did you mean `log`?"),
        ("y ~ l(x, 1)", "`l()` is not supported yet (at character 5)", "l", "make the lag a column"),
        ("y ~ factor(x)", "`factor()` is not supported yet (at character 5)", "factor", "write `i(column)`"),
        ("y ~ sw(a, b)", "`sw()` is not supported yet (at character 5)", "sw", "`matrix`"),
        ("y ~ x | bin(f)", "`bin()` is not supported yet (at character 9)", "bin", "absorb that"),
        ("y ~ log(x + 1)", "`log` takes one column (at character 9)", "x", "make the expression a column"),
        ("y ~ log()", "`log` takes one column (at character 9)", ")", "make the expression a column"),
        ("y ~ (a + b", "the parenthesis is not closed (at character 5)", "(", ""),
        ("y ~ log(x", "the parenthesis is not closed (at character 8)", "(", ""),
        ("y ~ a + b)", "the parenthesis closes nothing (at character 10)", ")", ""),
        ("y ~ )", "the parenthesis closes nothing (at character 5)", ")", ""),
        ("y ~ x^2", "`^` combines fixed effects and has no meaning here (at character 6)", "^", "write a product"),
        ("y ~ 2 + x", "`2` is not a term (at character 5)", "2", "`1` is the intercept"),
        ("y ~ x:1", "`1` is not a term (at character 8)", "", "`1` is the intercept"),
        ("y ~ x - z", "only `- 1` can be taken away (at character 9)", "z", "leave the term out"),
        (
            "y ~ 0",
            "there is nothing to estimate: no regressor and no intercept (at character 5)",
            "0",
            "name a regressor",
        ),
        (
            "y ~ 1 | f",
            "there is nothing to estimate: no regressor and no intercept (at character 5)",
            "1",
            "name a regressor",
        ),
        ("y ~ x +", "expected a column, a function or `(`, found the end (at character 8)", "", ""),
        ("y ~ x z", "expected `+`, `|` or the end, found `z` (at character 7)", "z", ""),
        ("y ~ x | f + ", "expected a column to absorb, found the end (at character 13)", "", ""),
        ("y ~ i()", "expected the column of the factor, found `)` (at character 7)", ")", ""),
        ("y ~ i(f, ref = )", "expected a level: a number or a quoted text, found `)` (at character 16)", ")", ""),
        ("y ~ i(f, 1, 2)", "expected `)`, found `2` (at character 13)", "2", ""),
        ("y ~ 'x'", "expected a column, a function or `(`, found \"x\" (at character 5)", "'x'", ""),
        ("y ~ `x", "the quotation mark is not closed (at character 5)", "`", "close it with ```"),
        ("y ~ x & z", "`&` cannot stand in a formula (at character 7)", "&", "into backquotes"),
        ("韧性 ～ 智慧", "`～` is a full-width sign (at character 4)", "～", "write `~`"),
        ("韧性 ~ 智慧＋人口", "`＋` is a full-width sign (at character 8)", "＋", "write `+`"),
    ] {
        let error = parse(text).expect_err(text);
        assert_eq!(error.to_string(), message, "{text}");
        let pointed: String = text.chars().skip(error.offset).take(error.length).collect();
        assert_eq!(pointed, place, "{text}");
        let found = error.hint().unwrap_or_default();
        assert!(found.contains(hint) && found.is_empty() == hint.is_empty(), "{text}: {found}");
    }
}
