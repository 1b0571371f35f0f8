//! The small exhibits that the tests of all formats print: one of each type, in each language, and a hostile one.

use crate::document::{Document, Language};
use crate::exhibit::{Align, BodyRow, Cell, Exhibit, HeaderCell, Number, Wrap};

pub(crate) const LANGUAGES: [Language; 2] = [Language::Chinese, Language::English];

/// Grouped columns, stars, standard errors, words and counts below a rule, a missing value.
pub(crate) fn regression(language: Language) -> Exhibit {
    let say = |chinese: &str, english: &str| say(language, chinese, english);
    let estimate = |model: usize, value: f64, stars: u8| {
        Cell::Number(Number { stars, ..decimal(value, 4, &format!("baseline:{model}:smart:estimate")) })
    };
    let error = |model: usize, value: f64| {
        let address = format!("baseline:{model}:smart:std_error");
        Cell::Number(Number { wrap: Wrap::Parentheses, ..decimal(value, 4, &address) })
    };
    let count = |model: usize, value: f64| Cell::Number(count(value, &format!("baseline:{model}:n_obs")));
    Exhibit {
        id: "table4".to_string(),
        label: say("表4", "Table 4"),
        title: say("基准回归结果", "Baseline results"),
        header: vec![
            vec![heading("", 1), heading(&say("熵权指数", "Entropy index"), 2), heading("Martin", 1)],
            ["", "(1)", "(2)", "(3)"].map(|text| heading(text, 1)).to_vec(),
        ],
        align: vec![Align::Left, Align::Decimal, Align::Decimal, Align::Decimal],
        body: vec![
            row(
                &say("智慧城市试点", "Smart-city pilot"),
                [estimate(1, 0.123_45, 3), estimate(2, 0.042_1, 2), estimate(3, -0.771_25, 0)],
            ),
            BodyRow::Cells {
                cells: vec![Cell::Empty, error(1, 0.012_3), error(2, 0.013_1), error(3, 0.412_2)],
                heading: true,
            },
            BodyRow::Rule,
            row(
                &say("城市固定效应", "City fixed effects"),
                [say("未控制", "No"), say("控制", "Yes"), say("控制", "Yes")].map(Cell::Text),
            ),
            row(&say("观测值", "Observations"), [count(1, 3_976.0), count(2, 3_976.0), count(3, 987.0)]),
            row(
                "R²",
                [
                    Cell::Number(decimal(0.812_3, 3, "baseline:1:r2")),
                    Cell::Number(Number { value: None, ..decimal(0.0, 3, "baseline:2:r2") }),
                    Cell::Empty,
                ],
            ),
        ],
        notes: vec![
            say("***、**、*分别表示在1%、5%、10%的水平上显著。", "*** p<0.01, ** p<0.05, * p<0.1."),
            say("括号内为城市层面聚类稳健标准误。", "Standard errors clustered by city in parentheses."),
        ],
        warnings: vec!["panel: 12 rows found no city".to_string()],
    }
}

/// A column of counts beside columns of decimals, with negative values.
pub(crate) fn descriptive(language: Language) -> Exhibit {
    let say = |chinese: &str, english: &str| say(language, chinese, english);
    let line = |name: &str, words: String, values: [f64; 3]| {
        let address = |statistic: &str| format!("panel:{name}:{statistic}");
        let [n, mean, min] = values;
        let mean = Cell::Number(decimal(mean, 3, &address("mean")));
        row(&words, [Cell::Number(count(n, &address("n"))), mean, Cell::Number(decimal(min, 3, &address("min")))])
    };
    Exhibit {
        id: "table3".to_string(),
        label: say("表3", "Table 3"),
        title: say("描述性统计", "Descriptive statistics"),
        header: vec![
            [say("变量", "Variable"), say("观测值", "N"), say("均值", "Mean"), say("最小值", "Min")]
                .map(|text| heading(&text, 1))
                .to_vec(),
        ],
        align: vec![Align::Left, Align::Decimal, Align::Decimal, Align::Decimal],
        body: vec![
            line("outcome", say("创新韧性", "Resilience"), [3_976.0, 0.2, -0.1]),
            line("income", say("经济发展水平", "Economic development"), [987.0, 10.612_5, 8.25]),
        ],
        notes: Vec::new(),
        warnings: Vec::new(),
    }
}

