//! Formulas as text and what is read from them.

use super::{models, parse};

/// Outcome, intercept, terms, effects and instruments as a text.
fn shown(formula: &super::Formula) -> String {
    let term = |term: &super::Term| term.variables.iter().map(ToString::to_string).collect::<Vec<_>>().join(":");
    let effects: Vec<String> = formula.effects.iter().map(ToString::to_string).collect();
    let terms: Vec<String> =
        formula.intercept.then(|| "1".to_string()).into_iter().chain(formula.terms.iter().map(term)).collect();
    let mut text = format!("{} ~ {} | {}", formula.outcome, terms.join(" + "), effects.join(" + "));
    if formula.has_instruments() {
        text.truncate(text.trim_end_matches([' ', '|']).len());
        let sum = |terms: &[super::Term]| terms.iter().map(term).collect::<Vec<_>>().join(" + ");
        text += &format!(" | {} ~ {}", sum(&formula.endogenous), sum(&formula.instruments));
    }
    text
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
        ("y ~ i(year, ref = 2003) | f", "y ~ i(year, ref = 2003) | f"),
        ("y ~ i(k, -1) | f", "y ~ i(k, ref = -1) | f"),
        ("y ~ i(k, ref = c(-1, -5)) | f", "y ~ i(k, ref = c(-1, -5)) | f"),
        ("y ~ i(region, ref = east) | f", "y ~ i(region, ref = \"east\") | f"),
        ("y ~ i(region, '东部') | f", "y ~ i(region, ref = \"东部\") | f"),
        ("y ~ i(year, treat, ref = 2003) | f", "y ~ i(year, ref = 2003):treat | f"),
        ("y ~ i(year, log(x)) | f", "y ~ i(year):log(x) | f"),
        ("y ~ i(f, i.g, ref = 1, ref2 = a)", "y ~ 1 + i(f, ref = 1):i(g, ref = \"a\") | "),
        ("创新韧性 ~ 智慧城市 + 人均GDP | 城市 + 年份", "创新韧性 ~ 智慧城市 + 人均GDP | 城市 + 年份"),
        ("`a b` ~ `x~|`:first.treat | `f^g`", "`a b` ~ `x~|`:first.treat | `f^g`"),
        ("i ~ log + i(log)", "i ~ 1 + log + i(log) | "),
        ("y ~ log(x + 1) + sqrt(x/z) | f", "y ~ log(x + 1) + sqrt(x / z) | f"),
        ("y ~ I(x) + I((a + b)/c - -2^2*d) | f", "y ~ x + I((a + b) / c - -2^2 * d) | f"),
        ("y ~ x^2 + I(x^-1) + I((-2)^x) | f", "y ~ I(x^2) + I(x^-1) + I((-2)^x) | f"),
        (
            "y ~ I(year >= 2010) + I(region == 'east') + I(a != 1) | f",
            "y ~ I(year >= 2010) + I(region == \"east\") + I(a != 1) | f",
        ),
        ("y ~ I(1e-3*x - (a - (b - c)))", "y ~ 1 + I(0.001 * x - (a - (b - c))) | "),
        ("I(y/pop) ~ x | f", "I(y / pop) ~ x | f"),
        ("y ~ poly(x, 2) + poly(z, 3, raw = TRUE)", "y ~ 1 + poly(x, 2)1 + poly(x, 2)2 + z + I(z^2) + I(z^3) | "),
        ("y ~ l(x) + l(x, 2) + f(x) + l(x, -1) + d(x) | f", "y ~ l(x, 1) + l(x, 2) + f(x, 1) + d(x, 1) | f"),
        ("y ~ l(x, 0:2) + f(z, c(1, 3)) | f", "y ~ x + l(x, 1) + l(x, 2) + f(z, 1) + f(z, 3) | f"),
        ("d(log(y)) ~ l(d(log(y)), 1) | f", "d(log(y), 1) ~ l(d(log(y), 1), 1) | f"),
        ("y ~ x | f[t] + g", "y ~ x | f[t] + g"),
        ("y ~ x | f[[t, log(z)]] + g^h[t]", "y ~ x | f[[t, log(z)]] + g^h[t]"),
        ("y ~ x | f[[t]] + f", "y ~ x | f[t]"),
        ("y ~ x | f + t | p ~ z", "y ~ x | f + t | p ~ z"),
        ("y ~ x | p + q ~ z1 + z2 + z3", "y ~ 1 + x | p + q ~ z1 + z2 + z3"),
        ("y ~ 1 | f | p ~ i(g)", "y ~  | f | p ~ i(g)"),
    ] {
        let formula = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(shown(&formula), expected, "{text}");
        let again = formula.to_string();
        // Its own text is the same formula; only the columns of a polynomial have no text of their own.
        if !text.contains("poly(x") {
            assert_eq!(parse(&again).as_ref(), Ok(&formula), "{text}: {again}");
        }
    }
}

