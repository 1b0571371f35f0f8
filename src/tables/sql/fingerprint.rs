//! What a query does, as text: the optimised plan without what cannot change its result. Two queries of equal text give
//! equal tables; the text is what a query adds to its key, and its lines are what `why` shows.
//!
//! Out: names of tables' aliases, of CTEs and of columns inside; the order of operands, conditions and groups; columns that
//! nobody reads; sorting where no later step depends on it. In: everything else. Columns are called by the table and the
//! name they come from. A projection leaves no line: each of its columns is replaced by what it stands for, down to where that
//! would no longer be the same value (the side of an outer join that may be missing, a union, a group), and there it gets a name such as
//! `join.1`. A table that is read twice is `t` and `t#2`, in the order in which the plan has them.
//!
//! The order of rows counts where a step takes the first ones: `limit`, `row_number`, `lag`, `array_agg`, frames of rows. There ties
//! are decided by the columns in their order, so that order stands in the text (`ties by …`), as do sorts below.
//!
//! What is not known here (functions of functions, steps added to DataFusion) is an error; the query's syntax is then taken
//! as it is written.

mod expression;
mod literal;
mod terms;

use datafusion::catalog::cte_worktable::CteWorkTable;
use datafusion::common::{
    Column, DFSchema, JoinType, NullEquality, NullHandling, RecursionUnnestOption, ScalarValue, UnnestOptions,
};
use datafusion::datasource::{MemTable, source_as_provider};
use datafusion::functions_table::generate_series::GenerateSeriesTable;
use datafusion::logical_expr::expr::{AggregateFunction, Alias, GroupingSet, WindowFunction};
use datafusion::logical_expr::logical_plan::{
    Aggregate, ColumnUnnestList, DistinctOn, EmptyRelation, Filter, Join, Limit, Projection, RecursiveQuery, Sort,
    SubqueryAlias, TableScan, Union, Unnest, Values, Window,
};
use datafusion::logical_expr::{
    Distinct, Expr, LogicalPlan, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowFunctionDefinition,
};
use expression::{Around, Scope};
use std::collections::BTreeMap;
use terms::{DEEPEST, Form, Line, Pieces, TermId, Terms};

/// Raised when the same plan gets another text.
const HEAD: &str = "restudy plan 1";

/// Aggregates whose value does not depend on the order of the rows. Others are taken to depend on it.
const WITHOUT_ORDER: [&str; 18] = [
    "approx_distinct",
    "avg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "grouping",
    "max",
    "median",
    "min",
    "stddev",
    "stddev_pop",
    "sum",
    "var",
    "var_pop",
];

/// A cube has two to the power of its expressions as sets.
const MOST_CUBED: usize = 8;

/// Window functions that give rows of equal order equal values.
const WITH_EQUAL_TIES: [&str; 4] = ["cume_dist", "dense_rank", "percent_rank", "rank"];

/// Something in a plan that is not encoded.
#[derive(Debug, thiserror::Error)]
#[error("no encoding of {0}")]
pub struct Unknown(String);

impl Unknown {
    fn new(what: impl Into<String>) -> Unknown {
        Unknown(what.into())
    }

    fn deep() -> Unknown {
        Unknown::new(format!("steps or expressions nested more than {DEEPEST} deep"))
    }
}

/// The text of an optimised plan.
pub fn encode(plan: &LogicalPlan) -> Result<String, Unknown> {
    let mut encoder = Encoder::default();
    let lines = encoder.query(plan, true)?;
    Ok(format!("{HEAD}\n{}", encoder.terms.print(&lines)))
}

/// The text of a query whose plan has something unknown: its syntax, with the columns that it reads and makes.
pub fn as_written(canonical: &str, columns: impl Iterator<Item = String>) -> String {
    let columns: String = columns.map(|column| format!("{column}\n")).collect();
    format!("{HEAD}, as written\n{columns}{canonical}\n")
}

#[derive(Default)]
struct Encoder {
    terms: Terms,
    /// How often each name was given within this query.
    labels: BTreeMap<String, usize>,
    /// Recursive queries that are being encoded: name and label.
    working: Vec<(String, String)>,
    /// Columns of the queries around this one, from the outermost.
    around: Vec<Around>,
    depth: usize,
}

/// A step of a plan and those below it.
struct Node {
    /// What each column of its result is.
    columns: Vec<TermId>,
    lines: Vec<Pieces>,
    inputs: Vec<Node>,
}