/// Words only, under panels, with sentences that need more than a line.
pub(crate) fn definitions(language: Language) -> Exhibit {
    let say = |chinese: &str, english: &str| say(language, chinese, english);
    let line = |name: String, symbol: &str, definition: String| {
        row(&name, [Cell::Text(symbol.to_string()), Cell::Text(definition)])
    };
    Exhibit {
        id: "table2".to_string(),
        label: say("表2", "Table 2"),
        title: say("变量定义", "Variable definitions"),
        header: vec![
            [say("变量", "Variable"), say("符号", "Symbol"), say("定义", "Definition")]
                .map(|text| heading(&text, 1))
                .to_vec(),
        ],
        align: vec![Align::Left; 3],
        body: vec![
            BodyRow::Panel(say("被解释变量", "Outcomes")),
            line(
                say("创新韧性", "Resilience"),
                "resilience_martin",
                say(
                    "（专利授权增长率－全样本增长率）/｜全样本增长率｜，上下1%缩尾",
                    "(growth minus growth of the sample) / |growth of the sample|, winsorised at 1% on either side",
                ),
            ),
            BodyRow::Panel(say("控制变量", "Controls")),
            line(
                say("人口密度", "Density"),
                "ln_density",
                say("每平方公里人口数的对数", "ln of persons per square kilometre"),
            ),
        ],
        notes: vec![say("数据为合成数据。", "The data are synthetic.")],
        warnings: Vec::new(),
    }
}

/// Everything that takes effect in some format, in every place that an author fills.
pub(crate) fn hostile() -> Exhibit {
    let text = r#"</td><script>alert("1 & 2")</script> \input{/etc/passwd} $x_1^2$ 50% #1 ~ | `code` *[link](x)* {} '"#;
    let number = |value: f64| Number { stars: 1, wrap: Wrap::Brackets, ..decimal(value, 2, text) };
    Exhibit {
        id: "hostile".to_string(),
        label: text.to_string(),
        title: text.to_string(),
        header: vec![vec![heading(text, 2)], vec![heading(text, 1), heading("*", 1)]],
        align: vec![Align::Decimal, Align::Right],
        body: vec![
            BodyRow::Panel(text.to_string()),
            BodyRow::Cells { cells: vec![Cell::Number(number(-2.5)), Cell::Text(text.to_string())], heading: false },
            BodyRow::Cells {
                cells: vec![Cell::Text("[1]\nnext\tline".to_string()), Cell::Number(number(f64::NAN))],
                heading: true,
            },
        ],
        notes: vec![text.to_string(), "[not an option]".to_string()],
        warnings: vec![text.to_string()],
    }
}

/// All exhibits of a language with a footer.
pub(crate) fn document(language: Language) -> Document {
    Document {
        language,
        title: say(language, "智慧城市建设与城市创新韧性", "Smart cities and urban innovation resilience"),
        exhibits: vec![definitions(language), descriptive(language), regression(language)],
        footer: vec![
            (say(language, "随机种子", "Seed"), "20260101".to_string()),
            (say(language, "表 panel", "Table panel"), "0123456789abcdef".repeat(4)),
        ],
    }
}

pub(crate) fn decimal(value: f64, digits: u8, address: &str) -> Number {
    Number { value: Some(value), digits, stars: 0, wrap: Wrap::None, integer: false, address: address.to_string() }
}

fn count(value: f64, address: &str) -> Number {
    Number { integer: true, ..decimal(value, 0, address) }
}

fn heading(text: &str, span: usize) -> HeaderCell {
    HeaderCell { text: text.to_string(), span }
}

fn row<const N: usize>(name: &str, cells: [Cell; N]) -> BodyRow {
    BodyRow::Cells { cells: [Cell::Text(name.to_string())].into_iter().chain(cells).collect(), heading: true }
}

fn say(language: Language, chinese: &str, english: &str) -> String {
    match language {
        Language::Chinese => chinese.to_string(),
        Language::English => english.to_string(),
    }
}