#[test]
fn a_formula_may_be_several_models() {
    for (text, expected) in [
        ("y1 + y2 ~ x | f", "y1 ~ x | f; y2 ~ x | f"),
        ("c(y1, log(y2)) ~ x | f", "y1 ~ x | f; log(y2) ~ x | f"),
        ("f(y, 0:1) ~ x | f", "y ~ x | f; f(y, 1) ~ x | f"),
        ("y ~ sw(a, b + c) | f", "y ~ a | f; y ~ b + c | f"),
        ("y ~ x + sw0(a, b) | f", "y ~ x | f; y ~ x + a | f; y ~ x + b | f"),
        ("y ~ csw(a, b, c)", "y ~ a; y ~ a + b; y ~ a + b + c"),
        ("y ~ x + csw0(a, b):1", ""),
        (
            "y ~ x + mvsw(a, b, c + d)",
            "y ~ x; y ~ x + a; y ~ x + b; y ~ x + c + d; y ~ x + a + b; y ~ x + a + c + d; y ~ x + b + c + d; y ~ x + a + b + c + d",
        ),
        ("y ~ 1 | f", "y ~ 1 | f"),
        ("y ~ x | f + mvsw(t, g)", "y ~ x | f; y ~ x | f + t; y ~ x | f + g; y ~ x | f + t + g"),
        ("y ~ x | csw0(f, t)", "y ~ x; y ~ x | f; y ~ x | f + t"),
        ("y ~ x | sw(f, f^t) + g", "y ~ x | f + g; y ~ x | f^t + g"),
        (
            "y1 + y2 ~ csw(a, b) | sw(f, t)",
            "y1 ~ a | f; y1 ~ a | t; y1 ~ a + b | f; y1 ~ a + b | t; y2 ~ a | f; y2 ~ a | t; y2 ~ a + b | f; y2 ~ a + b | t",
        ),
        ("y ~ sw(a, b) | p ~ z", "y ~ a | p ~ z; y ~ b | p ~ z"),
        ("y ~ x", "y ~ x"),
    ] {
        let found = match models(text) {
            Ok(models) => models.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
            Err(_) => String::new(),
        };
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn every_column_that_is_read_is_named() {
    let formula = parse("log(y) ~ a:`b c` + i(d, e, ref = z) + log(g) | h^k + a").expect("a formula");
    assert_eq!(formula.columns().into_iter().collect::<Vec<_>>(), ["a", "b c", "d", "e", "g", "h", "k", "y"]);
    assert!(!formula.needs_panel());
    let formula = parse("y ~ l(I(a/b)) + poly(c, 2) | d[log(e)] | f ~ g + I(h == 'x')").expect("a formula");
    assert_eq!(formula.columns().into_iter().collect::<Vec<_>>(), ["a", "b", "c", "d", "e", "f", "g", "h", "y"]);
    assert!(formula.needs_panel());
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
        ("y ~ x | f | f", "expected `~` and instruments, found the end (at character 14)", "", ""),
        ("y ~ x | f | p ~ z | g", "nothing stands after the instruments (at character 19)", "|", "the order is"),
        ("y ~ x | f |", "nothing stands after `|` (at character 12)", "", "leave `|` out"),
        ("y ~ x | f | x ~ z", "`x` is a regressor and cannot be endogenous too (at character 5)", "x", "name it once"),
        (
            "y ~ x | f | p ~ z + x",
            "`x` is a regressor and cannot be an instrument too (at character 5)",
            "x",
            "name it once",
        ),
        ("y ~ x | f | y ~ z", "`y` is the outcome and cannot explain itself (at character 13)", "y", ""),
        ("y ~ x | f[t", "expected `]`, found the end (at character 12)", "", ""),
        ("y ~ x[t]", "`group[x] among the regressors` is not supported (at character 6)", "[", "absorb slopes"),
        ("y1 + y2 ~ x", "the formula makes 2 models where one is wanted (at character 6)", "y2", "`matrix`"),
        ("y1 - y2 ~ x", "an outcome is a column or a function of columns (at character 4)", "-", "arithmetic"),
        ("3 ~ x", "an outcome is a column or a function of columns (at character 1)", "3", "arithmetic"),
        ("i(y) ~ x", "an outcome is a column or a function of columns (at character 1)", "i", "arithmetic"),
        ("y ~ x + y", "`y` is the outcome and cannot explain itself (at character 9)", "y", ""),
        ("y ~ x ~ z", "more than one `~` (at character 7)", "~", ""),
        ("y ~ lgo(x)", "no function `lgo` (at character 5)", "lgo", "did you mean `log`?"),
        ("y ~ ln(x)", "`ln()` is not supported (at character 5)", "ln", "write `log(column)`"),
        ("y ~ cube(x)", "no function `cube` (at character 5)", "cube", "in a stage before"),
        ("cube(y) ~ x", "no function `cube` (at character 1)", "cube", "in a stage before"),
        ("y ~ i(t, lgo(x))", "no function `lgo` (at character 10)", "lgo", "did you mean `log`?"),
        ("y ~ lag(x, 1)", "`lag()` is not supported (at character 5)", "lag", "write `l(column, 1)`"),
        ("y ~ l(x, 1.5)", "a number of periods is a whole number from -10000 to 10000 (at character 10)", "1.5", ""),
        (
            "y ~ log(l(x, 1:2))",
            "`several periods of l()` cannot be part of an expression (at character 9)",
            "l",
            "make a number",
        ),
        ("y ~ factor(x)", "`factor()` is not supported (at character 5)", "factor", "write `i(column)`"),
        ("y ~ sw(a, b)", "the formula makes 2 models where one is wanted (at character 5)", "sw", "`matrix`"),
        (
            "y ~ x:sw(a, b)",
            "`sw()` stands for several models and cannot be a part of a term (at character 7)",
            "sw",
            "summand",
        ),
        (
            "y ~ sw(a, b)*x",
            "`sw()` stands for several models and cannot be a part of a term (at character 5)",
            "sw",
            "summand",
        ),
        ("y ~ x | bin(f)", "`bin()` is not supported (at character 9)", "bin", "absorb that"),
        ("y ~ log(x +)", "expected a column, a number or a function, found `)` (at character 12)", ")", ""),
        ("y ~ log(i(x))", "`i()` cannot be part of an expression (at character 9)", "i", "make a number"),
        ("y ~ poly(x)", "expected `,` and the degree, found `)` (at character 11)", ")", ""),
        ("y ~ poly(x, 0)", "the degree of a polynomial is a whole number from 1 to 20 (at character 13)", "0", ""),
        ("y ~ log()", "expected a column, a number or a function, found `)` (at character 9)", ")", ""),
        ("y ~ (a + b", "the parenthesis is not closed (at character 5)", "(", ""),
        ("y ~ log(x", "the parenthesis is not closed (at character 8)", "(", ""),
        ("y ~ a + b)", "the parenthesis closes nothing (at character 10)", ")", ""),
        ("y ~ )", "the parenthesis closes nothing (at character 5)", ")", ""),
        ("y ~ x^z", "`^` combines fixed effects and has no meaning here (at character 6)", "^", "write a product"),
        ("y ~ 2 + x", "`2` is not a term (at character 5)", "2", "`1` is the intercept"),
        ("y ~ x:1", "`1` is not a term (at character 8)", "", "`1` is the intercept"),
        ("y ~ x - z", "only `- 1` can be taken away (at character 9)", "z", "leave the term out"),
        (
            "y ~ 0",
            "there is nothing to estimate: no regressor and no intercept (at character 5)",
            "0",
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

#[test]
fn no_text_is_too_deep_or_too_long() {
    for text in [
        format!("y ~ {}x{}", "(".repeat(5000), ")".repeat(5000)),
        format!("y ~ I({}x{})", "(".repeat(5000), ")".repeat(5000)),
        format!("y ~ I({}x)", "-".repeat(5000)),
        format!("y ~ I({}2)", "2^".repeat(5000)),
        format!("y ~ I({}x)", "x + ".repeat(5000)),
        format!("y ~ I({}x)", "x * ".repeat(5000)),
        format!("y ~ {}", ["sw(a, b, c)"; 50].join(" + ")),
    ] {
        let error = models(&text).expect_err("too much");
        assert!(error.to_string().contains("more than"), "{error}");
        assert!(error.hint().is_some());
    }
}
