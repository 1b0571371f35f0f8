//! Expressions as terms over the columns that they see. What is the same in another order or from the other side is brought
//! into one: operands of `and`, `or`, `=`, `+` and the like, `a > b` and `b < a`, lists after `in`, `between`.
//! Every struct is taken apart field by field, so that a new field of DataFusion's is noticed when this is compiled.

use super::literal::{data_type, literal};
use super::terms::{DEEPEST, Form, Junction, Pieces, TermId};
use super::{Encoder, Unknown};
use datafusion::common::{Column, DFSchema, TableReference};
use datafusion::logical_expr::expr::{
    AggregateFunction, AggregateFunctionParams, Alias, Between, BinaryExpr, Case, Cast, Exists, InList, InSubquery,
    Like, NullTreatment, ScalarFunction, SetComparison, SetQuantifier, Sort, TryCast, WindowFunction,
    WindowFunctionParams,
};
use datafusion::logical_expr::{
    Expr, Operator, Subquery, WindowFrameBound, WindowFrameUnits, WindowFunctionDefinition,
};

/// The columns that an expression sees: schemas with what each of their columns is.
pub struct Scope<'a>(pub Vec<(&'a DFSchema, &'a [TermId])>);

/// A scope around a query in an expression: relation, name and term of each column.
pub type Around = Vec<(Option<TableReference>, String, TermId)>;

impl Scope<'_> {
    pub fn around(&self) -> Around {
        let columns = self.0.iter().flat_map(|(schema, terms)| schema.iter().zip(terms.iter()));
        columns.map(|((relation, field), term)| (relation.cloned(), field.name().clone(), *term)).collect()
    }
}

impl Encoder {
    pub fn term(&mut self, expression: &Expr, scope: &Scope) -> Result<TermId, Unknown> {
        if self.depth > DEEPEST {
            return Err(Unknown::deep());
        }
        self.depth += 1;
        let term = self.undeep_term(expression, scope);
        self.depth -= 1;
        term
    }

    pub fn terms(&mut self, expressions: &[Expr], scope: &Scope) -> Result<Vec<TermId>, Unknown> {
        expressions.iter().map(|expression| self.term(expression, scope)).collect()
    }

    /// The parts of a condition that must all hold.
    pub fn conditions(&mut self, expression: &Expr, scope: &Scope) -> Result<Vec<TermId>, Unknown> {
        let term = self.term(expression, scope)?;
        Ok(match self.terms.form(term) {
            Form::Junction(Junction::And, parts) => parts.clone(),
            _ => vec![term],
        })
    }

    /// `x desc nulls last, …`; the order of the keys counts.
    pub fn sort_keys(&mut self, keys: &[Sort], scope: &Scope) -> Result<Pieces, Unknown> {
        let mut pieces = Pieces::default();
        for (index, Sort { expr, asc, nulls_first }) in keys.iter().enumerate() {
            let direction = if *asc { " asc" } else { " desc" };
            let nulls = if *nulls_first { " nulls first" } else { " nulls last" };
            let key = Pieces::new(if index > 0 { ", " } else { "" }).operand(self.term(expr, scope)?);
            pieces = pieces.then(key.text(direction).text(nulls));
        }
        Ok(pieces)
    }

    /// A call of an aggregate.
    pub fn aggregate(&mut self, call: &AggregateFunction, scope: &Scope) -> Result<Pieces, Unknown> {
        let AggregateFunction { func, params } = call;
        let AggregateFunctionParams { args, distinct, filter, order_by, null_treatment } = params;
        let name = format!("{}({}", func.name(), if *distinct { "distinct " } else { "" });
        let mut pieces = Pieces::new(&name).list(&self.terms(args, scope)?, ", ").text(")");
        if !order_by.is_empty() {
            pieces = pieces.text(" in order of (").then(self.sort_keys(order_by, scope)?).text(")");
        }
        if let Some(filter) = filter {
            pieces = pieces.text(" where (").term(self.term(filter, scope)?).text(")");
        }
        Ok(pieces.text(treatment(null_treatment)))
    }

