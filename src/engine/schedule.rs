//! Runs ready tasks on worker threads, the longest way to the end first, within what the machine has, and reports how
//! each one ended. Knows nothing of keys, formats and kinds: a task is made by `execute.rs`.

use crate::diagnostic::Diagnostic;
use crate::digest::Digest;
use crate::error::EngineError;
use crate::execute::{Demand, Made, Maker};
use crate::graph::{Graph, TaskId};
use crate::lease::{Lease, Presence};
use crate::limits::{CPU, Capacity};
use crate::publish;
use crate::record::{Known, Stopwatch, Timestamp, Warning};
use crate::session::{Results, Session};
use crate::shadow::{self, Shadow, ShowRows};
use crate::stop::{Halt, Stop};
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;

/// What to run and how.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    pub targets: Vec<String>,
    pub jobs: usize,
    /// Go on with what does not depend on a failure.
    pub keep_going: bool,
    /// Run the targets (or everything) even where results are known.
    pub force: bool,
    /// Pieces into which a kind may split its data, to work on them at once; by itself, the kind decides.
    pub partitions: Option<usize>,
    /// Execute again what was found although something it reads differs, and compare; how to show differing rows.
    pub shadow: Option<ShowRows>,
    /// What there is of limited things; stands before what the study says.
    pub capacity: Capacity,
    /// Asked to stop: what runs is ended, what is done is kept.
    pub stop: Stop,
}

/// How a task ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    Ran,
    UpToDate,
    /// Something above it ran, but came out equal.
    CutOff,
    Failed(Vec<Diagnostic>),
    /// Something above it failed, or the run was stopping.
    Skipped,
}

/// Told to the observer as it happens, from several threads.
pub enum Event<'a> {
    Planned {
        tasks: usize,
    },
    Started {
        name: &'a str,
    },
    /// Another process is making the same result; `owner` is what it says of itself.
    Waiting {
        name: &'a str,
        owner: &'a str,
    },
    Retried {
        name: &'a str,
        tries: u32,
        diagnostics: &'a [Diagnostic],
    },
    /// Executed again only to compare.
    Shadowed {
        name: &'a str,
        equal: bool,
        seconds: f64,
    },
    Finished {
        name: &'a str,
        outcome: &'a Outcome,
        seconds: f64,
        known: Option<&'a Known>,
    },
}

/// Whoever shows progress.
pub trait Observer: Sync {
    fn event(&self, event: &Event);
}

/// How a run ended; the field names are those of `run --json`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Summary {
    pub ran: Vec<String>,
    pub up_to_date: Vec<String>,
    pub cut_off: Vec<String>,
    pub failed: Vec<String>,
    pub skipped: Vec<String>,
    pub warnings: Vec<Warning>,
    pub seconds: f64,
    /// Paths of the documents in `out/`, relative to the project.
    pub published: Vec<String>,
    /// What went wrong, by task.
    pub errors: Vec<Failure>,
    /// The run was asked to stop before it was done.
    pub interrupted: bool,
    /// Only of a run that was asked to compare.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadow: Option<Shadow>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Failure {
    pub name: String,
    pub diagnostics: Vec<Diagnostic>,
}

/// A task that has a result.
pub struct Done {
    pub name: String,
    pub run_key: Digest,
    pub warnings: Vec<Warning>,
}