impl Node {
    fn new(columns: Vec<TermId>, line: Pieces) -> Node {
        Node { columns, lines: vec![line], inputs: Vec::new() }
    }

    /// A step that gives rows of its input.
    fn above(input: Node, lines: Vec<Pieces>) -> Node {
        Node { columns: input.columns.clone(), lines, inputs: vec![input] }
    }

    /// One input stands below, several are set in.
    fn flatten(self, indent: usize, lines: &mut Vec<Line>) {
        let Node { columns: _, lines: own, inputs } = self;
        lines.extend(own.into_iter().map(|pieces| Line { indent, pieces: pieces.0 }));
        let inner = if inputs.len() > 1 { indent + 1 } else { indent };
        inputs.into_iter().for_each(|input| input.flatten(inner, lines));
    }
}

impl Encoder {
    /// The lines of a query, names given anew. How the columns are called is nobody's business inside of an expression.
    fn query(&mut self, plan: &LogicalPlan, named: bool) -> Result<Vec<Line>, Unknown> {
        let labels = std::mem::take(&mut self.labels);
        // Tables are sorted by their key when they are written, and a query in an expression is a set.
        let node = self.node(plan, false)?;
        self.labels = labels;
        let mut lines = Vec::new();
        for (field, term) in plan.schema().fields().iter().zip(&node.columns) {
            let name = if named { literal::name(field.name()) } else { "of type".to_string() };
            let head = format!("column {name} {} = ", literal::data_type(field.data_type()));
            lines.push(Line { indent: 0, pieces: Pieces::new(&head).term(*term).0 });
        }
        node.flatten(0, &mut lines);
        Ok(lines)
    }

    /// A step. `ordered`: a step above depends on the order of its rows.
    fn node(&mut self, plan: &LogicalPlan, ordered: bool) -> Result<Node, Unknown> {
        if self.depth > DEEPEST {
            return Err(Unknown::deep());
        }
        self.depth += 1;
        let node = self.undeep_node(plan, ordered)?;
        self.depth -= 1;
        if node.columns.len() != plan.schema().fields().len() {
            return Err(Unknown::new(format!("the columns of `{}`", plan.display())));
        }
        Ok(node)
    }

