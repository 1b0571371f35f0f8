//! What the web page of each sample is, and what holds of every page.

use super::*;
use crate::document;
use crate::samples::{self, LANGUAGES};
use expect_test::{Expect, expect};

fn check(sample: &Exhibit, language: Language, expected: Expect) {
    let html = exhibit(&Sheet::new(sample).unwrap(), words::of(language));
    check_closed(&html);
    expected.assert_eq(&html);
}

/// Every element is closed, in order.
fn check_closed(html: &str) {
    let mut open: Vec<&str> = Vec::new();
    for tag in html.split('<').skip(1) {
        let name = tag.split(['>', ' ']).next().unwrap_or("");
        match name.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None if matches!(name, "!doctype" | "meta" | "wbr") => {}
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "still open: {open:?}");
}

#[test]
fn a_regression_has_groups_blocks_and_addresses() {
    check(
        &samples::regression(Language::English),
        Language::English,
        expect![[r#"
            <figure id="table4">
            <div class="scroll" role="region" aria-labelledby="table4-caption" tabindex="0">
            <table>
            <caption id="table4-caption"><span><span class="label">Table 4. </span>Baseline results</span></caption>
            <thead>
            <tr><td class="left"></td><th scope="colgroup" class="center" colspan="2"><span class="group">Entropy index</span></th><th scope="col" class="decimal"><span class="group">Martin</span></th></tr>
            <tr><td class="left"></td><th scope="col" class="decimal">(1)</th><th scope="col" class="decimal">(2)</th><th scope="col" class="decimal">(3)</th></tr>
            </thead>
            <tbody>
            <tr><th scope="row" rowspan="2" class="left">Smart-city pilot</th><td class="decimal" data-address="baseline:1:smart:estimate" data-value="0.12345" title="baseline:1:smart:estimate = 0.12345" style="--whole:1.80ch;--part:5.40ch"><span class="whole">0</span><span class="part">.1235***</span></td><td class="decimal" data-address="baseline:2:smart:estimate" data-value="0.0421" title="baseline:2:smart:estimate = 0.0421" style="--whole:1.80ch;--part:5.40ch"><span class="whole">0</span><span class="part">.0421**</span></td><td class="decimal" data-address="baseline:3:smart:estimate" data-value="-0.77125" title="baseline:3:smart:estimate = -0.77125" style="--whole:2.35ch;--part:5.40ch"><span class="whole">−0</span><span class="part">.7712</span></td></tr>
            <tr class="continued"><td class="decimal" data-address="baseline:1:smart:std_error" data-value="0.0123" title="baseline:1:smart:std_error = 0.0123" style="--whole:1.80ch;--part:5.40ch"><span class="whole">(0</span><span class="part">.0123)</span></td><td class="decimal" data-address="baseline:2:smart:std_error" data-value="0.0131" title="baseline:2:smart:std_error = 0.0131" style="--whole:1.80ch;--part:5.40ch"><span class="whole">(0</span><span class="part">.0131)</span></td><td class="decimal" data-address="baseline:3:smart:std_error" data-value="0.4122" title="baseline:3:smart:std_error = 0.4122" style="--whole:2.35ch;--part:5.40ch"><span class="whole">(0</span><span class="part">.4122)</span></td></tr>
            </tbody>
            <tbody class="ruled">
            <tr><th scope="row" class="left">City fixed effects</th><td class="decimal">No</td><td class="decimal">Yes</td><td class="decimal">Yes</td></tr>
            <tr><th scope="row" class="left">Observations</th><td class="decimal" data-address="baseline:1:n_obs" data-value="3976" title="baseline:1:n_obs = 3976">3,976</td><td class="decimal" data-address="baseline:2:n_obs" data-value="3976" title="baseline:2:n_obs = 3976">3,976</td><td class="decimal" data-address="baseline:3:n_obs" data-value="987" title="baseline:3:n_obs = 987">987</td></tr>
            <tr><th scope="row" class="left">R²</th><td class="decimal" data-address="baseline:1:r2" data-value="0.8123" title="baseline:1:r2 = 0.8123" style="--whole:1.80ch;--part:5.40ch"><span class="whole">0</span><span class="part">.812</span></td><td class="decimal" data-address="baseline:2:r2" title="baseline:2:r2: no value">–</td><td class="decimal"></td></tr>
            </tbody>
            </table>
            </div>
            <figcaption>
            <p>Note: *** p&lt;0.01, ** p&lt;0.05, * p&lt;0.1.</p>
            <p>Standard errors clustered by city in parentheses.</p>
            <p>Warning: panel: 12 rows found no city</p>
            </figcaption>
            </figure>
        "#]],
    );
    check(
        &samples::regression(Language::Chinese),
        Language::Chinese,
        expect![[r#"
            <figure id="table4">
            <div class="scroll" role="region" aria-labelledby="table4-caption" tabindex="0">
            <table>
            <caption id="table4-caption"><span><span class="label">表4　</span>基准回归结果</span></caption>
            <thead>
            <tr><td class="left"></td><th scope="colgroup" class="center" colspan="2"><span class="group">熵权指数</span></th><th scope="col" class="decimal"><span class="group">Martin</span></th></tr>
            <tr><td class="left"></td><th scope="col" class="decimal">(1)</th><th scope="col" class="decimal">(2)</th><th scope="col" class="decimal">(3)</th></tr>
            </thead>
            <tbody>
            <tr><th scope="row" rowspan="2" class="left">智慧城市试点</th><td class="decimal" data-address="baseline:1:smart:estimate" data-value="0.12345" title="baseline:1:smart:estimate = 0.12345" style="--whole:1.80ch;--part:5.40ch"><span class="whole">0</span><span class="part">.1235***</span></td><td class="decimal" data-address="baseline:2:smart:estimate" data-value="0.0421" title="baseline:2:smart:estimate = 0.0421" style="--whole:1.80ch;--part:5.40ch"><span class="whole">0</span><span class="part">.0421**</span></td><td class="decimal" data-address="baseline:3:smart:estimate" data-value="-0.77125" title="baseline:3:smart:estimate = -0.77125" style="--whole:2.35ch;--part:5.40ch"><span class="whole">−0</span><span class="part">.7712</span></td></tr>
            <tr class="continued"><td class="decimal" data-address="baseline:1:smart:std_error" data-value="0.0123" title="baseline:1:smart:std_error = 0.0123" style="--whole:1.80ch;--part:5.40ch"><span class="whole">(0</span><span class="part">.0123)</span></td><td class="decimal" data-address="baseline:2:smart:std_error" data-value="0.0131" title="baseline:2:smart:std_error = 0.0131" style="--whole:1.80ch;--part:5.40ch"><span class="whole">(0</span><span class="part">.0131)</span></td><td class="decimal" data-address="baseline:3:smart:std_error" data-value="0.4122" title="baseline:3:smart:std_error = 0.4122" style="--whole:2.35ch;--part:5.40ch"><span class="whole">(0</span><span class="part">.4122)</span></td></tr>
            </tbody>
            <tbody class="ruled">
            <tr><th scope="row" class="left">城市固定效应</th><td class="decimal">未控制</td><td class="decimal">控制</td><td class="decimal">控制</td></tr>
            <tr><th scope="row" class="left">观测值</th><td class="decimal" data-address="baseline:1:n_obs" data-value="3976" title="baseline:1:n_obs = 3976">3,976</td><td class="decimal" data-address="baseline:2:n_obs" data-value="3976" title="baseline:2:n_obs = 3976">3,976</td><td class="decimal" data-address="baseline:3:n_obs" data-value="987" title="baseline:3:n_obs = 987">987</td></tr>
            <tr><th scope="row" class="left">R²</th><td class="decimal" data-address="baseline:1:r2" data-value="0.8123" title="baseline:1:r2 = 0.8123" style="--whole:1.80ch;--part:5.40ch"><span class="whole">0</span><span class="part">.812</span></td><td class="decimal" data-address="baseline:2:r2" title="baseline:2:r2：无数值">–</td><td class="decimal"></td></tr>
            </tbody>
            </table>
            </div>
            <figcaption>
            <p>注：***、**、*分别表示在1%、5%、10%的水平上显著。</p>
            <p>括号内为城市层面聚类稳健标准误。</p>
            <p>警告：panel: 12 rows found no city</p>
            </figcaption>
            </figure>
        "#]],
    );
}

#[test]
fn each_column_has_its_own_room() {
    check(
        &samples::descriptive(Language::Chinese),
        Language::Chinese,
        expect![[r#"
            <figure id="table3">
            <div class="scroll" role="region" aria-labelledby="table3-caption" tabindex="0">
            <table>
            <caption id="table3-caption"><span><span class="label">表3　</span>描述性统计</span></caption>
            <thead>
            <tr><th scope="col" class="left">变量</th><th scope="col" class="decimal">观测值</th><th scope="col" class="decimal">均值</th><th scope="col" class="decimal">最小值</th></tr>
            </thead>
            <tbody>
            <tr><th scope="row" class="left">创新韧性</th><td class="decimal" data-address="panel:outcome:n" data-value="3976" title="panel:outcome:n = 3976" style="--whole:4.60ch;--part:0.00ch"><span class="whole">3,976</span><span class="part"></span></td><td class="decimal" data-address="panel:outcome:mean" data-value="0.2" title="panel:outcome:mean = 0.2" style="--whole:2.00ch;--part:3.60ch"><span class="whole">0</span><span class="part">.200</span></td><td class="decimal" data-address="panel:outcome:min" data-value="-0.1" title="panel:outcome:min = -0.1" style="--whole:2.35ch;--part:3.60ch"><span class="whole">−0</span><span class="part">.100</span></td></tr>
            <tr><th scope="row" class="left">经济发展水平</th><td class="decimal" data-address="panel:income:n" data-value="987" title="panel:income:n = 987" style="--whole:4.60ch;--part:0.00ch"><span class="whole">987</span><span class="part"></span></td><td class="decimal" data-address="panel:income:mean" data-value="10.6125" title="panel:income:mean = 10.6125" style="--whole:2.00ch;--part:3.60ch"><span class="whole">10</span><span class="part">.613</span></td><td class="decimal" data-address="panel:income:min" data-value="8.25" title="panel:income:min = 8.25" style="--whole:2.35ch;--part:3.60ch"><span class="whole">8</span><span class="part">.250</span></td></tr>
            </tbody>
            </table>
            </div>
            </figure>
        "#]],
    );
}

#[test]
fn panels_head_their_rows() {
    check(
        &samples::definitions(Language::English),
        Language::English,
        expect![[r#"
            <figure id="table2">
            <div class="scroll" role="region" aria-labelledby="table2-caption" tabindex="0">
            <table>
            <caption id="table2-caption"><span><span class="label">Table 2. </span>Variable definitions</span></caption>
            <thead>
            <tr><th scope="col" class="left">Variable</th><th scope="col" class="left">Symbol</th><th scope="col" class="left">Definition</th></tr>
            </thead>
            <tbody>
            <tr class="panel"><th scope="rowgroup" colspan="3">Outcomes</th></tr>
            <tr><th scope="row" class="left">Resilience</th><td class="left">resilience_martin</td><td class="left">(growth minus growth of the sample) / |growth of the sample|, winsorised at 1% on either side</td></tr>
            </tbody>
            <tbody>
            <tr class="panel"><th scope="rowgroup" colspan="3">Controls</th></tr>
            <tr><th scope="row" class="left">Density</th><td class="left">ln_density</td><td class="left">ln of persons per square kilometre</td></tr>
            </tbody>
            </table>
            </div>
            <figcaption>
            <p>Note: The data are synthetic.</p>
            </figcaption>
            </figure>
        "#]],
    );
}

#[test]
fn nothing_takes_effect() {
    check(
        &samples::hostile(),
        Language::English,
        expect![[r#"
            <figure id="hostile">
            <div class="scroll" role="region" aria-labelledby="hostile-caption" tabindex="0">
            <table>
            <caption id="hostile-caption"><span><span class="label">&lt;/td&gt;&lt;script&gt;alert(&quot;1 &amp; 2&quot;)&lt;/script&gt; \input{/etc/passwd} $x_1^2$ 50% #1 ~ | `code` *[link](x)* {} &#39;. </span>&lt;/td&gt;&lt;script&gt;alert(&quot;1 &amp; 2&quot;)&lt;/script&gt; \input{/etc/passwd} $x_1^2$ 50% #1 ~ | `code` *[link](x)* {} &#39;</span></caption>
            <thead>
            <tr><th scope="colgroup" class="center" colspan="2"><span class="group">&lt;/td&gt;&lt;script&gt;alert(&quot;1 &amp; 2&quot;)&lt;/script&gt; \input{/etc/passwd} $x_1^2$ 50% #1 ~ | `code` *[link](x)* {} &#39;</span></th></tr>
            <tr><th scope="col" class="decimal">&lt;/td&gt;&lt;script&gt;alert(&quot;1 &amp; 2&quot;)&lt;/script&gt; \input{/etc/passwd} $x_1^2$ 50% #1 ~ | `code` *[link](x)* {} &#39;</th><th scope="col" class="right">*</th></tr>
            </thead>
            <tbody>
            <tr class="panel"><th scope="rowgroup" colspan="2">&lt;/td&gt;&lt;script&gt;alert(&quot;1 &amp; 2&quot;)&lt;/script&gt; \input{/etc/passwd} $x_1^2$ 50% #1 ~ | `code` *[link](x)* {} &#39;</th></tr>
            <tr><td class="decimal" data-address="&lt;/td&gt;&lt;script&gt;alert(&quot;1 &amp; 2&quot;)&lt;/script&gt; \input{/etc/passwd} $x_1^2$ 50% #1 ~ | `code` *[link](x)* {} &#39;" data-value="-2.5" title="&lt;/td&gt;&lt;script&gt;alert(&quot;1 &amp; 2&quot;)&lt;/script&gt; \input{/etc/passwd} $x_1^2$ 50% #1 ~ | `code` *[link](x)* {} &#39; = -2.5" style="--whole:3.15ch;--part:3.40ch"><span class="whole">[−2</span><span class="part">.50]*</span></td><td class="right">&lt;/td&gt;&lt;script&gt;alert(&quot;1 &amp; 2&quot;)&lt;/script&gt; \input{/etc/passwd} $x_1^2$ 50% #1 ~ | `code` *[link](x)* {} &#39;</td></tr>
            <tr><th scope="row" class="decimal">[1] next line</th><td class="right" data-address="&lt;/td&gt;&lt;script&gt;alert(&quot;1 &amp; 2&quot;)&lt;/script&gt; \input{/etc/passwd} $x_1^2$ 50% #1 ~ | `code` *[link](x)* {} &#39;" title="&lt;/td&gt;&lt;script&gt;alert(&quot;1 &amp; 2&quot;)&lt;/script&gt; \input{/etc/passwd} $x_1^2$ 50% #1 ~ | `code` *[link](x)* {} &#39;: no value">–</td></tr>
            </tbody>
            </table>
            </div>
            <figcaption>
            <p>Note: &lt;/td&gt;&lt;script&gt;alert(&quot;1 &amp; 2&quot;)&lt;/script&gt; \input{/etc/passwd} $x_1^2$ 50% #1 ~ | `code` *[link](x)* {} &#39;</p>
            <p>[not an option]</p>
            <p>Warning: &lt;/td&gt;&lt;script&gt;alert(&quot;1 &amp; 2&quot;)&lt;/script&gt; \input{/etc/passwd} $x_1^2$ 50% #1 ~ | `code` *[link](x)* {} &#39;</p>
            </figcaption>
            </figure>
        "#]],
    );
}

#[test]
fn every_number_carries_its_address_and_full_value() {
    for language in LANGUAGES {
        let document = samples::document(language);
        let html = Html.document(&Page::new(&document).unwrap());
        let numbers = document::numbers(&document);
        assert_eq!(html.matches("data-address=").count(), numbers.len());
        for number in numbers {
            let value = number.value.map_or(String::new(), |value| format!(" data-value=\"{}\"", number::full(value)));
            assert!(html.contains(&format!(" data-address=\"{}\"{value}", number.address)), "{number:?}");
        }
    }
}

#[test]
fn a_page_stands_alone() {
    for language in LANGUAGES {
        let html = Html.document(&Page::new(&samples::document(language)).unwrap());
        check_closed(&html);
        for outside in ["http:", "https:", "//", "url(", "@import", "<script", "<link", " src="] {
            assert!(!html.contains(outside), "`{outside}` on the page");
        }
    }
}

#[test]
fn the_contents_lead_to_each_exhibit() {
    let document = samples::document(Language::Chinese);
    let html = Html.document(&Page::new(&document).unwrap());
    for exhibit in &document.exhibits {
        let id = &exhibit.id;
        assert!(html.contains(&format!("<a href=\"#{id}\">")) && html.contains(&format!("<figure id=\"{id}\">")));
    }
    let sheet = Sheet::new(&document.exhibits[0]).unwrap();
    assert!(!Html.exhibit(&sheet, Language::Chinese).contains("<nav"));
}

#[test]
fn the_footer_breaks_digests_in_blocks() {
    let document = samples::document(Language::English);
    expect![[r#"
        <footer>
        <h2>Data and settings</h2>
        <dl>
        <div><dt>Seed</dt><dd>20260101</dd></div>
        <div><dt>Table panel</dt><dd><code>01234567<wbr>89abcdef<wbr>01234567<wbr>89abcdef<wbr>01234567<wbr>89abcdef<wbr>01234567<wbr>89abcdef</code></dd></div>
        </dl>
        </footer>
    "#]].assert_eq(&footer(&document.footer, words::of(Language::English)));
}