/// Runs the targets, and gives the tasks that have a result, in order. A failed stage is in the summary; an `Err` is a failure of the engine itself.
pub fn run(
    session: &Session,
    options: &RunOptions,
    observer: &dyn Observer,
) -> Result<(Summary, Vec<Done>), EngineError> {
    let watch = Stopwatch::start();
    let started = Timestamp::now();
    let graph = &session.pipeline.graph;
    let wanted = graph.closure(&options.targets).map_err(EngineError::Usage)?;
    // While this process works, no other may drop what it is about to read.
    let _presence = Presence::enter(&session.store.presence_path())?;
    let workspace = session.store.workspace()?;
    observer.event(&Event::Planned { tasks: wanted.len() });
    let results = Results::new(graph.tasks.len());
    let maker = Maker {
        session,
        workspace: &workspace,
        observer,
        stop: &options.stop,
        results: &results,
        partitions: options.partitions,
        verified: Mutex::default(),
        restored: Mutex::default(),
        shadow: Mutex::default(),
    };
    let jobs = options.jobs.clamp(1, wanted.len().max(1));
    let mut capacity = session.pipeline.capacity.clone();
    capacity.0.extend(options.capacity.0.clone());
    capacity.0.insert(CPU.to_string(), jobs as u64);
    let named = named(graph, &options.targets);
    let names: Vec<&str> = wanted.iter().map(|&id| graph.tasks[id].name.as_str()).collect();
    let pool = Pool {
        maker: &maker,
        demand: if options.force { Demand::Again } else { Demand::Bytes },
        demanded: if options.force && options.targets.is_empty() { wanted.clone() } else { named },
        capacity,
        keep_going: options.keep_going,
        shadow: options.shadow,
        board: Mutex::new(Board::new(graph, &wanted, &session.state.seconds(&names)?)),
        changed: Condvar::new(),
    };
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| pool.work());
        }
    });
    let mut board = pool.board.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(error) = board.broken {
        return Err(error);
    }
    let ended = |id: &TaskId| !matches!(board.outcomes[*id], None | Some(Outcome::Failed(_) | Outcome::Skipped));
    let mut shadow = std::mem::take(&mut *maker.shadow.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
    // A result that is known to be wrong must not be published either.
    let finished = wanted.iter().all(ended) && shadow.differences.is_empty();
    let mut published = Vec::new();
    // All or nothing: documents beside a failed stage would mix this run's numbers with the last one's.
    if finished {
        for &id in &wanted {
            if let Some(known) = results.get(id).filter(|known| !known.files.is_empty()) {
                published.extend(publish(&maker, id, known)?);
            }
        }
    }
    // An excerpt of a study does not know the other stages.
    if finished && options.targets.is_empty() && session.pipeline.is_whole {
        publish::retire(session)?;
    }
    for id in maker.restored.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).iter() {
        board.outcomes[*id] = Some(Outcome::Ran);
    }
    let mut summary = Summary { published, ..summarise(graph, &wanted, &board.outcomes, &results) };
    summary.interrupted = options.stop.asked() && !summary.skipped.is_empty();
    summary.seconds = watch.seconds();
    summary.shadow = options.shadow.map(|_| {
        let at = |name: &String| graph.find(name);
        shadow.executed.sort_by_key(at);
        shadow.differences.sort_by_key(|difference| at(&difference.name));
        shadow
    });
    let line =
        serde_json::json!({"ran": summary.ran, "failed": summary.failed, "up_to_date": summary.up_to_date.len()});
    session.state.add_run(started, summary.seconds, &line.to_string())?;
    let done = wanted.iter().filter_map(|&id| {
        let known = results.get(id)?;
        Some(Done { name: graph.tasks[id].name.clone(), run_key: known.run_key, warnings: known.warnings.clone() })
    });
    Ok((summary, done.collect()))
}

/// Publishes the documents of a task, one process at a time.
fn publish(maker: &Maker, id: TaskId, known: Arc<Known>) -> Result<Vec<String>, EngineError> {
    let stage = &maker.session.pipeline.graph.tasks[id].stage;
    let path = maker.session.store.lease_path(&format!("publish-{stage}"));
    let halt = Halt::new(maker.stop, None);
    let Some(_lease) = Lease::take(&path, "publishing", &halt, |_| {})? else { return Ok(Vec::new()) };
    if !publish::is_current(maker.session, stage, &known) {
        let Some(known) = maker.whole(id, known.clone())? else { return Ok(Vec::new()) };
        publish::publish(maker.session, maker.workspace, stage, &known)?;
    }
    Ok(publish::paths(stage, &known).collect())
}