    fn undeep_node(&mut self, plan: &LogicalPlan, ordered: bool) -> Result<Node, Unknown> {
        match plan {
            LogicalPlan::Projection(Projection { expr, input, schema: _, .. }) => {
                let mut node = self.node(input, ordered)?;
                node.columns = self.terms(expr, &Scope(vec![(input.schema(), &node.columns)]))?;
                Ok(node)
            }
            LogicalPlan::SubqueryAlias(SubqueryAlias { input, alias: _, schema: _, .. }) => self.node(input, ordered),
            LogicalPlan::Filter(Filter { predicate, input, .. }) => {
                let node = self.node(input, ordered)?;
                let conditions = self.conditions(predicate, &Scope(vec![(input.schema(), &node.columns)]))?;
                Ok(Node::above(node, lines("filter ", &conditions)))
            }
            LogicalPlan::Sort(Sort { expr, input, fetch }) => {
                let node = self.node(input, ordered || fetch.is_some())?;
                // Without a `fetch` the rows stay the same, and only what looks at their order can tell.
                if !ordered && fetch.is_none() {
                    return Ok(node);
                }
                let keys = self.sort_keys(expr, &Scope(vec![(input.schema(), &node.columns)]))?;
                let first = fetch.map_or(String::new(), |rows| format!(", first {rows} rows"));
                let line = Pieces::new("sort by ").then(keys).text(&first);
                let ties = ties(&node);
                Ok(Node::above(node, vec![line, ties]))
            }
            LogicalPlan::Limit(Limit { skip, fetch, input }) => {
                let node = self.node(input, true)?;
                let scope = Scope(Vec::new());
                let mut line = Pieces::new("limit");
                if let Some(fetch) = fetch {
                    line = line.text(" ").term(self.term(fetch, &scope)?);
                }
                if let Some(skip) = skip
                    && !matches!(**skip, Expr::Literal(ScalarValue::Int64(Some(0)), _))
                {
                    line = line.text(" after ").term(self.term(skip, &scope)?);
                }
                let ties = ties(&node);
                Ok(Node::above(node, vec![line, ties]))
            }
            LogicalPlan::Window(window) => self.windows(window, ordered),
            LogicalPlan::Aggregate(aggregate) => self.group(aggregate, ordered),
            LogicalPlan::Distinct(Distinct::All(input)) => {
                let node = self.node(input, ordered)?;
                let groups = self.terms.sorted(node.columns.clone());
                Ok(Node::above(node, vec![Pieces::new("group by ").list(&groups, ", ")]))
            }
            LogicalPlan::Distinct(Distinct::On(distinct)) => self.distinct_on(distinct),
            LogicalPlan::Join(join) => self.join(join, ordered),
            LogicalPlan::Union(Union { inputs, schema: _ }) => {
                let inputs = inputs.iter().map(|input| self.node(input, ordered)).collect::<Result<Vec<_>, _>>()?;
                self.union(inputs)
            }
            LogicalPlan::TableScan(scan) => self.scan(scan),
            LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row, schema }) => {
                let fields = schema.fields().iter();
                let nothing = fields.map(|field| format!("nothing {}", literal::data_type(field.data_type())));
                let columns = nothing.map(|text| self.terms.add(Form::Plain, Pieces::new(&text)));
                let columns = columns.collect::<Result<Vec<_>, _>>()?;
                Ok(Node::new(columns, Pieces::new(if *produce_one_row { "one row" } else { "no rows" })))
            }
            LogicalPlan::Values(Values { schema, values }) => {
                let label = self.label("values");
                let mut lines = vec![Pieces::new(&format!("{} rows", values.len()))];
                for row in values {
                    lines.push(Pieces::new("  row ").list(&self.terms(row, &Scope(Vec::new()))?, ", "));
                }
                let columns = self.columns_of(&label, schema.fields().len())?;
                Ok(Node { columns, lines, inputs: Vec::new() })
            }
            LogicalPlan::Unnest(unnest) => self.unnest(unnest, ordered),
            LogicalPlan::RecursiveQuery(query) => self.recursive(query, ordered),
            LogicalPlan::Repartition(_)
            | LogicalPlan::Subquery(_)
            | LogicalPlan::Statement(_)
            | LogicalPlan::Explain(_)
            | LogicalPlan::Analyze(_)
            | LogicalPlan::Extension(_)
            | LogicalPlan::Dml(_)
            | LogicalPlan::Ddl(_)
            | LogicalPlan::Copy(_)
            | LogicalPlan::DescribeTable(_) => Err(Unknown::new(format!("the step `{}`", plan.display()))),
        }
    }

    fn scan(&mut self, scan: &TableScan) -> Result<Node, Unknown> {
        // Statistics that a rule asked for change no row.
        let TableScan { table_name, source, projection, projected_schema, filters, fetch, statistics_requests: _ } =
            scan;
        let provider = source_as_provider(source).map_err(|_| Unknown::new(format!("the table `{table_name}`")))?;
        let names = |schema: &DFSchema| -> Vec<String> {
            schema.fields().iter().map(|field| literal::name(field.name())).collect()
        };
        let all = source.schema();
        let (columns, every, line) = if provider.is::<MemTable>() {
            let shown = literal::table(table_name);
            let label = self.label(&shown);
            let mut read: Vec<String> = projected_schema
                .fields()
                .iter()
                .map(|field| format!("{} {}", literal::name(field.name()), literal::data_type(field.data_type())))
                .collect();
            read.sort();
            let again = if label == shown { String::new() } else { format!(" as {label}") };
            let line = Pieces::new(&format!("read {shown}{again}: {}", read.join(", ")));
            let columns = self.labelled(&label, names(projected_schema).into_iter())?;
            (columns, self.labelled(&label, all.fields().iter().map(|field| literal::name(field.name())))?, line)
        } else if let Some(series) = provider.downcast_ref::<GenerateSeriesTable>() {
            let label = self.label("series");
            let every = self.columns_of(&label, all.fields().len())?;
            // Its arguments are private; their debug form has all of them.
            (projected(&every, projection), every, Pieces::new(&format!("{label} of {series:?}")))
        } else if let Some(table) = provider.downcast_ref::<CteWorkTable>() {
            let query = self.working.iter().rev().find(|(name, _)| name == table.name());
            let query = query.map(|(_, label)| label.clone());
            let query = query.ok_or_else(|| Unknown::new(format!("the recursive table `{table_name}`")))?;
            // Named per place: a recursive term may join the rows with themselves.
            let label = self.label("found");
            let every = self.columns_of(&label, all.fields().len())?;
            let line = Pieces::new(&format!("rows that {query} found last as {label}"));
            (projected(&every, projection), every, line)
        } else {
            return Err(Unknown::new(format!("the table `{table_name}`")));
        };
        let qualified = DFSchema::try_from_qualified_schema(table_name.clone(), &all);
        let qualified = qualified.map_err(|error| Unknown::new(error.to_string()))?;
        let mut node = Node::new(columns, line);
        for filter in filters {
            let conditions = self.conditions(filter, &Scope(vec![(&qualified, &every)]))?;
            node = Node::above(node, lines("filter ", &conditions));
        }
        if let Some(rows) = fetch {
            let ties = ties(&node);
            node = Node::above(node, vec![Pieces::new(&format!("limit {rows}")), ties]);
        }
        Ok(node)
    }

    fn join(&mut self, join: &Join, ordered: bool) -> Result<Node, Unknown> {
        // How the condition was written, `on` or `using`, changes nothing once the columns are known.
        let Join { left, right, on, filter, join_type, join_constraint: _, schema: _, null_equality, null_aware } =
            join;
        let (left_node, right_node) = (self.node(left, ordered)?, self.node(right, ordered)?);
        let scope = Scope(vec![(left.schema(), &left_node.columns), (right.schema(), &right_node.columns)]);
        let equals = match null_equality {
            NullEquality::NullEqualsNothing => " = ",
            NullEquality::NullEqualsNull => " is not distinct from ",
        };
        let mut pairs = Vec::new();
        for (left, right) in on {
            let pair = [self.term(left, &scope)?, self.term(right, &scope)?];
            let pair = self.terms.sorted(pair.to_vec());
            let (first, second) = (pair[0], pair[pair.len() - 1]);
            pairs.push(self.terms.add(Form::Compound, Pieces::default().operand(first).text(equals).operand(second))?);
        }
        let pairs = self.terms.sorted(pairs);
        let conditions = filter.as_ref().map(|filter| self.conditions(filter, &scope)).transpose()?.unwrap_or_default();
        let null_aware = if *null_aware { ", null aware" } else { "" };
        let mut own = vec![Pieces::new(&format!("{} join{null_aware}", join_word(*join_type)))];
        own.extend(lines("  on ", &pairs));
        own.extend(lines("  where ", &self.terms.sorted(conditions)));
        let (left_columns, right_columns) = (left_node.columns.clone(), right_node.columns.clone());
        let columns = match join_type {
            JoinType::Inner => [left_columns, right_columns].concat(),
            JoinType::Left => [left_columns, self.maybe_missing(right_columns, &mut own)?].concat(),
            JoinType::Right => [self.maybe_missing(left_columns, &mut own)?, right_columns].concat(),
            JoinType::Full => {
                let both = [left_columns, right_columns].concat();
                self.maybe_missing(both, &mut own)?
            }
            JoinType::LeftSemi | JoinType::LeftAnti => left_columns,
            JoinType::RightSemi | JoinType::RightAnti => right_columns,
            JoinType::LeftMark => [left_columns, self.mark(&mut own)?].concat(),
            JoinType::RightMark => [right_columns, self.mark(&mut own)?].concat(),
        };
        Ok(Node { columns, lines: own, inputs: vec![left_node, right_node] })
    }

    /// Columns of a side whose rows may be missing: a column then is null, but what is computed from it, or a constant, would be
    /// computed again. So these get names of their own.
    fn maybe_missing(&mut self, columns: Vec<TermId>, lines: &mut Vec<Pieces>) -> Result<Vec<TermId>, Unknown> {
        let computed = columns
            .iter()
            .copied()
            .filter(|column| !matches!(self.terms.form(*column), Form::Column | Form::Result(_)));
        let computed: Vec<TermId> = computed.collect();
        if computed.is_empty() {
            return Ok(columns);
        }
        let named = self.results("join", "  ", computed.clone(), lines)?;
        let renamed = |column: TermId| computed.iter().position(|term| *term == column).map_or(column, |at| named[at]);
        Ok(columns.into_iter().map(renamed).collect())
    }

    /// The column that says whether a row has a partner.
    fn mark(&mut self, lines: &mut Vec<Pieces>) -> Result<Vec<TermId>, Unknown> {
        let label = self.label("join");
        let mark = self.terms.add(Form::Result(label.clone()), Pieces::new(&format!("{label}.1")))?;
        lines.push(Pieces::new("  has a partner as ").term(mark));
        Ok(vec![mark])
    }

    fn union(&mut self, inputs: Vec<Node>) -> Result<Node, Unknown> {
        let width = inputs.first().map_or(0, |input| input.columns.len());
        if inputs.iter().any(|input| input.columns.len() != width) {
            return Err(Unknown::new("a union of unequal width"));
        }
        let mut rows = Vec::new();
        for column in 0..width {
            let parts: Vec<TermId> = inputs.iter().map(|input| input.columns[column]).collect();
            rows.push(self.terms.add(Form::Plain, Pieces::default().list(&parts, ", "))?);
        }
        let mut own = vec![Pieces::new(&format!("union of {}", inputs.len()))];
        let columns = self.results("union", "  ", rows, &mut own)?;
        Ok(Node { columns, lines: own, inputs })
    }

    fn group(&mut self, aggregate: &Aggregate, ordered: bool) -> Result<Node, Unknown> {
        let Aggregate { input, group_expr, aggr_expr, schema, .. } = aggregate;
        let calls = aggr_expr.iter().map(aggregate_call).collect::<Result<Vec<_>, _>>()?;
        let by_order = calls.iter().any(|call| !WITHOUT_ORDER.contains(&call.func.name()));
        let node = self.node(input, ordered || by_order)?;
        let scope = Scope(vec![(input.schema(), &node.columns)]);
        let mut terms = Vec::new();
        for call in &calls {
            let pieces = self.aggregate(call, &scope)?;
            terms.push(self.terms.add(Form::Plain, pieces)?);
        }
        let mut own = Vec::new();
        let mut columns;
        if let [Expr::GroupingSet(sets)] = &group_expr[..] {
            // The number of a set depends on the order of the expressions, so that order stays.
            let label = self.label("sets");
            let every = sets.distinct_expr().into_iter().cloned().collect::<Vec<_>>();
            let keys = self.terms(&every, &scope)?;
            let mut head = Pieces::new("group by sets of ").list(&keys, ", ").text(":");
            for set in written_out(sets)? {
                let mut terms = Vec::new();
                for expression in set {
                    terms.push(self.term(expression, &scope)?);
                }
                head = head.text(" (").list(&self.terms.sorted(terms), ", ").text(")");
            }
            own.push(head);
            // Null where a set is without the expression: no longer the expression itself. Then the number of the set.
            columns = self.labelled(&label, (1..=keys.len()).map(|key| key.to_string()))?;
            own.extend(
                keys.iter().zip(&columns).map(|(key, name)| Pieces::new("  ").term(*key).text(" as ").term(*name)),
            );
            columns.extend(self.labelled(&label, std::iter::once("number".to_string()))?);
        } else {
            columns = self.terms(group_expr, &scope)?;
            let head = if columns.is_empty() { "group all rows" } else { "group by " };
            own.push(Pieces::new(head).list(&self.terms.sorted(columns.clone()), ", "));
        }
        if columns.len() + calls.len() != schema.fields().len() {
            return Err(Unknown::new("the columns of a group"));
        }
        columns.extend(self.results("group", "  ", terms, &mut own)?);
        if by_order {
            own.push(ties(&node));
        }
        Ok(Node { columns, lines: own, inputs: vec![node] })
    }

    fn windows(&mut self, window: &Window, ordered: bool) -> Result<Node, Unknown> {
        let Window { input, window_expr, schema: _ } = window;
        let calls = window_expr.iter().map(window_call).collect::<Result<Vec<_>, _>>()?;
        let by_order = calls.iter().any(|call| depends_on_order(call));
        let node = self.node(input, ordered || by_order)?;
        let scope = Scope(vec![(input.schema(), &node.columns)]);
        let mut terms = Vec::new();
        for call in calls {
            let pieces = self.window(call, &scope)?;
            terms.push(self.terms.add(Form::Plain, pieces)?);
        }
        let mut own = Vec::new();
        let mut columns = node.columns.clone();
        columns.extend(self.results("window", "window ", terms, &mut own)?);
        if by_order {
            own.push(ties(&node));
        }
        Ok(Node { columns, lines: own, inputs: vec![node] })
    }

    fn distinct_on(&mut self, distinct: &DistinctOn) -> Result<Node, Unknown> {
        let DistinctOn { on_expr, select_expr, sort_expr, input, schema: _ } = distinct;
        let node = self.node(input, true)?;
        let scope = Scope(vec![(input.schema(), &node.columns)]);
        let on = self.terms(on_expr, &scope)?;
        let sort = self.sort_keys(sort_expr.as_deref().unwrap_or_default(), &scope)?;
        let line = Pieces::new("first of each ")
            .list(&self.terms.sorted(on), ", ")
            .text(" in order of (")
            .then(sort)
            .text(")");
        let columns = self.terms(select_expr, &scope)?;
        let ties = ties(&node);
        Ok(Node { columns, lines: vec![line, ties], inputs: vec![node] })
    }

    fn unnest(&mut self, unnest: &Unnest, ordered: bool) -> Result<Node, Unknown> {
        // The columns to unnest are those that the two lists name by position.
        let Unnest {
            input,
            exec_columns: _,
            list_type_columns,
            struct_type_columns,
            dependency_indices,
            schema,
            options,
        } = unnest;
        let UnnestOptions { null_handling, recursions } = options;
        let nulls = match null_handling {
            NullHandling::Drop => "without nulls",
            NullHandling::Preserve => "with nulls",
            NullHandling::PreserveAndExpandEmpty => "with nulls and empty lists",
        };
        let node = self.node(input, ordered)?;
        let scope = Scope(vec![(input.schema(), &node.columns)]);
        let label = self.label("unnest");
        let mut own = vec![Pieces::new(&format!("unnest {nulls}"))];
        let mut columns = Vec::new();
        for (position, (relation, field)) in schema.iter().enumerate() {
            let index = *dependency_indices.get(position).ok_or_else(|| Unknown::new("the columns of `unnest`"))?;
            let from = *node.columns.get(index).ok_or_else(|| Unknown::new("the columns of `unnest`"))?;
            let output = Column::new(relation.cloned(), field.name());
            let depth = list_type_columns.iter().find_map(|(column, ColumnUnnestList { output_column, depth })| {
                (*column == index && *output_column == output).then_some(*depth)
            });
            if depth.is_none() && !struct_type_columns.contains(&index) {
                columns.push(from);
                continue;
            }
            // A struct becomes as many columns as it has fields, in a row.
            let field = dependency_indices[..position].iter().filter(|earlier| **earlier == index).count();
            let what = depth.map_or(format!("field {field} of "), |depth| format!("elements at depth {depth} of "));
            let name = self.labelled(&label, std::iter::once(format!("{}", position + 1)))?[0];
            own.push(Pieces::new(&format!("  {what}")).term(from).text(" as ").term(name));
            columns.push(name);
        }
        for RecursionUnnestOption { input_column, output_column: _, depth } in recursions {
            let from = self.term(&Expr::Column(input_column.clone()), &scope)?;
            own.push(Pieces::new(&format!("  to depth {depth} ")).term(from));
        }
        Ok(Node { columns, lines: own, inputs: vec![node] })
    }

    fn recursive(&mut self, query: &RecursiveQuery, ordered: bool) -> Result<Node, Unknown> {
        let RecursiveQuery { name, static_term, recursive_term, is_distinct, schema } = query;
        let first = self.node(static_term, ordered)?;
        let label = self.label("recursive");
        let columns = self.columns_of(&label, schema.fields().len())?;
        self.working.push((name.clone(), label.clone()));
        let next = self.node(recursive_term, ordered);
        self.working.pop();
        let next = next?;
        let distinct = if *is_distinct { "distinct " } else { "" };
        let head = Pieces::new(&format!("{distinct}{label} from ")).list(&first.columns, ", ");
        let then = Pieces::new("  then ").list(&next.columns, ", ");
        Ok(Node { columns, lines: vec![head, then], inputs: vec![first, next] })
    }

    /// Names for what a step makes, each with a line that says what it is. Equal ones are one.
    fn results(
        &mut self,
        step: &str,
        head: &str,
        terms: Vec<TermId>,
        lines: &mut Vec<Pieces>,
    ) -> Result<Vec<TermId>, Unknown> {
        if terms.is_empty() {
            return Ok(terms);
        }
        let label = self.label(step);
        let distinct = self.terms.sorted(terms.clone());
        let mut names = BTreeMap::new();
        for (index, term) in distinct.into_iter().enumerate() {
            let name = Pieces::new(&format!("{label}.{}", index + 1));
            let name = self.terms.add(Form::Result(label.clone()), name)?;
            lines.push(Pieces::new(head).term(term).text(" as ").term(name));
            names.insert(term, name);
        }
        Ok(terms.iter().map(|term| names[term]).collect())
    }

    /// A name for the results of a step; the second of its kind is `group#2`.
    fn label(&mut self, name: &str) -> String {
        let count = self.labels.entry(name.to_string()).or_default();
        *count += 1;
        if *count == 1 { name.to_string() } else { format!("{name}#{count}") }
    }

    fn columns_of(&mut self, label: &str, count: usize) -> Result<Vec<TermId>, Unknown> {
        self.labelled(label, (1..=count).map(|column| column.to_string()))
    }

    fn labelled(&mut self, label: &str, names: impl Iterator<Item = String>) -> Result<Vec<TermId>, Unknown> {
        names.map(|name| self.terms.add(Form::Column, Pieces::new(&format!("{label}.{name}")))).collect()
    }
}

