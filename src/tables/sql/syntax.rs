//! A query as text and as syntax: one statement, the tables it names, places of names.
//! Knows no column and runs nothing.

use super::{Query, SqlError, calls};
use datafusion::common::{DataFusionError, TableReference};
use datafusion::sql::parser::{DFParser, Statement};
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast::{
    self, Expr, Ident, ObjectName, Select, SetExpr, Spanned, TableFactor, Visit, Visitor,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::{Location, Span, Token, Tokenizer};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// Line and column, both from 1.
pub type Place = (usize, usize);

/// Parses exactly one query.
pub fn parse(text: &str) -> Result<Query, SqlError> {
    let mut statements = DFParser::parse_sql(text).map_err(|error| syntax_error(&error))?;
    let wrong = |message: &str| SqlError::Syntax { message: message.to_string(), place: None };
    let statement = statements.pop_front().ok_or_else(|| wrong("the query is empty"))?;
    if !statements.is_empty() {
        return Err(SqlError::Syntax {
            message: "only one statement is allowed".to_string(),
            place: second_statement(text),
        });
    }
    let canonical = match &statement {
        Statement::Statement(inner) => match inner.as_ref() {
            ast::Statement::Query(query) if only_reads(&query.body) => query.to_string(),
            _ => return Err(wrong("only a `select` is allowed")),
        },
        _ => return Err(wrong("only a `select` is allowed")),
    };
    let mut names = Names::default();
    if let Statement::Statement(inner) = &statement
        && let ControlFlow::Break(error) = inner.visit(&mut names)
    {
        return Err(error);
    }
    let (references, _) = resolve_table_references(&statement, true).map_err(|error| syntax_error(&error))?;
    let mut tables = BTreeMap::new();
    for reference in references {
        let name = reference.to_string();
        if names.functions.contains(&name) {
            continue;
        }
        let place = names.tables.get(&name).copied().flatten();
        if matches!(reference, TableReference::Full { .. }) {
            let message = format!("`{name}` has two dots; a table is `name` or `stage.name`");
            return Err(SqlError::Syntax { message, place });
        }
        tables.insert(name, place);
    }
    let (tables, table_places) = tables.into_iter().unzip();
    Ok(Query { text: text.to_string(), statement, canonical, tables, table_places })
}

/// Checks that the text is one condition and nothing else, such as a second clause after a closing parenthesis.
pub fn check_condition(text: &str) -> Result<(), SqlError> {
    let wrong = |error: DataFusionError| syntax_error(&error);
    let dialect = GenericDialect {};
    let mut parser = Parser::new(&dialect).try_with_sql(text).map_err(|error| wrong(error.into()))?;
    parser.parse_expr().map_err(|error| wrong(error.into()))?;
    let next = parser.peek_token();
    if next.token != Token::EOF {
        let message = format!("expected one condition, found `{}` after it", next.token);
        return Err(SqlError::Syntax { message, place: place(next.span.start) });
    }
    Ok(())
}

/// The columns that a condition names, if it names columns only: no subquery, no `*`.
pub fn condition_columns(text: &str) -> Option<Vec<String>> {
    let dialect = GenericDialect {};
    let expression = Parser::new(&dialect).try_with_sql(text).and_then(|mut parser| parser.parse_expr()).ok()?;
    let mut columns = ConditionColumns::default();
    match expression.visit(&mut columns) {
        ControlFlow::Break(()) => None,
        ControlFlow::Continue(()) => Some(columns.0.into_iter().collect()),
    }
}

/// The first place where this name stands, outside of comments and texts. `a.b` is looked for as two words.
pub fn find_name(text: &str, name: &str) -> Option<Place> {
    let parts: Vec<&str> = name.split('.').collect();
    let tokens: Vec<_> = Tokenizer::new(&GenericDialect {}, text)
        .tokenize_with_location()
        .ok()?
        .into_iter()
        .filter(|token| !matches!(token.token, Token::Whitespace(_)))
        .collect();
    let is_part = |token: &Token, part: &str| match token {
        Token::Word(word) if word.quote_style.is_some() => word.value == part,
        Token::Word(word) => word.value.to_lowercase() == part.to_lowercase(),
        _ => false,
    };
    let found = tokens.iter().enumerate().find(|(start, _)| {
        parts.iter().enumerate().all(|(index, part)| {
            let at = start + 2 * index;
            let dotted = index == 0 || tokens.get(at - 1).is_some_and(|token| token.token == Token::Period);
            dotted && tokens.get(at).is_some_and(|token| is_part(&token.token, part))
        })
    });
    found.and_then(|(_, token)| place(token.span.start))
}

/// The first place where a function of one of these names is called, or at least named.
pub fn find_call(text: &str, names: &[String]) -> Option<Place> {
    let tokens = Tokenizer::new(&GenericDialect {}, text).tokenize_with_location().ok()?;
    let tokens: Vec<_> = tokens.into_iter().filter(|token| !matches!(token.token, Token::Whitespace(_))).collect();
    let is_named = |token: &Token| matches!(token, Token::Word(word) if names.contains(&word.value.to_lowercase()));
    let called = tokens.windows(2).find(|pair| is_named(&pair[0].token) && pair[1].token == Token::LParen);
    let found = called.map(|pair| &pair[0]).or_else(|| tokens.iter().find(|token| is_named(&token.token)));
    found.and_then(|token| place(token.span.start))
}

/// What the parser objects to, in our words.
pub fn syntax_error(error: &DataFusionError) -> SqlError {
    let text = match error.find_root() {
        DataFusionError::SQL(error, _) => error.to_string(),
        other => other.strip_backtrace(),
    };
    let (before, at) = text.split_once(" at Line: ").map_or((text.as_str(), None), |(before, at)| (before, Some(at)));
    let message = before.trim_start_matches("sql parser error: ").to_string();
    SqlError::Syntax { message, place: at.and_then(line_and_column) }
}

/// A join as the query says it.
pub(super) struct JoinText {
    /// Of the table that is joined.
    pub place: Option<Place>,
    pub text: String,
    /// Where it ends.
    end: Place,
    /// The name by which what is joined is known.
    name: Option<String>,
}

/// The joins of a query that were not taken yet, in the order of the text.
pub(super) struct JoinTexts(Vec<JoinText>);

impl JoinTexts {
    /// The join in which the columns of the condition stand, the innermost first; without columns, the last one of
    /// something of this name: a plan has its last join on top.
    pub(super) fn take(&mut self, join: &super::joins::Found) -> Option<JoinText> {
        let places = join.places();
        let holds = |text: &JoinText| {
            text.place.is_some_and(|start| places.iter().all(|place| start <= *place && *place <= text.end))
        };
        let name = join.right();
        let is_named = |text: &JoinText| text.name.is_some() && text.name == name;
        let index = match places.is_empty() {
            false => {
                let held = self.0.iter().enumerate().filter(|(_, text)| holds(text));
                held.max_by_key(|(_, text)| text.place).map(|(index, _)| index)
            }
            true => None,
        };
        let index = index.or_else(|| self.0.iter().rposition(is_named))?;
        Some(self.0.remove(index))
    }
}

/// The joins of a query, `from a, b` among them.
pub(super) fn joins(statement: &Statement) -> JoinTexts {
    let mut joins = Joins(Vec::new());
    if let Statement::Statement(inner) = statement {
        // The visitor never breaks.
        let _ = inner.visit(&mut joins);
    }
    JoinTexts(joins.0)
}

/// `with … insert`, `select … into` and the like also parse as queries.
fn only_reads(body: &SetExpr) -> bool {
    match body {
        SetExpr::Select(_) | SetExpr::Values(_) => true,
        SetExpr::Query(query) => only_reads(&query.body),
        SetExpr::SetOperation { left, right, .. } => only_reads(left) && only_reads(right),
        _ => false,
    }
}

fn second_statement(text: &str) -> Option<Place> {
    let tokens = Tokenizer::new(&GenericDialect {}, text).tokenize_with_location().ok()?;
    let rest = tokens.iter().skip_while(|token| token.token != Token::SemiColon);
    let next = rest.skip(1).find(|token| !matches!(token.token, Token::Whitespace(_) | Token::SemiColon))?;
    place(next.span.start)
}

fn line_and_column(text: &str) -> Option<Place> {
    let (line, column) = text.split_once(", Column: ")?;
    let digits: String = column.chars().take_while(char::is_ascii_digit).collect();
    Some((line.trim().parse().ok()?, digits.parse().ok()?))
}

/// Line 0 and column 0 stand for an unknown place.
pub fn place(at: Location) -> Option<Place> {
    (at.line > 0 && at.column > 0).then_some((at.line as usize, at.column as usize))
}

fn normal(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() }
}