    /// A call over a window.
    pub fn window(&mut self, call: &WindowFunction, scope: &Scope) -> Result<Pieces, Unknown> {
        let WindowFunction { fun, params } = call;
        let WindowFunctionParams { args, partition_by, order_by, window_frame, filter, null_treatment, distinct } =
            params;
        let name = match fun {
            // `first_value` and two others are both.
            WindowFunctionDefinition::AggregateUDF(function) => format!("aggregate {}", function.name()),
            WindowFunctionDefinition::WindowUDF(function) => function.name().to_string(),
        };
        let name = format!("{name}({}", if *distinct { "distinct " } else { "" });
        let mut pieces = Pieces::new(&name).list(&self.terms(args, scope)?, ", ").text(")");
        if let Some(filter) = filter {
            pieces = pieces.text(" where (").term(self.term(filter, scope)?).text(")");
        }
        pieces = pieces.text(treatment(null_treatment)).text(" over (");
        if !partition_by.is_empty() {
            let parts = self.terms(partition_by, scope)?;
            pieces = pieces.text("partition by ").list(&self.terms.sorted(parts), ", ").text(" ");
        }
        if !order_by.is_empty() {
            pieces = pieces.text("order by ").then(self.sort_keys(order_by, scope)?).text(" ");
        }
        // A frame has one more field, which is worked out from these.
        let units = match window_frame.units {
            WindowFrameUnits::Rows => "rows",
            WindowFrameUnits::Range => "range",
            WindowFrameUnits::Groups => "groups",
        };
        let (start, end) = (bound(&window_frame.start_bound)?, bound(&window_frame.end_bound)?);
        Ok(pieces.text(&format!("{units} between {start} and {end})")))
    }

    fn undeep_term(&mut self, expression: &Expr, scope: &Scope) -> Result<TermId, Unknown> {
        match expression {
            // Names and metadata of results are not their values.
            Expr::Alias(Alias { expr, relation: _, name: _, metadata: _ }) => self.term(expr, scope),
            Expr::Column(column) => column_in(scope.0.iter().copied(), column),
            Expr::OuterReferenceColumn(_, column) => self.outer(column),
            Expr::Literal(value, _) => self.terms.add(Form::Literal, Pieces::new(&literal(value)?)),
            Expr::BinaryExpr(binary) => self.binary(binary, scope),
            Expr::Like(like) => self.like(like, "like", scope),
            Expr::SimilarTo(like) => self.like(like, "similar to", scope),
            Expr::Not(inner) => {
                let pieces = Pieces::new("not ").operand(self.term(inner, scope)?);
                self.terms.add(Form::Compound, pieces)
            }
            Expr::Negative(inner) => {
                let pieces = Pieces::new("- ").operand(self.term(inner, scope)?);
                self.terms.add(Form::Compound, pieces)
            }
            Expr::IsNull(inner) => self.after(inner, " is null", scope),
            Expr::IsNotNull(inner) => self.after(inner, " is not null", scope),
            Expr::IsTrue(inner) => self.after(inner, " is true", scope),
            Expr::IsNotTrue(inner) => self.after(inner, " is not true", scope),
            Expr::IsFalse(inner) => self.after(inner, " is false", scope),
            Expr::IsNotFalse(inner) => self.after(inner, " is not false", scope),
            Expr::IsUnknown(inner) => self.after(inner, " is unknown", scope),
            Expr::IsNotUnknown(inner) => self.after(inner, " is not unknown", scope),
            Expr::Between(Between { expr, negated, low, high }) => {
                let (value, low, high) = (self.term(expr, scope)?, self.term(low, scope)?, self.term(high, scope)?);
                let (below, above, junction) = match negated {
                    false => (Operator::LtEq, Operator::GtEq, Junction::And),
                    true => (Operator::Gt, Operator::Lt, Junction::Or),
                };
                let parts = vec![self.compared(low, below, value)?, self.compared(high, above, value)?];
                self.junction(junction, parts)
            }
            Expr::Case(case) => self.case(case, scope),
            // Of the field only the type is a value's; the name is that of the column.
            Expr::Cast(Cast { expr, field }) => {
                let pieces = Pieces::new("cast(").term(self.term(expr, scope)?);
                self.terms.add(Form::Plain, pieces.text(&format!(" as {})", data_type(field.data_type()))))
            }
            Expr::TryCast(TryCast { expr, field }) => {
                let pieces = Pieces::new("try_cast(").term(self.term(expr, scope)?);
                self.terms.add(Form::Plain, pieces.text(&format!(" as {})", data_type(field.data_type()))))
            }
            Expr::ScalarFunction(ScalarFunction { func, args }) => {
                let pieces = Pieces::new(&format!("{}(", func.name())).list(&self.terms(args, scope)?, ", ");
                self.terms.add(Form::Plain, pieces.text(")"))
            }
            Expr::InList(InList { expr, list, negated }) => {
                let list = self.terms(list, scope)?;
                let list = self.terms.sorted(list);
                let pieces = Pieces::default().operand(self.term(expr, scope)?);
                let pieces = pieces.text(if *negated { " not in (" } else { " in (" }).list(&list, ", ").text(")");
                self.terms.add(Form::Compound, pieces)
            }
            Expr::ScalarSubquery(subquery) => {
                let pieces = self.query_in(Pieces::default(), subquery, scope)?;
                self.terms.add(Form::Plain, pieces)
            }
            Expr::Exists(Exists { subquery, negated }) => {
                let pieces =
                    self.query_in(Pieces::new(if *negated { "not exists " } else { "exists " }), subquery, scope)?;
                self.terms.add(Form::Compound, pieces)
            }
            Expr::InSubquery(InSubquery { expr, subquery, negated }) => {
                let pieces = Pieces::default().operand(self.term(expr, scope)?);
                let pieces = self.query_in(pieces.text(if *negated { " not in " } else { " in " }), subquery, scope)?;
                self.terms.add(Form::Compound, pieces)
            }
            Expr::SetComparison(SetComparison { expr, subquery, op, quantifier }) => {
                let quantifier = match quantifier {
                    SetQuantifier::Any => "any",
                    SetQuantifier::All => "all",
                };
                let pieces = Pieces::default().operand(self.term(expr, scope)?).text(&format!(" {op} {quantifier} "));
                let pieces = self.query_in(pieces, subquery, scope)?;
                self.terms.add(Form::Compound, pieces)
            }
            Expr::AggregateFunction(_) | Expr::WindowFunction(_) | Expr::GroupingSet(_) => {
                Err(Unknown::new(format!("`{expression}` inside of an expression")))
            }
            #[expect(deprecated)]
            Expr::ScalarVariable(..)
            | Expr::Wildcard { .. }
            | Expr::Placeholder(_)
            | Expr::Unnest(_)
            | Expr::HigherOrderFunction(_)
            | Expr::Lambda(_)
            | Expr::LambdaVariable(_) => Err(Unknown::new(format!("`{expression}`"))),
        }
    }