fn lines(head: &str, terms: &[TermId]) -> Vec<Pieces> {
    terms.iter().map(|term| Pieces::new(head).term(*term)).collect()
}

/// What decides between rows that are equal otherwise.
fn ties(node: &Node) -> Pieces {
    Pieces::new("  ties by ").list(&node.columns, ", ")
}

fn projected(columns: &[TermId], projection: &Option<Vec<usize>>) -> Vec<TermId> {
    match projection {
        None => columns.to_vec(),
        Some(indices) => indices.iter().filter_map(|index| columns.get(*index).copied()).collect(),
    }
}

fn aggregate_call(expression: &Expr) -> Result<&AggregateFunction, Unknown> {
    match expression {
        Expr::AggregateFunction(call) => Ok(call),
        Expr::Alias(Alias { expr, .. }) => aggregate_call(expr),
        other => Err(Unknown::new(format!("`{other}` as an aggregate"))),
    }
}

fn window_call(expression: &Expr) -> Result<&WindowFunction, Unknown> {
    match expression {
        Expr::WindowFunction(call) => Ok(call),
        Expr::Alias(Alias { expr, .. }) => window_call(expr),
        other => Err(Unknown::new(format!("`{other}` as a window function"))),
    }
}

/// The sets that `rollup` and `cube` are short for.
fn written_out(sets: &GroupingSet) -> Result<Vec<Vec<&Expr>>, Unknown> {
    Ok(match sets {
        GroupingSet::GroupingSets(sets) => sets.iter().map(|set| set.iter().collect()).collect(),
        GroupingSet::Rollup(keys) => (0..=keys.len()).rev().map(|count| keys[..count].iter().collect()).collect(),
        GroupingSet::Cube(keys) if keys.len() > MOST_CUBED => {
            return Err(Unknown::new(format!("a cube of more than {MOST_CUBED} expressions")));
        }
        GroupingSet::Cube(keys) => {
            let inside = |set: usize| keys.iter().enumerate().filter(move |(key, _)| set & (1 << key) > 0);
            (0..1 << keys.len()).rev().map(|set| inside(set).map(|(_, key)| key).collect()).collect()
        }
    })
}