/// A name as it is known, `a.b` if it has two parts.
pub fn dotted(name: &ObjectName) -> String {
    let parts = name.0.iter().filter_map(|part| part.as_ident());
    parts.map(normal).collect::<Vec<_>>().join(".")
}

/// Where a name stands.
pub fn name_place(name: &ObjectName) -> Option<Place> {
    name.0.first().and_then(|part| part.as_ident()).and_then(|ident| place(ident.span.start))
}

/// What a walk over the syntax finds.
#[derive(Default)]
struct Names {
    /// Where each table stands first.
    tables: BTreeMap<String, Option<Place>>,
    /// Functions in the place of a table, such as `generate_series(1, 3)`.
    functions: BTreeSet<String>,
}

impl Visitor for Names {
    type Break = SqlError;

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<SqlError> {
        self.tables.entry(dotted(relation)).or_insert_with(|| name_place(relation));
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<SqlError> {
        if let TableFactor::Table { name, args: Some(_), .. } = factor {
            self.functions.insert(dotted(name));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<SqlError> {
        if select.into.is_some() {
            let message = "`into` would write a table; the result is written by the stage".to_string();
            return ControlFlow::Break(SqlError::Syntax { message, place: None });
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &ast::Query) -> ControlFlow<SqlError> {
        if only_reads(&query.body) {
            return ControlFlow::Continue(());
        }
        let message = "only a `select` is allowed".to_string();
        ControlFlow::Break(SqlError::Syntax { message, place: None })
    }

    fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<SqlError> {
        match expression {
            Expr::Function(function) => calls::refused(function).map_or(ControlFlow::Continue(()), ControlFlow::Break),
            _ => ControlFlow::Continue(()),
        }
    }
}

struct Joins(Vec<JoinText>);

impl Joins {
    fn add(&mut self, relation: &TableFactor, span: Span, text: String) {
        let name = match relation {
            TableFactor::Table { alias: Some(alias), .. } | TableFactor::Derived { alias: Some(alias), .. } => {
                Some(normal(&alias.name))
            }
            TableFactor::Table { name, .. } => name.0.last().and_then(|part| part.as_ident()).map(normal),
            _ => None,
        };
        let end = (span.end.line as usize, span.end.column as usize);
        self.0.push(JoinText { place: place(relation.span().start), text, end, name });
    }
}

impl Visitor for Joins {
    type Break = ();

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        for (index, table) in select.from.iter().enumerate() {
            if index > 0 {
                self.add(&table.relation, table.relation.span(), format!(", {}", table.relation));
            }
            for join in &table.joins {
                self.add(&join.relation, join.span(), join.to_string());
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<()> {
        if let Expr::InSubquery { expr, subquery, .. } = expression {
            let span = expr.span().union(&subquery.span());
            let end = (span.end.line as usize, span.end.column as usize);
            self.0.push(JoinText { place: place(span.start), text: expression.to_string(), end, name: None });
        }
        ControlFlow::Continue(())
    }
}

#[derive(Default)]
struct ConditionColumns(BTreeSet<String>);

impl Visitor for ConditionColumns {
    type Break = ();

    fn pre_visit_query(&mut self, _query: &ast::Query) -> ControlFlow<()> {
        ControlFlow::Break(())
    }

    fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<()> {
        match expression {
            Expr::Identifier(ident) => {
                self.0.insert(normal(ident));
            }
            Expr::CompoundIdentifier(_) | Expr::Wildcard(_) | Expr::QualifiedWildcard(..) => {
                return ControlFlow::Break(());
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formatting_comments_and_keyword_case_are_gone() {
        let canonical = |text: &str| parse(text).expect(text).canonical().to_string();
        let expected = canonical("select a, b from t where x > 1 -- one\norder by a");
        assert_eq!(canonical("SELECT  a,\n b /* two */ FROM t\tWHERE x>1 ORDER BY a;"), expected);
        assert_ne!(canonical("select a, b from t where x > 2 order by a"), expected);
        assert_ne!(
            canonical("select a, b from t where x > '1  --' order by a"),
            canonical("select a, b from t where x > '1 --' order by a")
        );
    }

    #[test]
    fn tables_are_those_of_others() {
        for (text, expected) in [
            ("select * from b join a using (x)", "a b"),
            ("select * from baseline.coefficients as c, PANEL", "baseline.coefficients panel"),
            ("with a as (select * from t) select * from a", "t"),
            ("with t as (select * from t) select * from t", "t"),
            ("with a as (select 1), b as (select * from a) select * from b", ""),
            ("with recursive n as (select 1 as x union all select x + 1 from n where x < 3) select * from n", ""),
            ("select * from t where exists (select 1 from u where u.x = t.x)", "t u"),
            ("select (select max(x) from u) from t", "t u"),
            ("select * from 城市面板", "城市面板"),
            ("select * from \"Panel\"", "Panel"),
            ("values (1), (2)", ""),
            ("select * from generate_series(1, 3)", ""),
        ] {
            assert_eq!(parse(text).expect(text).tables().join(" "), expected, "{text}");
        }
    }

    #[test]
    fn a_table_has_its_place() {
        let query = parse("select panel.x -- panel\nfrom (select 1) as q,\n  panel, 一.二").expect("parsed");
        assert_eq!(query.table_place("panel"), Some((3, 3)));
        assert_eq!(query.table_place("一.二"), Some((3, 10)));
        assert_eq!(query.table_place("q"), None);
    }

    #[test]
    fn only_one_query_is_allowed() {
        for (text, expected) in [
            ("", "the query is empty"),
            ("-- nothing", "the query is empty"),
            ("select 1;\n select 2", "2:2 only one statement is allowed"),
            ("drop table t", "only a `select` is allowed"),
            ("explain select 1", "only a `select` is allowed"),
            ("copy t to 'x.csv'", "only a `select` is allowed"),
            ("create table a as select 1", "only a `select` is allowed"),
            ("with a as (select 1) insert into t select * from a", "only a `select` is allowed"),
            ("select 1 as x into t", "`into` would write a table; the result is written by the stage"),
            ("select * from a.b.c", "1:15 `a.b.c` has two dots; a table is `name` or `stage.name`"),
            ("select g frm t", "1:14 Expected: end of statement, found: t"),
            ("select\n  (1 + from t", "2:13 Expected: ), found: t"),
            ("select 'open", "1:8 Unterminated string literal"),
        ] {
            assert_eq!(failure(text), expected, "{text}");
        }
    }

    #[test]
    fn functions_that_change_are_refused_where_they_stand() {
        for (text, expected) in [
            ("select now() a from t", "1:8 now"),
            ("select x,\n  Random() from t", "2:3 random"),
            ("select x from t where y > uuid()", "1:27 uuid"),
            ("select current_date from t", "1:8 current_date"),
            ("select CURRENT_TIMESTAMP", "1:8 current_timestamp"),
            ("select current_time", "1:8 current_time"),
            ("select today()", "1:8 today"),
            ("with a as (select now() as n) select * from a", "1:19 now"),
            ("select x from t order by random()", "1:26 random"),
            ("select * from t where exists (select 1 from u where d < now())", "1:57 now"),
            ("select * from t join u on t.x = u.x and\n u.d < now()", "2:8 now"),
            ("select coalesce(round(x * random(), 2), 0) from t", "1:27 random"),
            ("select case when x > 1 then uuid() else g end from t", "1:29 uuid"),
            ("select sum(x) filter (where y > random()) from t", "1:33 random"),
            ("select rank() over (order by random()) from t", "1:30 random"),
            ("select g, max(x) from t group by g having max(x) > random()", "1:52 random"),
            ("select (select max(now()) from u) from t", "1:20 now"),
            ("select x from t union all select random()", "1:34 random"),
            ("values (1, random())", "1:12 random"),
            ("select * from generate_series(1, random())", "1:34 random"),
            ("select \"now\"() from t", "1:8 now"),
        ] {
            assert_eq!(failure(text), format!("{expected}", expected = expected_volatile(expected)), "{text}");
        }
        for text in ["select random from t", "select 'now()' from t -- random()", "select t.now from t"] {
            assert!(parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn names_are_found_outside_of_comments_and_texts() {
        let text = "-- price\nselect 'price', /* price */ prices, 城市,\n  Price from t where \"a b\" = 1";
        for (name, expected) in
            [("price", Some((3, 3))), ("城市", Some((2, 37))), ("a b", Some((3, 22))), ("cost", None)]
        {
            assert_eq!(find_name(text, name), expected, "{name}");
        }
        assert_eq!(find_name("select a.x, b.x", "b.x"), Some((1, 13)));
    }

    #[test]
    fn a_condition_is_one_expression() {
        assert!(check_condition("a > 1 and (b < 2 or c is null) -- why").is_ok());
        for text in ["a > 1) or (1 = 1", "a > 1 limit 3", "a >", ""] {
            assert!(check_condition(text).is_err(), "{text}");
        }
        for (text, expected) in [
            ("A > 1 and lower(b) = 'x' or \"C\" in (1, 2)", Some("C a b")),
            ("true", Some("")),
            ("a in (select b from t)", None),
            ("rows.a > 1", None),
            ("a >", None),
        ] {
            assert_eq!(condition_columns(text).map(|columns| columns.join(" ")).as_deref(), expected, "{text}");
        }
    }

    fn failure(text: &str) -> String {
        let error = parse(text).expect_err(text);
        let place = error.place().map_or(String::new(), |(line, column)| format!("{line}:{column} "));
        format!("{place}{error}")
    }

    fn expected_volatile(expected: &str) -> String {
        let (place, name) = expected.split_once(' ').expect("place and name");
        format!("{place} `{name}` gives another value each time it is asked")
    }
}
