//! Stages as tasks in an order in which every task comes after what it reads.
//! Knows no file and no key; finds unknown tables and cycles.

use crate::diagnostic::{self, Diagnostic, Place};
use crate::digest::Digest;
use crate::kind::{Input, Resolved, Stage};
use crate::limits::Limits;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Position of a task in `Graph::tasks`.
pub type TaskId = usize;

/// One thing to run and to cache: a stage, an instance of its matrix, or one file of an ingest.
pub struct Task {
    /// `panel`, `baseline@outcome=a,controls=full`, `yearbook@file=Data_2012.xlsx`.
    pub name: String,
    /// The stage's name without the instance.
    pub stage: String,
    pub kind: &'static str,
    pub kind_version: u32,
    pub work: Arc<dyn Stage>,
    /// Pieces joined by this task; they come before it.
    pub parts: Vec<TaskId>,
    /// Labels of the pieces, in the same order.
    pub part_labels: Vec<String>,
    /// Tasks whose tables this one reads, without the pieces.
    pub upstream: Vec<TaskId>,
    /// Columns read and made, once known.
    pub resolved: Resolved,
    pub limits: Limits,
    /// Parameters it uses, with their values. Explains a change; what counts is where the values went.
    pub params: BTreeMap<String, String>,
    /// Of the texts it was read from, with their parameters put in.
    pub code: Digest,
}

impl Task {
    /// All tasks whose results it reads.
    pub fn inputs(&self) -> impl Iterator<Item = TaskId> + '_ {
        self.parts.iter().chain(&self.upstream).copied()
    }
}

/// All tasks, inputs before users; otherwise in the order of the file.
pub struct Graph {
    pub tasks: Vec<Task>,
    /// Table name to the task that makes it.
    pub producers: BTreeMap<String, TaskId>,
}

/// A stage as the configuration gives it.
pub struct StageNode {
    pub name: String,
    pub place: Place,
    pub kind: &'static str,
    pub kind_version: u32,
    pub work: Box<dyn Stage>,
    /// Parameters it uses, with their values.
    pub params: BTreeMap<String, String>,
    pub code: Digest,
    /// Sources it reads.
    pub sources: BTreeSet<String>,
    pub parts: Vec<PartNode>,
    pub limits: Limits,
}

/// A piece of a stage, or a point of its matrix.
pub struct PartNode {
    pub label: String,
    pub work: Box<dyn Stage>,
    pub params: BTreeMap<String, String>,
    pub code: Digest,
}

/// Orders the stages. `is_known` holds for tables that none of them makes but that are not to be called unknown.
pub fn build(nodes: Vec<StageNode>, is_known: impl Fn(&str) -> bool) -> Result<Graph, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let mut owner: BTreeMap<String, usize> = BTreeMap::new();
    for (index, node) in nodes.iter().enumerate() {
        for name in node.work.outputs() {
            if let Some(first) = owner.insert(name.clone(), index) {
                let first = &nodes[first].name;
                let message = format!("table `{name}` is made by both `{first}` and `{}`", node.name);
                problems.push(Diagnostic::error(message).at(node.place.clone()));
            }
        }
    }
    let mut edges: Vec<BTreeSet<usize>> = Vec::new();
    for node in &nodes {
        let mut upstream = BTreeSet::new();
        let part_inputs = node.parts.iter().flat_map(|part| part.work.inputs());
        for input in node.work.inputs().iter().chain(part_inputs) {
            let Input::Table { name, place } = input else { continue };
            match owner.get(name) {
                Some(&index) => {
                    upstream.insert(index);
                }
                None if is_known(name) => {}
                None => {
                    problems.push(unknown_table(name, place.clone().unwrap_or(node.place.clone()), &node.name, &owner))
                }
            }
        }
        edges.push(upstream);
    }
    problems.dedup();
    let order = match sort(&edges) {
        Ok(order) => order,
        Err(cycle) => {
            problems.push(cycle_error(&nodes, &cycle));
            Vec::new()
        }
    };
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(assemble(nodes, &edges, &order))
}

impl Graph {
    pub fn find(&self, name: &str) -> Option<TaskId> {
        self.tasks.iter().position(|task| task.name == name)
    }

    /// `targets` and everything they need. A target is a stage, an instance or a table.
    pub fn closure(&self, targets: &[String]) -> Result<BTreeSet<TaskId>, Diagnostic> {
        if targets.is_empty() {
            return Ok((0..self.tasks.len()).collect());
        }
        let mut wanted = BTreeSet::new();
        let mut open: Vec<TaskId> = Vec::new();
        for target in targets {
            let id = self.find(target).or_else(|| self.producers.get(target).copied());
            open.push(id.ok_or_else(|| self.unknown(target))?);
        }
        while let Some(id) = open.pop() {
            if wanted.insert(id) {
                open.extend(self.tasks[id].inputs());
            }
        }
        Ok(wanted)
    }

    fn unknown(&self, target: &str) -> Diagnostic {
        let names: BTreeSet<&str> =
            self.tasks.iter().map(|task| task.name.as_str()).chain(self.producers.keys().map(String::as_str)).collect();
        let stages: BTreeSet<&str> = self.tasks.iter().map(|task| task.stage.as_str()).collect();
        let stages: Vec<&str> = stages.into_iter().collect();
        let near = diagnostic::did_you_mean(target, names);
        Diagnostic::error(format!("no stage or table `{target}` in this study"))
            .hint(near.or_else(|| Some(format!("stages: {}", stages.join(", ")))))
    }
}

