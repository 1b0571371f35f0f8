//! Generated queries: whenever two have one fingerprint, their results must be equal. Each query is written in several ways,
//! which mostly keep the fingerprint, and changed in small places, which mostly changes it.

use crate::columns::{Column, Table, Values};
use crate::sql::{Schema, Source, parse, planned, query};
use crate::write;
use std::path::PathBuf;

const QUERIES: usize = 250;
const WRITINGS: usize = 3;
const CHANGES: usize = 3;

#[test]
fn queries_of_one_fingerprint_give_one_result() {
    let study = Study::new();
    let mut random = Random(20_260_101);
    let (mut kept, mut changed, mut compared, mut failed) = (0, 0, 0, 0);
    for _ in 0..QUERIES {
        let original = Query::any(&mut random);
        let text = original.written(&mut Writing::plain());
        let fingerprint = study.fingerprint(&text);
        let mut others: Vec<String> = Vec::new();
        for _ in 0..WRITINGS {
            let other = original.written(&mut Writing::free(&mut random));
            let same = study.fingerprint(&other) == fingerprint;
            kept += usize::from(same);
            others.extend(same.then_some(other));
        }
        for _ in 0..CHANGES {
            let mut other = original.clone();
            other.change(&mut random);
            let other = other.written(&mut Writing::plain());
            let same = study.fingerprint(&other) == fingerprint;
            changed += usize::from(!same);
            others.extend((same && other != text).then_some(other));
        }
        if others.is_empty() {
            continue;
        }
        let result = study.rows(&text);
        failed += usize::from(result.is_none());
        for other in others {
            // Whether the engine fails may hang on the order of operands; what it gives must not.
            if let (Some(result), Some(rows)) = (&result, study.rows(&other)) {
                compared += 1;
                assert_eq!(rows, *result, "\n{text}\n{other}\n{fingerprint}");
            }
        }
    }
    let (kept, changed) = (100 * kept / (QUERIES * WRITINGS), 100 * changed / (QUERIES * CHANGES));
    let counts = format!("kept {kept} %, changed {changed} %, compared {compared}, failed {failed}");
    assert!(kept > 80 && changed > 50 && compared > QUERIES && failed < QUERIES / 20, "{counts}");
}

/// SplitMix64 (Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    fn some<T>(&mut self, most: usize, mut make: impl FnMut(&mut Random) -> T) -> Vec<T> {
        (0..self.below(most + 1)).map(|_| make(self)).collect()
    }
}