struct Pool<'a> {
    maker: &'a Maker<'a>,
    /// What is demanded of the tasks in `demanded`; of the others a record is enough.
    demand: Demand,
    demanded: BTreeSet<TaskId>,
    capacity: Capacity,
    keep_going: bool,
    shadow: Option<ShowRows>,
    board: Mutex<Board>,
    changed: Condvar,
}

/// What the workers share.
struct Board {
    /// Inputs still open, per wanted task.
    waiting: BTreeMap<TaskId, usize>,
    users: BTreeMap<TaskId, Vec<TaskId>>,
    /// Longest way to the end first, then the order of the graph.
    ready: BTreeSet<(Reverse<u64>, TaskId)>,
    /// Milliseconds from the start of a task to the end of the run, if nothing else held it up.
    distance: Vec<u64>,
    /// Amounts held by running tasks.
    held: BTreeMap<String, u64>,
    open: usize,
    stopping: bool,
    outcomes: Vec<Option<Outcome>>,
    broken: Option<EngineError>,
}

impl Board {
    fn new(graph: &Graph, wanted: &BTreeSet<TaskId>, seconds: &BTreeMap<String, f64>) -> Board {
        let tasks = &graph.tasks;
        let mut waiting = BTreeMap::new();
        let mut users: BTreeMap<TaskId, Vec<TaskId>> = BTreeMap::new();
        for &id in wanted {
            let inputs: BTreeSet<TaskId> = tasks[id].inputs().collect();
            waiting.insert(id, inputs.len());
            for input in inputs {
                users.entry(input).or_default().push(id);
            }
        }
        let mut distance = vec![0; tasks.len()];
        for &id in wanted.iter().rev() {
            let below = users.get(&id).into_iter().flatten().map(|&user| distance[user]).max().unwrap_or(0);
            // A task that never ran counts as a second, so that longer chains of them come first.
            let own = seconds.get(&tasks[id].name).copied().unwrap_or(1.0);
            distance[id] = below + (own * 1000.0) as u64 + 1;
        }
        let ready =
            waiting.iter().filter(|(_, open)| **open == 0).map(|(&id, _)| (Reverse(distance[id]), id)).collect();
        Board {
            waiting,
            users,
            ready,
            distance,
            held: BTreeMap::new(),
            open: wanted.len(),
            stopping: false,
            outcomes: vec![None; tasks.len()],
            broken: None,
        }
    }

    /// Takes the first ready task whose amounts are free, and holds them for it.
    fn take(&mut self, graph: &Graph, capacity: &Capacity) -> Option<TaskId> {
        let fits = |id: &TaskId| {
            amounts(graph, *id, capacity).all(|(name, amount)| {
                self.held.get(name).copied().unwrap_or(0).saturating_add(amount) <= capacity.of(name)
            })
        };
        let &(distance, id) = self.ready.iter().find(|(_, id)| fits(id))?;
        self.ready.remove(&(distance, id));
        for (name, amount) in amounts(graph, id, capacity) {
            *self.held.entry(name.to_string()).or_default() += amount;
        }
        Some(id)
    }

    fn finish(&mut self, id: TaskId, outcome: Outcome, graph: &Graph, capacity: &Capacity) {
        self.outcomes[id] = Some(outcome);
        self.open -= 1;
        for (name, amount) in amounts(graph, id, capacity) {
            if let Some(held) = self.held.get_mut(name) {
                *held -= amount;
            }
        }
        for user in self.users.get(&id).into_iter().flatten() {
            if let Some(open) = self.waiting.get_mut(user) {
                *open -= 1;
                if *open == 0 {
                    self.ready.insert((Reverse(self.distance[*user]), *user));
                }
            }
        }
    }
}

