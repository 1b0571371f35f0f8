//! Author's text into the text of each format, so that it shows as written and nothing in it takes effect.
//! Line breaks become spaces and control characters vanish: no cell may break its row.

/// Text for HTML, between tags and inside quoted attributes alike.
pub(crate) fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in printable(text) {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// Text for LaTeX outside of mathematics.
pub(crate) fn latex(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in printable(text) {
        match character {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => escaped.extend(['\\', character]),
            '\\' => escaped.push_str("\\textbackslash{}"),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            // The old font encoding, which `pdflatex` still starts with, has other characters in these places.
            '<' => escaped.push_str("\\textless{}"),
            '>' => escaped.push_str("\\textgreater{}"),
            '|' => escaped.push_str("\\textbar{}"),
            '"' => escaped.push_str("\\textquotedbl{}"),
            '`' => escaped.push_str("\\textasciigrave{}"),
            '\u{2212}' => escaped.push_str("$-$"),
            '\u{a0}' => escaped.push('~'),
            // Two hyphens would be drawn as one dash.
            '-' if escaped.ends_with('-') => escaped.push_str("{}-"),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// Text for GitHub's Markdown, in a paragraph or a cell. Only what would take effect is escaped, because the source is
/// read as often as the page: `p<0.01` and `ln_gdp` stay as they are.
pub(crate) fn markdown(text: &str) -> String {
    let characters: Vec<char> = printable(text).collect();
    let mut escaped = String::with_capacity(text.len());
    for (place, &character) in characters.iter().enumerate() {
        let next = characters.get(place + 1).copied();
        let before = place.checked_sub(1).map(|place| characters[place]);
        let inside_word = before.is_some_and(char::is_alphanumeric) && next.is_some_and(char::is_alphanumeric);
        let active = match character {
            '\\' | '*' | '`' | '[' | ']' | '|' | '~' | '$' => true,
            '_' => !inside_word,
            '<' => next.is_some_and(|next| next.is_alphabetic() || matches!(next, '/' | '!' | '?')),
            '&' => next.is_some_and(|next| next.is_alphanumeric() || next == '#'),
            _ => false,
        };
        if active {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

fn printable(text: &str) -> impl Iterator<Item = char> {
    let spaced = text.trim().chars().map(|character| match character {
        '\n' | '\r' | '\t' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => ' ',
        _ => character,
    });
    spaced.filter(|character| !character.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn what_would_take_effect_shows_as_written() {
        let texts = [
            "<script>alert(\"x\")</script>",
            "' onmouseover='x",
            "a < b && p<0.01",
            "&amp; &copy; &#42;",
            "\\input{x} $y_i^2$ 50% #1 ~",
            "|growth|",
            "*** p<0.01, **, *",
            "[link](http://x) ![image](x)",
            "`code` ~~gone~~ __bold__ ln_gdp_pc _x",
            "“引号”——（括号），、。；：％＋－｜",
            "a -- b --- c",
            "−0.5\u{a0}km²",
            "  two\nlines\tand a bell\u{7}  ",
        ];
        let mut table = String::new();
        for text in texts {
            table += &format!(
                "{text:?}\n  html      {}\n  latex     {}\n  markdown  {}\n",
                html(text),
                latex(text),
                markdown(text)
            );
        }
        expect![[r#"
            "<script>alert(\"x\")</script>"
              html      &lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;
              latex     \textless{}script\textgreater{}alert(\textquotedbl{}x\textquotedbl{})\textless{}/script\textgreater{}
              markdown  \<script>alert("x")\</script>
            "' onmouseover='x"
              html      &#39; onmouseover=&#39;x
              latex     ' onmouseover='x
              markdown  ' onmouseover='x
            "a < b && p<0.01"
              html      a &lt; b &amp;&amp; p&lt;0.01
              latex     a \textless{} b \&\& p\textless{}0.01
              markdown  a < b && p<0.01
            "&amp; &copy; &#42;"
              html      &amp;amp; &amp;copy; &amp;#42;
              latex     \&amp; \&copy; \&\#42;
              markdown  \&amp; \&copy; \&#42;
            "\\input{x} $y_i^2$ 50% #1 ~"
              html      \input{x} $y_i^2$ 50% #1 ~
              latex     \textbackslash{}input\{x\} \$y\_i\textasciicircum{}2\$ 50\% \#1 \textasciitilde{}
              markdown  \\input{x} \$y_i^2\$ 50% #1 \~
            "|growth|"
              html      |growth|
              latex     \textbar{}growth\textbar{}
              markdown  \|growth\|
            "*** p<0.01, **, *"
              html      *** p&lt;0.01, **, *
              latex     *** p\textless{}0.01, **, *
              markdown  \*\*\* p<0.01, \*\*, \*
            "[link](http://x) ![image](x)"
              html      [link](http://x) ![image](x)
              latex     [link](http://x) ![image](x)
              markdown  \[link\](http://x) !\[image\](x)
            "`code` ~~gone~~ __bold__ ln_gdp_pc _x"
              html      `code` ~~gone~~ __bold__ ln_gdp_pc _x
              latex     \textasciigrave{}code\textasciigrave{} \textasciitilde{}\textasciitilde{}gone\textasciitilde{}\textasciitilde{} \_\_bold\_\_ ln\_gdp\_pc \_x
              markdown  \`code\` \~\~gone\~\~ \_\_bold\_\_ ln_gdp_pc \_x
            "“引号”——（括号），、。；：％＋－｜"
              html      “引号”——（括号），、。；：％＋－｜
              latex     “引号”——（括号），、。；：％＋－｜
              markdown  “引号”——（括号），、。；：％＋－｜
            "a -- b --- c"
              html      a -- b --- c
              latex     a -{}- b -{}-{}- c
              markdown  a -- b --- c
            "−0.5\u{a0}km²"
              html      −0.5 km²
              latex     $-$0.5~km²
              markdown  −0.5 km²
            "  two\nlines\tand a bell\u{7}  "
              html      two lines and a bell
              latex     two lines and a bell
              markdown  two lines and a bell
        "#]].assert_eq(&table);
    }
}