/// Whether rows that its order leaves equal may get different values.
fn depends_on_order(call: &WindowFunction) -> bool {
    let name = match &call.fun {
        WindowFunctionDefinition::WindowUDF(function) => return !WITH_EQUAL_TIES.contains(&function.name()),
        WindowFunctionDefinition::AggregateUDF(function) => function.name(),
    };
    let WindowFrame { units, start_bound, end_bound, .. } = &call.params.window_frame;
    let whole = matches!(start_bound, WindowFrameBound::Preceding(value) if value.is_null())
        && matches!(end_bound, WindowFrameBound::Following(value) if value.is_null());
    !WITHOUT_ORDER.contains(&name) || (*units == WindowFrameUnits::Rows && !whole)
}

fn join_word(join_type: JoinType) -> &'static str {
    match join_type {
        JoinType::Inner => "inner",
        JoinType::Left => "left",
        JoinType::Right => "right",
        JoinType::Full => "full",
        JoinType::LeftSemi => "left semi",
        JoinType::RightSemi => "right semi",
        JoinType::LeftAnti => "left anti",
        JoinType::RightAnti => "right anti",
        JoinType::LeftMark => "left mark",
        JoinType::RightMark => "right mark",
    }
}

#[cfg(test)]
mod generated;
#[cfg(test)]
mod tests;
