//! `restudy plan`: what would run, and the first reason for each.

use super::{Failure, open, print_json};
use clap::Args;
use engine::session::{Action, Decision, OpenOptions, Session};
use serde_json::json;
use std::io::{self, Write};
use std::path::PathBuf;

#[derive(Args)]
pub struct PlanArgs {
    /// Stages, instances or tables [default: everything]
    targets: Vec<String>,
    /// Suppose that this file stood there: a path of the study or a folder, and a file; may be repeated
    #[arg(long, value_name = "PATH=FILE", value_parser = supposed)]
    with: Vec<(String, PathBuf)>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

pub fn plan(options: &OpenOptions, args: &PlanArgs) -> Result<(), Failure> {
    let options = OpenOptions { with: args.with.clone(), ..options.clone() };
    let session = open(&options)?;
    let wanted = session.pipeline.graph.closure(&args.targets).map_err(Failure::Wrong)?;
    let decisions = session.decide(&wanted)?;
    if args.json {
        let stages: Vec<_> = decisions.iter().map(|decision| as_json(&session, decision)).collect();
        return print_json(&json!({ "stages": stages }));
    }
    let mut out = io::stdout().lock();
    let (mut will, mut may) = (0, 0);
    for decision in &decisions {
        let name = &session.pipeline.graph.tasks[decision.task].name;
        match &decision.action {
            Action::UpToDate => {}
            Action::WillRun(reason) => {
                will += 1;
                writeln!(out, "will run  {name}: {reason}")?;
            }
            Action::MayRun(reason) => {
                may += 1;
                writeln!(out, "may run   {name}: {reason}")?;
            }
        }
    }
    writeln!(out, "{will} will run, {may} may run, {} up to date", decisions.len() - will - may)?;
    Ok(())
}

fn supposed(text: &str) -> Result<(String, PathBuf), String> {
    let (path, file) = text.split_once('=').ok_or("give it as PATH=FILE, such as data/yearbook=new/Data_2013.xlsx")?;
    Ok((path.trim().to_string(), PathBuf::from(file)))
}

fn as_json(session: &Session, decision: &Decision) -> serde_json::Value {
    let task = &session.pipeline.graph.tasks[decision.task];
    let (action, reason) = match &decision.action {
        Action::UpToDate => ("up_to_date", None),
        Action::WillRun(reason) => ("will_run", Some(reason)),
        Action::MayRun(reason) => ("may_run", Some(reason)),
    };
    json!({ "name": task.name, "kind": task.kind, "action": action, "reason": reason })
}