/// What a task holds while it runs; never more than there is, so that it can run at all.
fn amounts<'g>(graph: &'g Graph, id: TaskId, capacity: &'g Capacity) -> impl Iterator<Item = (&'g str, u64)> {
    graph.tasks[id].limits.amounts.iter().map(|(name, amount)| (name.as_str(), (*amount).min(capacity.of(name))))
}

impl Pool<'_> {
    fn work(&self) {
        let graph = &self.maker.session.pipeline.graph;
        let mut board = self.lock();
        loop {
            if board.open == 0 || board.broken.is_some() {
                self.changed.notify_all();
                return;
            }
            let Some(id) = board.take(graph, &self.capacity) else {
                board = self.changed.wait(board).unwrap_or_else(|poisoned| poisoned.into_inner());
                continue;
            };
            let task = &graph.tasks[id];
            let lost = task.inputs().any(|input| !self.maker.results.has(input));
            if lost || board.stopping || self.maker.stop.asked() {
                board.finish(id, Outcome::Skipped, graph, &self.capacity);
                self.changed.notify_all();
                continue;
            }
            let above_ran = task.inputs().any(|input| matches!(board.outcomes[input], Some(Outcome::Ran)));
            drop(board);
            let watch = Stopwatch::start();
            let demand = if self.demanded.contains(&id) { self.demand } else { Demand::Known };
            let made = self.maker.make(id, demand).and_then(|made| match self.shadow {
                Some(show) => shadow::shadow(self.maker, id, made, show),
                None => Ok(made),
            });
            let seconds = watch.seconds();
            let ended = made.map(|made| match made {
                Made::Found(known) => (if above_ran { Outcome::CutOff } else { Outcome::UpToDate }, Some(known)),
                Made::Fresh(known) => (Outcome::Ran, Some(known)),
                Made::Failed(diagnostics) => (Outcome::Failed(diagnostics), None),
                Made::Stopped => (Outcome::Skipped, None),
            });
            board = self.lock();
            match ended {
                Ok((outcome, known)) => {
                    let (name, known) = (&task.name, known.as_ref());
                    let event = Event::Finished { name, outcome: &outcome, seconds, known: known.map(Arc::as_ref) };
                    self.maker.observer.event(&event);
                    if matches!(outcome, Outcome::Failed(_)) && !self.keep_going {
                        board.stopping = true;
                    }
                    if let Some(known) = known {
                        self.maker.results.set(id, known.clone());
                    }
                    board.finish(id, outcome, graph, &self.capacity);
                }
                Err(error) => board.broken = Some(error),
            }
            self.changed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// The tasks that the targets name, with the pieces of a stage.
fn named(graph: &Graph, targets: &[String]) -> BTreeSet<TaskId> {
    let is_named = |id: &TaskId| {
        let task = &graph.tasks[*id];
        targets
            .iter()
            .any(|target| *target == task.name || *target == task.stage || graph.producers.get(target) == Some(id))
    };
    (0..graph.tasks.len()).filter(is_named).collect()
}

fn summarise(graph: &Graph, wanted: &BTreeSet<TaskId>, outcomes: &[Option<Outcome>], results: &Results) -> Summary {
    let mut summary = Summary::default();
    for &id in wanted {
        let name = graph.tasks[id].name.clone();
        match &outcomes[id] {
            Some(Outcome::Ran) => summary.ran.push(name),
            Some(Outcome::UpToDate) => summary.up_to_date.push(name),
            Some(Outcome::CutOff) => summary.cut_off.push(name),
            Some(Outcome::Failed(diagnostics)) => {
                summary.errors.push(Failure { name: name.clone(), diagnostics: diagnostics.clone() });
                summary.failed.push(name);
            }
            Some(Outcome::Skipped) | None => summary.skipped.push(name),
        }
        for known in results.get(id).iter() {
            for warning in &known.warnings {
                if !summary.warnings.contains(warning) {
                    summary.warnings.push(warning.clone());
                }
            }
        }
    }
    summary
}