#[derive(Clone)]
enum Value {
    /// Of the first source or of the second.
    Column(usize, &'static str),
    Literal(&'static str),
    Two(&'static str, Box<Value>, Box<Value>),
    Call(&'static str, Vec<Value>),
    Case(Box<Value>, Box<Value>, Box<Value>),
    Null(Box<Value>, bool),
    Between(Box<Value>, Box<Value>, Box<Value>),
    In(Box<Value>, Vec<&'static str>),
    InQuery(Box<Value>, bool, &'static str),
}

const NUMBERS: &[&str] = &["0.0", "-0.0", "1.0", "2.5", "-1.5", "1"];
const COUNTS: &[&str] = &["0", "1", "2", "3", "4", "null"];
const TEXTS: &[&str] = &["'a'", "'b'", "' a'", "''"];
const COMPARISONS: &[&str] = &["=", "<>", "<", "<=", ">", ">="];

impl Value {
    fn number(random: &mut Random, depth: usize, joined: bool) -> Value {
        let two = |random: &mut Random, sign| {
            let (left, right) = (Value::number(random, depth - 1, joined), Value::number(random, depth - 1, joined));
            Value::Two(sign, Box::new(left), Box::new(right))
        };
        match random.below(if depth == 0 { 4 } else { 9 }) {
            0 | 1 => Value::Column(0, random.pick(&["x", "y"])),
            2 if joined => Value::Column(1, "w"),
            2 => Value::Column(0, "x"),
            3 => Value::Literal(random.pick(NUMBERS)),
            4 | 5 => {
                let sign = random.pick(&["+", "*", "-", "/"]);
                two(random, sign)
            }
            6 => {
                let arguments =
                    vec![Value::number(random, depth - 1, joined), Value::number(random, depth - 1, joined)];
                Value::Call(random.pick(&["coalesce", "nullif", "greatest"]), arguments)
            }
            7 => Value::Call("abs", vec![Value::number(random, depth - 1, joined)]),
            _ => Value::Case(
                Box::new(Value::condition(random, depth - 1, joined)),
                Box::new(Value::number(random, depth - 1, joined)),
                Box::new(Value::number(random, depth - 1, joined)),
            ),
        }
    }

    fn condition(random: &mut Random, depth: usize, joined: bool) -> Value {
        let number = |random: &mut Random| Box::new(Value::number(random, depth.min(1), joined));
        match random.below(if depth == 0 { 5 } else { 8 }) {
            0 | 1 => Value::Two(random.pick(COMPARISONS), number(random), number(random)),
            2 => {
                let text = Value::Literal(random.pick(TEXTS));
                Value::Two(random.pick(&["=", "<>", "<"]), Box::new(Value::Column(0, "g")), Box::new(text))
            }
            3 => Value::Null(number(random), random.chance(50)),
            4 => {
                let list = (0..=random.below(5)).map(|_| random.pick(COUNTS)).collect();
                Value::In(Box::new(Value::Column(0, "k")), list)
            }
            5 => Value::Between(number(random), number(random), number(random)),
            _ => {
                let sign = random.pick(&["and", "or"]);
                let (left, right) =
                    (Value::condition(random, depth - 1, joined), Value::condition(random, depth - 1, joined));
                Value::Two(sign, Box::new(left), Box::new(right))
            }
        }
    }

    /// Something to group or to distinguish by.
    fn group(random: &mut Random, joined: bool) -> Value {
        match random.below(5) {
            0 | 1 => Value::Column(0, "g"),
            2 => Value::Column(0, "k"),
            3 if joined => Value::Column(1, "k"),
            _ => Value::number(random, 1, joined),
        }
    }

    fn inside(&mut self) -> Vec<&mut Value> {
        match self {
            Value::Column(..) | Value::Literal(_) => Vec::new(),
            Value::Two(_, a, b) => vec![a, b],
            Value::Call(_, values) => values.iter_mut().collect(),
            Value::Case(a, b, c) | Value::Between(a, b, c) => vec![a, b, c],
            Value::Null(a, _) | Value::In(a, _) | Value::InQuery(a, _, _) => vec![a],
        }
    }

    fn change(&mut self, random: &mut Random) {
        let mut inside = self.inside();
        if !inside.is_empty() && random.chance(60) {
            let at = random.below(inside.len());
            return inside.swap_remove(at).change(random);
        }
        match self {
            Value::Column(0, name) if *name == "x" => *name = "y",
            Value::Column(0, name) if *name == "y" => *name = "x",
            Value::Column(..) => {}
            Value::Literal(text) if TEXTS.contains(text) => *text = random.pick(TEXTS),
            Value::Literal(text) => *text = random.pick(NUMBERS),
            Value::Two(sign, a, b) => {
                let signs: &[&'static str] = match *sign {
                    "and" | "or" => &["and", "or"],
                    "+" | "-" | "*" | "/" => &["+", "-", "*", "/"],
                    _ => COMPARISONS,
                };
                if random.chance(50) {
                    *sign = random.pick(signs);
                } else {
                    std::mem::swap(a, b);
                }
            }
            Value::Call(_, values) => values.reverse(),
            Value::Case(_, a, b) | Value::Between(_, a, b) => std::mem::swap(a, b),
            Value::Null(_, negated) | Value::InQuery(_, negated, _) => *negated = !*negated,
            Value::In(_, list) => list.push(random.pick(COUNTS)),
        }
    }
}

#[derive(Clone)]
struct Query {
    join: Option<(&'static str, Vec<Value>)>,
    filled: Filled,
    conditions: Vec<Value>,
    shape: Shape,
}

/// Where missing values of the second source are filled: the same for an inner join, and not for an outer one.
#[derive(Clone, Copy, PartialEq)]
enum Filled {
    No,
    Before,
    After,
}

#[derive(Clone)]
enum Shape {
    Rows { values: Vec<Value>, distinct: bool },
    Groups { keys: Vec<Value>, calls: Vec<(&'static str, Value)> },
    Window { value: Value, call: &'static str, parts: Vec<Value>, order: Value, down: bool, frame: &'static str },
    First { values: Vec<Value>, order: Value, down: bool, rows: usize },
    Union { value: Value, other: &'static str, all: bool },
}

const AGGREGATES: &[&str] = &["count(", "sum(", "avg(", "min(", "max(", "count(distinct ", "stddev("];
const CALLS: &[&str] = &["row_number(", "rank(", "sum(", "count(", "first_value(", "lag("];
const FRAMES: &[&str] =
    &["", " rows between 1 preceding and current row", " range between unbounded preceding and current row"];

impl Query {
    fn any(random: &mut Random) -> Query {
        let kind = random.pick(&["inner", "left", "right", "full"]);
        let join = random.chance(40).then(|| {
            let mut on = vec![Value::Two("=", Box::new(Value::Column(0, "k")), Box::new(Value::Column(1, "k")))];
            on.extend(random.some(1, |random| Value::condition(random, 0, true)));
            (kind, on)
        });
        let joined = join.is_some();
        // Most conditions leave few rows; results that are mostly empty would hide what differs.
        let most = random.pick(&[0, 0, 1, 2]);
        let mut conditions = random.some(most, |random| Value::condition(random, 2, joined));
        // Elsewhere the engine does not take a query, or not one of any form.
        if random.chance(15) {
            let query = Value::InQuery(Box::new(Value::Column(0, "k")), random.chance(50), random.pick(NUMBERS));
            conditions.push(match random.chance(50) {
                true => query,
                false => Value::Two("or", Box::new(query), Box::new(Value::condition(random, 1, joined))),
            });
        }
        let number = |random: &mut Random| Value::number(random, 2, joined);
        let shape = match random.below(10) {
            0..=3 => Shape::Rows { values: (0..3).map(|_| number(random)).collect(), distinct: random.chance(30) },
            4..=6 => Shape::Groups {
                keys: random.some(2, |random| Value::group(random, joined)),
                calls: (0..2).map(|_| (random.pick(AGGREGATES), number(random))).collect(),
            },
            7 => Shape::Window {
                value: number(random),
                call: random.pick(CALLS),
                parts: random.some(2, |random| Value::group(random, joined)),
                order: Value::Column(0, random.pick(&["g", "k", "x", "y"])),
                down: random.chance(50),
                frame: random.pick(FRAMES),
            },
            8 => Shape::First {
                values: vec![number(random), Value::group(random, joined)],
                order: Value::Column(0, random.pick(&["g", "k", "x", "y"])),
                down: random.chance(50),
                rows: 1 + random.below(6),
            },
            _ => {
                Shape::Union { value: number(random), other: random.pick(&["w", "k", "w * 2"]), all: random.chance(50) }
            }
        };
        let filled = random.pick(&[Filled::No, Filled::Before, Filled::After]);
        Query { join, filled, conditions, shape }
    }

    fn change(&mut self, random: &mut Random) {
        let mut values: Vec<&mut Value> = self.conditions.iter_mut().collect();
        if let Some((_, on)) = &mut self.join {
            values.extend(on);
        }
        match &mut self.shape {
            Shape::Rows { values: own, .. } | Shape::First { values: own, .. } => values.extend(own),
            Shape::Groups { keys, calls } => {
                values.extend(keys);
                values.extend(calls.iter_mut().map(|(_, value)| value));
            }
            Shape::Window { value, parts, order, .. } => {
                values.extend(parts);
                values.extend([value, order]);
            }
            Shape::Union { value, .. } => values.push(value),
        }
        if random.chance(60) {
            let at = random.below(values.len());
            return values.swap_remove(at).change(random);
        }
        match (&mut self.shape, &mut self.join) {
            (_, Some((kind, on))) if random.chance(50) => match random.below(3) {
                0 => *kind = random.pick(&["inner", "left", "right", "full"]),
                1 => self.conditions.extend(on.pop()),
                _ => self.filled = random.pick(&[Filled::Before, Filled::After]),
            },
            (Shape::Rows { distinct, .. }, _) => *distinct = !*distinct,
            (Shape::Groups { calls, .. }, _) => calls[0].0 = random.pick(AGGREGATES),
            (Shape::Window { down, call, frame, .. }, _) => match random.below(3) {
                0 => *down = !*down,
                1 => *call = random.pick(CALLS),
                _ => *frame = random.pick(FRAMES),
            },
            (Shape::First { down, rows, .. }, _) => match random.below(2) {
                0 => *down = !*down,
                _ => *rows += 1,
            },
            (Shape::Union { all, .. }, _) => *all = !*all,
        }
    }

    fn written(&self, writing: &mut Writing) -> String {
        let mut head = String::new();
        writing.filled = self.filled;
        let names = writing.names();
        let mut from = writing.source(0, &names, &mut head);
        if let Some((kind, on)) = &self.join {
            let other = writing.source(1, &names, &mut head);
            from = format!("{from} {kind} join {other} on {}", writing.all(on, &names));
        }
        let conditions = &self.conditions;
        let tail =
            if conditions.is_empty() { String::new() } else { format!(" where {}", writing.all(conditions, &names)) };
        let mut list = |values: &[Value], first: usize| -> Vec<String> {
            let written = values.iter().enumerate();
            written.map(|(index, value)| format!("{} as r{}", writing.value(value, &names), first + index)).collect()
        };
        let body = match &self.shape {
            Shape::Rows { values, distinct } => {
                let distinct = if *distinct { "distinct " } else { "" };
                format!("select {distinct}{} from {from}{tail}", list(values, 0).join(", "))
            }
            Shape::Groups { keys, calls } => {
                let mut columns = list(keys, 0);
                let mut groups: Vec<String> = (1..=keys.len()).map(|key| key.to_string()).collect();
                for (index, (call, value)) in calls.iter().enumerate() {
                    columns.push(format!("{call}{}) as r{}", writing.value(value, &names), keys.len() + index));
                }
                writing.shuffle(&mut groups);
                let by = if groups.is_empty() { String::new() } else { format!(" group by {}", groups.join(", ")) };
                format!("select {} from {from}{tail}{by}", columns.join(", "))
            }
            Shape::Window { value, call, parts, order, down, frame } => {
                let value = writing.value(value, &names);
                let mut parts: Vec<String> = parts.iter().map(|part| writing.value(part, &names)).collect();
                writing.shuffle(&mut parts);
                let by = if parts.is_empty() { String::new() } else { format!("partition by {} ", parts.join(", ")) };
                let order = writing.value(order, &names);
                let down = if *down { " desc" } else { "" };
                let argument = if call.starts_with('r') { String::new() } else { value.clone() };
                let frame = if ["sum(", "count("].contains(call) { frame } else { "" };
                format!(
                    "select {value} as r0, {call}{argument}) over ({by}order by {order}{down}{frame}) as r1 from {from}{tail}"
                )
            }
            Shape::First { values, order, down, rows } => {
                let columns = list(values, 0).join(", ");
                let down = if *down { " desc" } else { "" };
                let order = writing.value(order, &names);
                format!("select {columns} from {from}{tail} order by {order}{down} limit {rows}")
            }
            Shape::Union { value, other, all } => {
                let all = if *all { "all " } else { "" };
                let value = writing.value(value, &names);
                format!("select {value} as r0 from {from}{tail} union {all}select {other} from u")
            }
        };
        writing.wrapped(head, body, self.columns())
    }

    fn columns(&self) -> usize {
        match &self.shape {
            Shape::Rows { values, .. } | Shape::First { values, .. } => values.len(),
            Shape::Groups { keys, calls } => keys.len() + calls.len(),
            Shape::Window { .. } => 2,
            Shape::Union { .. } => 1,
        }
    }
}

/// How a query is written: plainly, or with everything free chosen by chance.
struct Writing<'r> {
    random: Option<&'r mut Random>,
    filled: Filled,
}

/// Of a source: its alias, and whether its columns are called otherwise.
type Names = [(String, bool); 2];

impl Writing<'_> {
    fn plain() -> Writing<'static> {
        Writing { random: None, filled: Filled::No }
    }

    fn free(random: &mut Random) -> Writing<'_> {
        Writing { random: Some(random), filled: Filled::No }
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.random.as_mut().is_some_and(|random| random.chance(percent))
    }

    fn shuffle(&mut self, list: &mut [String]) {
        if let Some(random) = &mut self.random {
            for index in (1..list.len()).rev() {
                list.swap(index, random.below(index + 1));
            }
        }
    }

    fn names(&mut self) -> Names {
        ["t", "u"].map(|table| match &mut self.random {
            None => (table.to_string(), false),
            Some(random) => (format!("{}{table}", random.pick(&["", "a", "b_", "z"])), random.chance(30)),
        })
    }

    /// The source in the `from` clause; a CTE goes to the head.
    fn source(&mut self, index: usize, names: &Names, head: &mut String) -> String {
        let (alias, renamed) = &names[index];
        let (table, columns) = [("t", &["id", "g", "k", "x", "y"][..]), ("u", &["id", "g", "k", "w"][..])][index];
        let list: Vec<String> = columns
            .iter()
            .map(|column| {
                let value = match (*column, self.filled) {
                    ("w", Filled::Before) => "coalesce(w, 1.0)",
                    (column, _) => column,
                };
                format!("{value} as {}{column}", if *renamed { "c_" } else { "" })
            })
            .collect();
        let inner = format!("select {} from {table}", list.join(", "));
        let inside = *renamed || (index == 1 && self.filled == Filled::Before);
        match (inside, self.chance(30)) {
            (_, true) => {
                head.push_str(&format!("{} cte_{alias} as ({inner})", if head.is_empty() { "with" } else { "," }));
                format!("cte_{alias} as {alias}")
            }
            (true, false) => format!("({inner}) {alias}"),
            (false, false) if self.chance(30) => format!("(select * from (select * from {table}) as i) as {alias}"),
            (false, false) => format!("{table} as {alias}"),
        }
    }

    fn wrapped(&mut self, head: String, body: String, columns: usize) -> String {
        let list: Vec<String> = (0..columns).map(|column| format!("r{column}")).collect();
        let head = if head.is_empty() { head } else { format!("{head} ") };
        if self.chance(30) {
            return format!("{head}select {} from ({body}) as whole", list.join(", "));
        }
        if self.chance(30) {
            return format!("select {} /* all */ from (\n{head}{body} -- inside\n) as whole", list.join(", "));
        }
        format!("{head}{body}")
    }

    fn all(&mut self, conditions: &[Value], names: &Names) -> String {
        let mut parts: Vec<String> = conditions.iter().map(|condition| self.value(condition, names)).collect();
        self.shuffle(&mut parts);
        if parts.is_empty() { "true".to_string() } else { parts.join(" and ") }
    }

    fn value(&mut self, value: &Value, names: &Names) -> String {
        match value {
            Value::Column(source, name) => {
                let (alias, renamed) = &names[*source];
                let column = format!("{alias}.{}{name}", if *renamed { "c_" } else { "" });
                if *name == "w" && self.filled == Filled::After { format!("coalesce({column}, 1.0)") } else { column }
            }
            Value::Literal(text) => text.to_string(),
            Value::Two(sign, a, b) => {
                let flipped = match *sign {
                    "=" | "<>" | "+" | "*" | "and" | "or" => Some(*sign),
                    "<" => Some(">"),
                    "<=" => Some(">="),
                    ">" => Some("<"),
                    ">=" => Some("<="),
                    _ => None,
                };
                let (a, b) = (self.value(a, names), self.value(b, names));
                match flipped {
                    Some(flipped) if self.chance(50) => format!("({b} {flipped} {a})"),
                    _ => format!("({a} {sign} {b})"),
                }
            }
            Value::Call(name, values) => {
                let values: Vec<String> = values.iter().map(|value| self.value(value, names)).collect();
                format!("{name}({})", values.join(", "))
            }
            Value::Case(condition, a, b) => {
                let (condition, a, b) = (self.value(condition, names), self.value(a, names), self.value(b, names));
                format!("case when {condition} then {a} else {b} end")
            }
            Value::Null(value, negated) => {
                format!("({} is {}null)", self.value(value, names), if *negated { "not " } else { "" })
            }
            Value::Between(value, low, high) => {
                let (value, low, high) = (self.value(value, names), self.value(low, names), self.value(high, names));
                match self.chance(50) {
                    true => format!("({high} >= {value} and {value} >= {low})"),
                    false => format!("({value} between {low} and {high})"),
                }
            }
            Value::In(value, list) => {
                let mut list: Vec<String> = list.iter().map(|text| text.to_string()).collect();
                self.shuffle(&mut list);
                format!("({} in ({}))", self.value(value, names), list.join(", "))
            }
            Value::InQuery(value, negated, least) => {
                let value = self.value(value, names);
                let alias = if self.chance(50) { "q" } else { "u" };
                let not = if *negated { "not " } else { "" };
                format!(
                    "({value} {not}in (select {alias}.k from u as {alias} where {alias}.w > {least} and {alias}.k is not null))"
                )
            }
        }
    }
}

/// Two small tables with nulls and repeated values.
struct Study {
    _folder: tempfile::TempDir,
    t: PathBuf,
    u: PathBuf,
    schemas: Vec<Schema>,
}

impl Study {
    fn new() -> Study {
        let folder = tempfile::tempdir().expect("a folder");
        let mut random = Random(7);
        let t = Table {
            columns: vec![
                id(30),
                texts("g", 30, &mut random),
                ints("k", 30, &mut random),
                floats("x", 30, &mut random),
                floats("y", 30, &mut random),
            ],
        };
        let u = Table {
            columns: vec![
                id(12),
                texts("g", 12, &mut random),
                ints("k", 12, &mut random),
                floats("w", 12, &mut random),
            ],
        };
        let mut study =
            Study { t: folder.path().join("t"), u: folder.path().join("u"), _folder: folder, schemas: Vec::new() };
        for (name, table, path) in [("t", &t, &study.t), ("u", &u, &study.u)] {
            write::write(path, table, &["id".to_string()]).expect("written");
            let columns = table.columns.iter().map(|column| (column.name.clone(), column.values.kind())).collect();
            study.schemas.push(Schema { table: name.to_string(), columns });
        }
        study
    }

    fn fingerprint(&self, text: &str) -> String {
        let planned = parse(text).and_then(|query| planned(&query, &self.schemas, |_| Ok(())));
        let fingerprint = planned.unwrap_or_else(|error| panic!("{text}: {error}")).fingerprint;
        assert!(fingerprint.starts_with("restudy plan 1\n"), "{text}");
        fingerprint
    }

    /// The rows as texts, sorted: a table has them in the order of its key. `None` where the engine fails: it has queries that
    /// it plans and cannot run.
    fn rows(&self, text: &str) -> Option<Vec<String>> {
        let sources = [("t", &self.t), ("u", &self.u)].map(|(table, path)| Source { table: table.to_string(), path });
        let result = parse(text).and_then(|parsed| query(&parsed, &sources, None));
        let table = result.ok()?;
        let mut rows: Vec<String> = (0..table.rows()).map(|row| format!("{:?}", row_of(&table, row))).collect();
        rows.sort();
        Some(rows)
    }
}

fn id(rows: i64) -> Column {
    Column { name: "id".to_string(), values: Values::Int((0..rows).map(Some).collect()) }
}

fn texts(name: &str, rows: usize, random: &mut Random) -> Column {
    let value = |_| random.pick(&[Some("a"), Some("b"), Some(" a"), Some(""), None]).map(str::to_string);
    Column { name: name.to_string(), values: Values::Text((0..rows).map(value).collect()) }
}

fn ints(name: &str, rows: usize, random: &mut Random) -> Column {
    let value = |_| random.pick(&[Some(0), Some(1), Some(2), Some(3), Some(7), None]);
    Column { name: name.to_string(), values: Values::Int((0..rows).map(value).collect()) }
}

fn floats(name: &str, rows: usize, random: &mut Random) -> Column {
    let value = |_| random.pick(&[Some(0.0), Some(1.0), Some(2.5), Some(-1.5), Some(0.1), Some(1e9), None]);
    Column { name: name.to_string(), values: Values::Float((0..rows).map(value).collect()) }
}

fn row_of(table: &Table, row: usize) -> Vec<String> {
    let cell = |column: &Column| match &column.values {
        Values::Bool(values) => format!("{:?}", values[row]),
        Values::Int(values) => format!("{:?}", values[row]),
        Values::Float(values) => format!("{:?}", values[row]),
        Values::Text(values) => format!("{:?}", values[row]),
        Values::Date(values) => format!("{:?}", values[row]),
    };
    table.columns.iter().map(cell).collect()
}
