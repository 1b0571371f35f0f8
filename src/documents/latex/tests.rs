//! What the LaTeX of each sample is, and what holds of every table.

use super::*;
use crate::samples::{self, LANGUAGES};
use expect_test::{Expect, expect};

fn check(exhibit: &Exhibit, language: Language, expected: Expect) {
    let text = Latex.exhibit(&Sheet::new(exhibit).unwrap(), language);
    check_closed(&text);
    expected.assert_eq(&text);
}

/// Every brace and every environment is closed.
fn check_closed(text: &str) {
    let plain = text.replace("\\{", "").replace("\\}", "");
    assert_eq!(plain.matches('{').count(), plain.matches('}').count());
    let mut open = Vec::new();
    for piece in text.split('\\') {
        let name = |piece: &str| piece.split(['{', '}']).nth(1).unwrap_or("").to_string();
        if piece.starts_with("begin{") {
            open.push(name(piece));
        } else if piece.starts_with("end{") {
            assert_eq!(open.pop(), Some(name(piece)));
        }
    }
    assert!(open.is_empty(), "still open: {open:?}");
}

#[test]
fn a_regression_is_an_input_for_an_article() {
    check(
        &samples::regression(Language::English),
        Language::English,
        expect![[r#"
        % \usepackage{adjustbox,array,booktabs,dcolumn,longtable,threeparttable}
        \providecommand{\sym}[1]{\rlap{$^{#1}$}}
        \begin{table}[htbp]
        \centering\small
        \renewcommand{\arraystretch}{1.15}
        \caption{Baseline results}\label{tab:table4}
        \begin{adjustbox}{max width=\linewidth}
        \begin{threeparttable}
        \begin{tabular}{lD{.}{.}{2.5}D{.}{.}{2.5}D{.}{.}{3.5}}
        \toprule
         & \multicolumn{2}{c}{Entropy index} & \multicolumn{1}{c}{Martin}\\
        \cmidrule(lr){2-3}\cmidrule(lr){4-4}
         & \multicolumn{1}{c}{(1)} & \multicolumn{1}{c}{(2)} & \multicolumn{1}{c}{(3)}\\
        \midrule
        Smart-city pilot & 0.1235\sym{***} & 0.0421\sym{**} & -0.7712\\
         & (0.0123) & (0.0131) & (0.4122)\\
        \midrule
        City fixed effects & \multicolumn{1}{c}{No} & \multicolumn{1}{c}{Yes} & \multicolumn{1}{c}{Yes}\\
        Observations & \multicolumn{1}{c}{3,976} & \multicolumn{1}{c}{3,976} & \multicolumn{1}{c}{987}\\
        R² & 0.812 & \multicolumn{1}{c}{–} & \\
        \bottomrule
        \end{tabular}
        \begin{tablenotes}[flushleft]
        \footnotesize\setlength{\labelsep}{0pt}
        \item Note: *** p\textless{}0.01, ** p\textless{}0.05, * p\textless{}0.1.
        \item Standard errors clustered by city in parentheses.
        \item Warning: panel: 12 rows found no city
        \end{tablenotes}
        \end{threeparttable}
        \end{adjustbox}
        \end{table}
    "#]],
    );
    check(
        &samples::regression(Language::Chinese),
        Language::Chinese,
        expect![[r#"
        % \usepackage{adjustbox,array,booktabs,dcolumn,longtable,threeparttable}
        \providecommand{\sym}[1]{\rlap{$^{#1}$}}
        \begin{table}[htbp]
        \centering\small
        \renewcommand{\arraystretch}{1.15}
        \caption{基准回归结果}\label{tab:table4}
        \begin{adjustbox}{max width=\linewidth}
        \begin{threeparttable}
        \begin{tabular}{lD{.}{.}{2.5}D{.}{.}{2.5}D{.}{.}{3.5}}
        \toprule
         & \multicolumn{2}{c}{熵权指数} & \multicolumn{1}{c}{Martin}\\
        \cmidrule(lr){2-3}\cmidrule(lr){4-4}
         & \multicolumn{1}{c}{(1)} & \multicolumn{1}{c}{(2)} & \multicolumn{1}{c}{(3)}\\
        \midrule
        智慧城市试点 & 0.1235\sym{***} & 0.0421\sym{**} & -0.7712\\
         & (0.0123) & (0.0131) & (0.4122)\\
        \midrule
        城市固定效应 & \multicolumn{1}{c}{未控制} & \multicolumn{1}{c}{控制} & \multicolumn{1}{c}{控制}\\
        观测值 & \multicolumn{1}{c}{3,976} & \multicolumn{1}{c}{3,976} & \multicolumn{1}{c}{987}\\
        R² & 0.812 & \multicolumn{1}{c}{–} & \\
        \bottomrule
        \end{tabular}
        \begin{tablenotes}[flushleft]
        \footnotesize\setlength{\labelsep}{0pt}
        \item 注：***、**、*分别表示在1\%、5\%、10\%的水平上显著。
        \item 括号内为城市层面聚类稳健标准误。
        \item 警告：panel: 12 rows found no city
        \end{tablenotes}
        \end{threeparttable}
        \end{adjustbox}
        \end{table}
    "#]],
    );
}

#[test]
fn columns_of_counts_have_their_room() {
    check(
        &samples::descriptive(Language::Chinese),
        Language::Chinese,
        expect![[r#"
        % \usepackage{adjustbox,array,booktabs,dcolumn,longtable,threeparttable}
        \providecommand{\sym}[1]{\rlap{$^{#1}$}}
        \begin{table}[htbp]
        \centering\small
        \renewcommand{\arraystretch}{1.15}
        \caption{描述性统计}\label{tab:table3}
        \begin{adjustbox}{max width=\linewidth}
        \begin{threeparttable}
        \begin{tabular}{lD{.}{.}{5.0}D{.}{.}{2.3}D{.}{.}{3.3}}
        \toprule
        变量 & \multicolumn{1}{c}{观测值} & \multicolumn{1}{c}{均值} & \multicolumn{1}{c}{最小值}\\
        \midrule
        创新韧性 & 3{,}976 & 0.200 & -0.100\\
        经济发展水平 & 987 & 10.613 & 8.250\\
        \bottomrule
        \end{tabular}
        \end{threeparttable}
        \end{adjustbox}
        \end{table}
    "#]],
    );
}

#[test]
fn sentences_are_wrapped() {
    check(
        &samples::definitions(Language::English),
        Language::English,
        expect![[r#"
            % \usepackage{adjustbox,array,booktabs,dcolumn,longtable,threeparttable}
            \providecommand{\sym}[1]{\rlap{$^{#1}$}}
            \begin{table}[htbp]
            \centering\small
            \renewcommand{\arraystretch}{1.15}
            \caption{Variable definitions}\label{tab:table2}
            \begin{adjustbox}{max width=\linewidth}
            \begin{threeparttable}
            \begin{tabular}{>{\raggedright\arraybackslash}p{\dimexpr 0.122\linewidth-2\tabcolsep\relax}>{\raggedright\arraybackslash}p{\dimexpr 0.194\linewidth-2\tabcolsep\relax}>{\raggedright\arraybackslash}p{\dimexpr 0.684\linewidth-2\tabcolsep\relax}}
            \toprule
            Variable & Symbol & Definition\\
            \midrule
            \multicolumn{3}{l}{\textbf{Outcomes}}\\
            Resilience & resilience\_martin & (growth minus growth of the sample) / \textbar{}growth of the sample\textbar{}, winsorised at 1\% on either side\\
            \addlinespace
            \multicolumn{3}{l}{\textbf{Controls}}\\
            Density & ln\_density & ln of persons per square kilometre\\
            \bottomrule
            \end{tabular}
            \begin{tablenotes}[flushleft]
            \footnotesize\setlength{\labelsep}{0pt}
            \item Note: The data are synthetic.
            \end{tablenotes}
            \end{threeparttable}
            \end{adjustbox}
            \end{table}
        "#]],
    );
}

#[test]
fn nothing_takes_effect() {
    check(
        &samples::hostile(),
        Language::English,
        expect![[r#"
        % \usepackage{adjustbox,array,booktabs,dcolumn,longtable,threeparttable}
        \providecommand{\sym}[1]{\rlap{$^{#1}$}}
        \begin{table}[htbp]
        \centering\small
        \renewcommand{\arraystretch}{1.15}
        \caption{\textless{}/td\textgreater{}\textless{}script\textgreater{}alert(\textquotedbl{}1 \& 2\textquotedbl{})\textless{}/script\textgreater{} \textbackslash{}input\{/etc/passwd\} \$x\_1\textasciicircum{}2\$ 50\% \#1 \textasciitilde{} \textbar{} \textasciigrave{}code\textasciigrave{} *[link](x)* \{\} '}\label{tab:hostile}
        \begin{adjustbox}{max width=\linewidth}
        \begin{threeparttable}
        \begin{tabular}{D{.}{.}{4.3}r}
        \toprule
        \multicolumn{2}{c}{\textless{}/td\textgreater{}\textless{}script\textgreater{}alert(\textquotedbl{}1 \& 2\textquotedbl{})\textless{}/script\textgreater{} \textbackslash{}input\{/etc/passwd\} \$x\_1\textasciicircum{}2\$ 50\% \#1 \textasciitilde{} \textbar{} \textasciigrave{}code\textasciigrave{} *[link](x)* \{\} '}\\
        \cmidrule(lr){1-2}
        \multicolumn{1}{c}{\textless{}/td\textgreater{}\textless{}script\textgreater{}alert(\textquotedbl{}1 \& 2\textquotedbl{})\textless{}/script\textgreater{} \textbackslash{}input\{/etc/passwd\} \$x\_1\textasciicircum{}2\$ 50\% \#1 \textasciitilde{} \textbar{} \textasciigrave{}code\textasciigrave{} *[link](x)* \{\} '} & *\\
        \midrule
        \multicolumn{2}{l}{\textbf{\textless{}/td\textgreater{}\textless{}script\textgreater{}alert(\textquotedbl{}1 \& 2\textquotedbl{})\textless{}/script\textgreater{} \textbackslash{}input\{/etc/passwd\} \$x\_1\textasciicircum{}2\$ 50\% \#1 \textasciitilde{} \textbar{} \textasciigrave{}code\textasciigrave{} *[link](x)* \{\} '}}\\
        {}[-2.50]\sym{*} & \textless{}/td\textgreater{}\textless{}script\textgreater{}alert(\textquotedbl{}1 \& 2\textquotedbl{})\textless{}/script\textgreater{} \textbackslash{}input\{/etc/passwd\} \$x\_1\textasciicircum{}2\$ 50\% \#1 \textasciitilde{} \textbar{} \textasciigrave{}code\textasciigrave{} *[link](x)* \{\} '\\
        \multicolumn{1}{c}{[1] next line} & –\\
        \bottomrule
        \end{tabular}
        \begin{tablenotes}[flushleft]
        \footnotesize\setlength{\labelsep}{0pt}
        \item Note: \textless{}/td\textgreater{}\textless{}script\textgreater{}alert(\textquotedbl{}1 \& 2\textquotedbl{})\textless{}/script\textgreater{} \textbackslash{}input\{/etc/passwd\} \$x\_1\textasciicircum{}2\$ 50\% \#1 \textasciitilde{} \textbar{} \textasciigrave{}code\textasciigrave{} *[link](x)* \{\} '
        \item {}[not an option]
        \item Warning: \textless{}/td\textgreater{}\textless{}script\textgreater{}alert(\textquotedbl{}1 \& 2\textquotedbl{})\textless{}/script\textgreater{} \textbackslash{}input\{/etc/passwd\} \$x\_1\textasciicircum{}2\$ 50\% \#1 \textasciitilde{} \textbar{} \textasciigrave{}code\textasciigrave{} *[link](x)* \{\} '
        \end{tablenotes}
        \end{threeparttable}
        \end{adjustbox}
        \end{table}
    "#]],
    );
}

#[test]
fn a_long_table_goes_on_over_pages() {
    let mut exhibit = samples::descriptive(Language::English);
    exhibit.body = vec![exhibit.body; PAGE].concat();
    let text = Latex.exhibit(&Sheet::new(&exhibit).unwrap(), Language::English);
    check_closed(&text);
    assert!(text.contains("\\begin{longtable}{lD{.}{.}{5.0}D{.}{.}{2.3}D{.}{.}{3.3}}"), "{text}");
    assert!(text.contains("\\endfirsthead") && !text.contains("\\begin{table}"));
}

#[test]
fn a_document_has_the_head_of_its_language() {
    for language in LANGUAGES {
        let document = samples::document(language);
        check_closed(&Latex.document(&Page::new(&document).unwrap()));
    }
    let classes = [(Language::Chinese, "x"), (Language::English, "x"), (Language::English, "韧性")];
    let classes = classes.map(|(language, text)| class(language, text));
    assert!(classes[0].contains("{ctexart}") && !classes[1].contains("ctex") && classes[2].contains("{ctex}"));
}
