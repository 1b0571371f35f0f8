//! What holds for all functions: no order of rows, no batch and no thread shows in a result, and a wrong call is refused
//! before there are data. What each function gives is tested as text in `tests/slt`.

use crate::arrow;
use crate::columns::{Column, ColumnType, Table, Values};
use crate::session::{self, Settings};
use crate::sql::{self, Schema};
use datafusion::arrow::compute;
use datafusion::datasource::MemTable;
use datafusion::physical_plan;
use std::sync::Arc;

const PER_ROW: &str = "select g, year,
    lag_by(x, year) over (partition by g) as lagged,
    lead_by(x, year, 3) over (partition by g order by x) as led,
    perpetual_inventory(x, year, rate => 0.096) over (partition by g) as stock,
    hp_filter(x, year, 6.25) over (partition by g) as trend,
    winsorize(x, 0.1) over (partition by g) as stata,
    winsorize(x, 0.05, 'type7') over () as type7,
    zscore(x) over (partition by g) as z,
    zscore(x) over () as z_all,
    haversine_km(year - 2000, g, g, year - 1990) as km,
    entropy(w) over (partition by year) as evenness,
    quantile_type7(x, 0.3) over (partition by g) as q
from t order by g, year";

const PER_GROUP: &str = "select g,
    entropy(w) as evenness, entropy(w, 2) as bits, entropy(distinct year) as years,
    herfindahl(w) as concentration,
    quantile_stata(x, 0.25) as low, quantile_type7(x, 0.9) as high,
    quantile_stata(x, 0.5) filter (where x > 0.0) as positive
from t group by g order by g";

#[test]
fn neither_order_nor_partitions_show() {
    let rows = rows();
    for query in [PER_ROW, PER_GROUP] {
        let expected = run(query, &rows, 1, 8192);
        for (seed, (partitions, batch)) in [(1, 3), (2, 8192), (7, 5), (7, 64)].into_iter().enumerate() {
            let mut shuffled = rows.clone();
            let mut chance = Chance(seed as u64);
            for index in (1..shuffled.len()).rev() {
                shuffled.swap(index, chance.below(index + 1));
            }
            assert_eq!(run(query, &shuffled, partitions, batch), expected, "{partitions} partitions\n{query}");
        }
    }
}

#[test]
fn a_code_is_in_the_plan_as_written() {
    let context = session::context(&Settings::default()).expect("a context");
    let text = "select case when abs(g) < 0.02 then missing('BASE_NEAR_ZERO') else 1.0 / g end as r from (values (0.5)) as t(g)";
    let plan = session::block_on(async { context.state().create_logical_plan(text).await });
    let plan = plan.expect("a runtime").expect("a plan").display_indent().to_string();
    assert!(plan.contains("missing(Utf8(\"BASE_NEAR_ZERO\"))"), "{plan}");
}

#[test]
fn wrong_constants_are_refused_without_data() {
    let columns = vec![("x".to_string(), ColumnType::Float), ("year".to_string(), ColumnType::Int)];
    let schemas = [Schema { table: "t".to_string(), columns }];
    let planned = |call: &str| {
        let query = sql::parse(&format!("select {call} as r from t")).expect(call);
        sql::plan(&query, &schemas).map(|_| ()).map_err(|error| error.to_string())
    };
    for (call, expected) in [
        (
            "winsorize(x, 50 / 100.0) over ()",
            "`p` of `winsorize` is 0.5, but should be the share of one tail, from 0 to less than 0.5",
        ),
        ("quantile_stata(x, 50)", "`p` of `quantile_stata` is 50, but should be a share from 0 to 1"),
        ("quantile_type7(x, x) over ()", "`p` of `quantile_type7` should be the same for all rows"),
        ("entropy(x, 1)", "`base` of `entropy` is 1, but should be more than 1"),
        ("lag_by(x, year, year) over ()", "`n` of `lag_by` should be the same for all rows"),
    ] {
        assert_eq!(planned(call), Err(expected.to_string()));
    }
    assert_eq!(planned("winsorize(x, 1 / 100.0) over ()"), Ok(()));
}

#[derive(Clone, Copy)]
struct Row {
    g: i64,
    year: i64,
    x: Option<f64>,
    w: f64,
}

/// Numbers of very different size, whose plain sum depends on its order.
fn rows() -> Vec<Row> {
    let mut chance = Chance(42);
    let mut rows = Vec::new();
    for g in 0..6 {
        for year in 2000..2040 {
            let size = core_math::pow(10.0, chance.below(12) as f64);
            let x = (chance.below(2_000_001) as f64 - 1_000_000.0) * size / 7.0;
            // A row without a value, and a year without a row.
            let x = (g != 1 || year != 2020).then_some(x);
            if g != 2 || year != 2010 {
                rows.push(Row { g, year, x, w: chance.below(1000) as f64 / 3.0 });
            }
        }
    }
    rows
}

/// The result as text of exact floats, from rows that come in batches of this size on as many threads as there are partitions.
fn run(query: &str, rows: &[Row], partitions: usize, batch: usize) -> Vec<String> {
    let column = |name: &str, values: Values| Column { name: name.to_string(), values };
    let batches: Vec<_> = rows
        .chunks(batch)
        .map(|rows| {
            let columns = vec![
                column("g", Values::Int(rows.iter().map(|row| Some(row.g)).collect())),
                column("year", Values::Int(rows.iter().map(|row| Some(row.year)).collect())),
                column("x", Values::Float(rows.iter().map(|row| row.x).collect())),
                column("w", Values::Float(rows.iter().map(|row| Some(row.w)).collect())),
            ];
            arrow::from_table(&Table { columns }).expect("a batch")
        })
        .collect();
    let mut dealt = vec![Vec::new(); partitions];
    let schema = batches[0].schema();
    batches.into_iter().enumerate().for_each(|(index, batch)| dealt[index % partitions].push(batch));
    let context = session::context(&Settings::default()).expect("a context");
    let config = context.copied_config().with_target_partitions(partitions).with_batch_size(batch);
    *context.state_ref().write().config_mut() = config;
    context.register_table("t", Arc::new(MemTable::try_new(schema, dealt).expect("a table"))).expect("registered");
    let rows = session::block_on(async {
        let frame = context.sql(query).await?;
        let task = frame.task_ctx();
        let plan = frame.create_physical_plan().await?;
        let threads = physical_plan::displayable(plan.as_ref()).indent(false).to_string().contains("RepartitionExec");
        assert_eq!(threads, partitions > 1, "the plan has the threads that the test is about");
        let schema = plan.schema();
        Ok::<_, datafusion::error::DataFusionError>(compute::concat_batches(
            &schema,
            &physical_plan::collect(plan, task.into()).await?,
        )?)
    });
    let table = arrow::to_table(&rows.expect("a runtime").expect("run")).expect("a table");
    let line = |row: usize| {
        let cells = table.columns.iter().map(|column| column.values.text(row).unwrap_or_else(|| "null".to_string()));
        cells.collect::<Vec<_>>().join(" ")
    };
    (0..table.rows()).map(line).collect()
}

/// Numbers that look random and are the same everywhere (Knuth's MMIX generator).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}
