//! Breaks the ties of windows: where a window function counts rows, those that its `order by` leaves equal are sorted by all
//! other columns at hand. In the plan of operators and not in the query, because which rows are peers must stay as it is.

use datafusion::arrow::compute::SortOptions;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::window::WindowExpr;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowAggExec};
use datafusion::physical_plan::{
    ChildrenPropertiesMode, ExecutionPlan, ExecutionPlanProperties, ReplaceChildrenOptions,
};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The plan with a finer sort below each window that has one of the expressions `names`.
pub fn broken(plan: Arc<dyn ExecutionPlan>, names: &BTreeSet<String>) -> Result<Arc<dyn ExecutionPlan>> {
    if names.is_empty() {
        return Ok(plan);
    }
    plan.transform_up(|node| {
        let windows = window_expressions(node.as_ref());
        let Some(first) = windows.first().filter(|_| windows.iter().any(|window| names.contains(window.name()))) else {
            return Ok(Transformed::no(node));
        };
        let input = Arc::clone(node.children()[0]);
        let Some(order) = finer(first, &input) else { return Ok(Transformed::no(node)) };
        if input.equivalence_properties().ordering_satisfy(order.iter().cloned())? {
            return Ok(Transformed::no(node));
        }
        // One sort is enough.
        let input = match input.downcast_ref::<SortExec>() {
            Some(sort) if sort.fetch().is_none() => Arc::clone(sort.input()),
            _ => input,
        };
        let sort = SortExec::new(order, input).with_preserve_partitioning(true);
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        Ok(Transformed::yes(node.replace_children(vec![Arc::new(sort)], options)?))
    })
    .data()
}

fn window_expressions(node: &dyn ExecutionPlan) -> Vec<Arc<dyn WindowExpr>> {
    if let Some(window) = node.downcast_ref::<WindowAggExec>() {
        return window.window_expr().to_vec();
    }
    node.downcast_ref::<BoundedWindowAggExec>().map_or(Vec::new(), |window| window.window_expr().to_vec())
}

/// The order that the window needs, then all columns that can be sorted.
fn finer(window: &Arc<dyn WindowExpr>, input: &Arc<dyn ExecutionPlan>) -> Option<LexOrdering> {
    let ascending = SortOptions { descending: false, nulls_first: true };
    let partition = window.partition_by().iter().map(|expression| PhysicalSortExpr::new(expression.clone(), ascending));
    // The partition may come in another order of its columns, which the sort that is there knows, and on which operators
    // above may rely.
    let mut order: Vec<PhysicalSortExpr> = match input.downcast_ref::<SortExec>() {
        Some(sort) => sort.expr().iter().cloned().collect(),
        None => partition.chain(window.order_by().iter().cloned()).collect(),
    };
    for (index, field) in input.schema().fields().iter().enumerate() {
        let column = Column::new(field.name(), index);
        let known = order.iter().any(|sorted| sorted.expr.downcast_ref::<Column>() == Some(&column));
        if !known && !matches!(field.data_type(), DataType::Map(..) | DataType::Union(..)) {
            order.push(PhysicalSortExpr::new(Arc::new(column), ascending));
        }
    }
    LexOrdering::new(order)
}