    fn after(&mut self, inner: &Expr, text: &str, scope: &Scope) -> Result<TermId, Unknown> {
        let pieces = Pieces::default().operand(self.term(inner, scope)?).text(text);
        self.terms.add(Form::Compound, pieces)
    }

    fn binary(&mut self, binary: &BinaryExpr, scope: &Scope) -> Result<TermId, Unknown> {
        let BinaryExpr { left, op, right } = binary;
        let junction = match op {
            Operator::And => Some(Junction::And),
            Operator::Or => Some(Junction::Or),
            _ => None,
        };
        let Some(junction) = junction else {
            let (left, right) = (self.term(left, scope)?, self.term(right, scope)?);
            return self.compared(left, *op, right);
        };
        // Not by calls within calls: a thousand conditions are a chain a thousand deep.
        let mut open = vec![&**left, &**right];
        let mut parts = Vec::new();
        while let Some(part) = open.pop() {
            match part {
                Expr::BinaryExpr(inner) if inner.op == *op => open.extend([&*inner.left, &*inner.right]),
                _ => parts.push(self.term(part, scope)?),
            }
        }
        self.junction(junction, parts)
    }

    /// `and` and `or` may be taken in any order and nested in any way; what stands twice counts once.
    fn junction(&mut self, junction: Junction, parts: Vec<TermId>) -> Result<TermId, Unknown> {
        let mut flat = Vec::new();
        for part in parts {
            match self.terms.form(part) {
                Form::Junction(inner, inside) if *inner == junction => flat.extend(inside),
                _ => flat.push(part),
            }
        }
        let flat = self.terms.sorted(flat);
        if let [single] = flat[..] {
            return Ok(single);
        }
        let separator = if junction == Junction::And { " and " } else { " or " };
        let mut pieces = Pieces::default();
        for (index, part) in flat.iter().enumerate() {
            pieces = pieces.text(if index > 0 { separator } else { "" }).operand(*part);
        }
        self.terms.add(Form::Junction(junction, flat), pieces)
    }

    /// Two operands, in their order where that does not matter: sums and products of two numbers are the same bits from either
    /// side. Those of three are not, so nothing is taken out of parentheses.
    fn compared(&mut self, left: TermId, op: Operator, right: TermId) -> Result<TermId, Unknown> {
        let flipped = match op {
            Operator::Eq
            | Operator::NotEq
            | Operator::Plus
            | Operator::Multiply
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom
            | Operator::BitwiseAnd
            | Operator::BitwiseOr
            | Operator::BitwiseXor => Some(op),
            Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq => op.swap(),
            _ => None,
        };
        let is_more = matches!(op, Operator::Gt | Operator::GtEq);
        let (left, op, right) = match flipped {
            Some(flipped) if self.terms.order(left, right).is_gt() || (left == right && is_more) => {
                (right, flipped, left)
            }
            _ => (left, op, right),
        };
        let pieces = Pieces::default().operand(left).text(&format!(" {op} ").to_lowercase()).operand(right);
        self.terms.add(Form::Compound, pieces)
    }