fn unknown_table(name: &str, place: Place, stage: &str, owner: &BTreeMap<String, usize>) -> Diagnostic {
    let known: Vec<&str> = owner.keys().map(String::as_str).collect();
    let near = diagnostic::did_you_mean(name, known.iter().copied());
    Diagnostic::error(format!("stage `{stage}` reads `{name}`, which no stage makes"))
        .at(place)
        .hint(near.or_else(|| Some(format!("tables: {}", known.join(", ")))))
}

fn cycle_error(nodes: &[StageNode], cycle: &[usize]) -> Diagnostic {
    let mut names: Vec<&str> = cycle.iter().map(|&index| nodes[index].name.as_str()).collect();
    names.push(names[0]);
    Diagnostic::error(format!("the stages depend on each other in a circle: {}", names.join(" → ")))
        .at(nodes[cycle[0]].place.clone())
        .hint("an arrow reads `needs`: take one of these inputs away".to_string())
}

/// Kahn's algorithm, always taking the first ready stage in file order; or the members of a cycle, each needing the next.
fn sort(edges: &[BTreeSet<usize>]) -> Result<Vec<usize>, Vec<usize>> {
    let mut waiting: Vec<usize> = edges.iter().map(BTreeSet::len).collect();
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); edges.len()];
    for (index, upstream) in edges.iter().enumerate() {
        for &input in upstream {
            users[input].push(index);
        }
    }
    let mut ready: BTreeSet<usize> = (0..edges.len()).filter(|&index| waiting[index] == 0).collect();
    let mut order = Vec::with_capacity(edges.len());
    while let Some(index) = ready.pop_first() {
        order.push(index);
        for &user in &users[index] {
            waiting[user] -= 1;
            if waiting[user] == 0 {
                ready.insert(user);
            }
        }
    }
    if order.len() == edges.len() {
        return Ok(order);
    }
    // Every stage that was never ready needs another such stage, so walking up must come back.
    let stuck = |index: &usize| waiting[*index] > 0;
    let mut path: Vec<usize> = Vec::new();
    let mut at = (0..edges.len()).find(stuck).expect("an incomplete order leaves a waiting stage");
    while !path.contains(&at) {
        path.push(at);
        at = edges[at].iter().copied().find(stuck).expect("a waiting stage needs a waiting stage");
    }
    let start = path.iter().position(|&index| index == at).expect("the loop ended on a member of the path");
    Err(path[start..].to_vec())
}

fn assemble(nodes: Vec<StageNode>, edges: &[BTreeSet<usize>], order: &[usize]) -> Graph {
    let mut nodes: Vec<Option<StageNode>> = nodes.into_iter().map(Some).collect();
    let mut id_of: BTreeMap<usize, TaskId> = BTreeMap::new();
    let mut tasks: Vec<Task> = Vec::new();
    let mut producers = BTreeMap::new();
    for &index in order {
        let node = nodes[index].take().expect("an order names each stage once");
        let upstream: Vec<TaskId> = edges[index].iter().map(|input| id_of[input]).collect();
        let task = |name: String,
                    work: Arc<dyn Stage>,
                    parts: Vec<TaskId>,
                    part_labels: Vec<String>,
                    upstream: Vec<TaskId>,
                    (params, code): (BTreeMap<String, String>, Digest)| Task {
            name,
            stage: node.name.clone(),
            kind: node.kind,
            kind_version: node.kind_version,
            work,
            parts,
            part_labels,
            upstream,
            resolved: Resolved::default(),
            limits: node.limits.clone(),
            params,
            code,
        };
        let mut parts = Vec::new();
        let mut labels = Vec::new();
        for part in node.parts {
            parts.push(tasks.len());
            let name = format!("{}@{}", node.name, part.label);
            let of_part = (part.params, part.code);
            tasks.push(task(name, Arc::from(part.work), Vec::new(), Vec::new(), upstream.clone(), of_part));
            labels.push(part.label);
        }
        for name in node.work.outputs() {
            producers.insert(name, tasks.len());
        }
        id_of.insert(index, tasks.len());
        // The joining task of a split stage reads its pieces; the pieces read the tables.
        let own_inputs: BTreeSet<&str> = node
            .work
            .inputs()
            .iter()
            .filter_map(|input| match input {
                Input::Table { name, .. } => Some(name.as_str()),
                Input::File { .. } => None,
            })
            .collect();
        let upstream = if parts.is_empty() {
            upstream
        } else {
            own_inputs.iter().filter_map(|name| producers.get(*name).copied()).collect()
        };
        let of_stage = (node.params, node.code);
        tasks.push(task(node.name.clone(), Arc::from(node.work), parts, labels, upstream, of_stage));
    }
    Graph { tasks, producers }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_follows_needs_then_the_file_and_cycles_are_named() {
        let edges = |lists: &[&[usize]]| -> Vec<BTreeSet<usize>> {
            lists.iter().map(|list| list.iter().copied().collect()).collect()
        };
        assert_eq!(sort(&edges(&[&[2], &[], &[1], &[]])), Ok(vec![1, 2, 0, 3]));
        assert_eq!(sort(&edges(&[&[], &[3], &[1], &[2]])), Err(vec![1, 3, 2]));
        assert_eq!(sort(&edges(&[&[0]])), Err(vec![0]));
    }
}
