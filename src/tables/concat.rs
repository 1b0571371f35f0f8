//! Partitions in their order. DataFusion reads the branches of a union at the same time, and where it makes one stream of
//! several it takes rows as they come, so that whatever depends on the order of rows (a sum of floats, `first_value`,
//! `limit`) would differ from run to run. Here a partition is read when the one before it has ended. Merges of sorted
//! partitions stay as they are: they break ties by the number of the partition.

use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::limit::GlobalLimitExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning, PlanProperties,
    SendableRecordBatchStream,
};
use futures::{TryStreamExt, stream};
use std::fmt;
use std::sync::Arc;

/// The plan in which partitions become one in their order, with one partition at its end.
pub fn in_order(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let plan = within_order(plan)?;
    if plan.output_partitioning().partition_count() > 1 {
        return Ok(Arc::new(ConcatExec::new(plan)));
    }
    Ok(plan)
}

/// The plan in which partitions become one in their order, with as many partitions at its end as it has.
pub fn within_order(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let plan = plan.transform_up(|node| {
        let to_one = node.downcast_ref::<CoalescePartitionsExec>().is_some()
            || (node.downcast_ref::<RepartitionExec>().is_some() && node.output_partitioning().partition_count() == 1);
        let Some(input) = node.children().first().filter(|_| to_one).map(|input| Arc::clone(input)) else {
            return Ok(Transformed::no(node));
        };
        let one: Arc<dyn ExecutionPlan> = match input.output_partitioning().partition_count() {
            0 | 1 => input,
            _ => Arc::new(ConcatExec::new(input)),
        };
        let limited: Arc<dyn ExecutionPlan> = match node.fetch() {
            None => one,
            Some(rows) => Arc::new(GlobalLimitExec::new(one, 0, Some(rows))),
        };
        Ok(Transformed::yes(limited))
    });
    plan.data()
}

/// All partitions of its input, one after the other, as one.
#[derive(Debug)]
struct ConcatExec {
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl ConcatExec {
    fn new(input: Arc<dyn ExecutionPlan>) -> ConcatExec {
        let mut equivalences = input.equivalence_properties().clone();
        // What is sorted within each partition is not sorted across them.
        equivalences.clear_orderings();
        equivalences.clear_per_partition_constants();
        let properties = PlanProperties::new(
            equivalences,
            Partitioning::UnknownPartitioning(1),
            input.pipeline_behavior(),
            input.boundedness(),
        );
        ConcatExec { input, properties: Arc::new(properties) }
    }
}

impl DisplayAs for ConcatExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("ConcatExec")
    }
}

impl ExecutionPlan for ConcatExec {
    fn name(&self) -> &str {
        "ConcatExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(ConcatExec::new(children.swap_remove(0))))
    }

    fn execute(&self, _partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (input, schema) = (self.input.clone(), self.schema());
        let partitions = input.output_partitioning().partition_count();
        let parts = (0..partitions).map(move |partition| input.execute(partition, context.clone()));
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, stream::iter(parts).try_flatten())))
    }
}