    fn like(&mut self, like: &Like, word: &str, scope: &Scope) -> Result<TermId, Unknown> {
        let Like { negated, expr, pattern, escape_char, case_insensitive } = like;
        let not = if *negated { " not" } else { "" };
        let case = if *case_insensitive { " in any case" } else { "" };
        let pieces = Pieces::default().operand(self.term(expr, scope)?).text(&format!("{not} {word} "));
        let pieces = pieces.operand(self.term(pattern, scope)?).text(case);
        let escape = escape_char.map_or(String::new(), |sign| format!(" escape {}", u32::from(sign)));
        self.terms.add(Form::Compound, pieces.text(&escape))
    }

    fn case(&mut self, case: &Case, scope: &Scope) -> Result<TermId, Unknown> {
        let Case { expr, when_then_expr, else_expr } = case;
        let mut pieces = Pieces::new("case");
        if let Some(value) = expr {
            pieces = pieces.text(" ").operand(self.term(value, scope)?);
        }
        for (when, then) in when_then_expr {
            let (when, then) = (self.term(when, scope)?, self.term(then, scope)?);
            pieces = pieces.text(" when ").operand(when).text(" then ").operand(then);
        }
        if let Some(otherwise) = else_expr {
            pieces = pieces.text(" else ").operand(self.term(otherwise, scope)?);
        }
        self.terms.add(Form::Plain, pieces.text(" end"))
    }

    /// A query inside of an expression. Which columns of the outer query it reads stands in the query itself.
    fn query_in(&mut self, pieces: Pieces, subquery: &Subquery, scope: &Scope) -> Result<Pieces, Unknown> {
        let Subquery { subquery, outer_ref_columns: _, spans: _ } = subquery;
        self.around.push(scope.around());
        let lines = self.query(subquery, false);
        self.around.pop();
        let query = self.terms.add_query(lines?);
        let mut pieces = pieces.text("(");
        pieces.0.push(query);
        Ok(pieces.text(")"))
    }

    /// A column of a query around this one, the nearest that has it.
    fn outer(&mut self, column: &Column) -> Result<TermId, Unknown> {
        let mut found = None;
        for (level, around) in self.around.iter().rev().enumerate() {
            let is_it = |(relation, name, _): &&(Option<TableReference>, String, TermId)| {
                *name == column.name && (column.relation.is_none() || *relation == column.relation)
            };
            let mut matching = around.iter().filter(is_it);
            match (matching.next(), matching.next()) {
                (Some(only), None) => {
                    found = Some((level, only.2));
                    break;
                }
                (Some(_), Some(_)) => {
                    return Err(Unknown::new(format!("the outer column `{column}`, which is there twice")));
                }
                (None, _) => {}
            }
        }
        let (level, mut term) = found.ok_or_else(|| Unknown::new(format!("the outer column `{column}`")))?;
        for _ in 0..=level {
            term = self.terms.add(Form::Plain, Pieces::new("outer(").term(term).text(")"))?;
        }
        Ok(term)
    }
}

/// What a column is; by name, which must be there once.
fn column_in<'a>(
    schemas: impl Iterator<Item = (&'a DFSchema, &'a [TermId])>,
    column: &Column,
) -> Result<TermId, Unknown> {
    let fields = schemas.flat_map(|(schema, terms)| schema.iter().zip(terms));
    let named: Vec<_> = fields.filter(|((_, field), _)| *field.name() == column.name).collect();
    let exact = |relation: &Option<&TableReference>| match (relation, &column.relation) {
        (Some(a), Some(b)) => a.resolved_eq(b),
        (None, None) => true,
        _ => false,
    };
    let exactly: Vec<_> = named.iter().filter(|((relation, _), _)| exact(relation)).collect();
    match (&exactly[..], &named[..]) {
        ([(_, term)], _) => Ok(**term),
        ([], [(_, term)]) if column.relation.is_none() => Ok(**term),
        ([], []) => Err(Unknown::new(format!("the column `{column}`, which is not there"))),
        _ => Err(Unknown::new(format!("the column `{column}`, which is there twice"))),
    }
}

fn treatment(treatment: &Option<NullTreatment>) -> &'static str {
    match treatment {
        None => "",
        Some(NullTreatment::IgnoreNulls) => " ignore nulls",
        Some(NullTreatment::RespectNulls) => " respect nulls",
    }
}

fn bound(bound: &WindowFrameBound) -> Result<String, Unknown> {
    Ok(match bound {
        WindowFrameBound::Preceding(value) if value.is_null() => "unbounded preceding".to_string(),
        WindowFrameBound::Preceding(value) => format!("{} preceding", literal(value)?),
        WindowFrameBound::CurrentRow => "current row".to_string(),
        WindowFrameBound::Following(value) if value.is_null() => "unbounded following".to_string(),
        WindowFrameBound::Following(value) => format!("{} following", literal(value)?),
    })
}
