//! Shows a run as it happens: a bar and the running stages on a terminal, plain lines elsewhere.

use super::render;
use engine::record::Known;
use engine::schedule::{Event, Observer, Outcome};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde_json::json;
use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::time::Duration;

/// Prints what happens to stderr.
pub struct Progress {
    /// `None` where stderr is no terminal, or nothing is to be shown.
    bars: Option<Bars>,
    quiet: bool,
    /// Events go to stdout as JSON lines, for other programs.
    events: bool,
}

struct Bars {
    multi: MultiProgress,
    overall: ProgressBar,
    running: Mutex<BTreeMap<String, ProgressBar>>,
}

impl Progress {
    /// `quiet` shows only failures.
    pub fn new(quiet: bool) -> Progress {
        let bars = (!quiet && io::stderr().is_terminal()).then(|| {
            let multi = MultiProgress::new();
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            let overall = multi.add(ProgressBar::new(0).with_style(style));
            Bars { multi, overall, running: Mutex::new(BTreeMap::new()) }
        });
        Progress { bars, quiet, events: false }
    }

    /// Prints events as JSON instead of text.
    pub fn events() -> Progress {
        Progress { bars: None, quiet: true, events: true }
    }

    /// Takes the bars off the screen.
    pub fn finish(&self) {
        if let Some(bars) = &self.bars {
            bars.overall.finish_and_clear();
        }
    }

    fn stop_spinner(&self, name: &str) {
        let Some(bars) = &self.bars else { return };
        if let Some(bar) = bars.running.lock().ok().and_then(|mut running| running.remove(name)) {
            bar.finish_and_clear();
        }
    }

    fn line(&self, text: &str) {
        match &self.bars {
            Some(bars) => {
                // A terminal that cannot be written to is no reason to stop the run.
                let _ = bars.multi.println(text);
            }
            None => anstream::eprintln!("{text}"),
        }
    }
}

impl Observer for Progress {
    fn event(&self, event: &Event) {
        if self.events {
            // Whoever reads this may have gone away; the run goes on.
            let _ = writeln!(io::stdout().lock(), "{}", as_json(event));
            return;
        }
        match event {
            Event::Planned { tasks } => {
                if let Some(bars) = &self.bars {
                    bars.overall.set_length(*tasks as u64);
                }
            }
            Event::Started { name } => {
                if let Some(bars) = &self.bars {
                    let style = ProgressStyle::with_template("  {spinner} {msg} {elapsed}")
                        .unwrap_or_else(|_| ProgressStyle::default_spinner());
                    let bar =
                        bars.multi.add(ProgressBar::new_spinner().with_style(style).with_message(name.to_string()));
                    bar.enable_steady_tick(Duration::from_millis(100));
                    if let Ok(mut running) = bars.running.lock() {
                        running.insert(name.to_string(), bar);
                    }
                }
            }
            Event::Waiting { name, owner } => {
                let owner = if owner.is_empty() { "another process" } else { owner };
                self.line(&format!("waiting for {owner}, which makes {name}"));
            }
            Event::Retried { name, tries, diagnostics } => {
                let cause = diagnostics.first().map_or("", |first| first.message.as_str());
                self.line(&format!("trying {name} again (try {} failed: {cause})", tries));
            }
            Event::Shadowed { name, equal, seconds } => {
                self.stop_spinner(name);
                if !self.quiet {
                    let how = if *equal { "equal" } else { "different" };
                    self.line(&format!("shadowed {name}: {how} in {seconds:.1} s"));
                }
            }
            Event::Finished { name, outcome, seconds, known } => {
                if let Some(bars) = &self.bars {
                    bars.overall.inc(1);
                }
                self.stop_spinner(name);
                match outcome {
                    Outcome::Ran if !self.quiet => self.line(&format!("ran {name}{} in {seconds:.1} s", size(*known))),
                    Outcome::CutOff if !self.quiet => self.line(&format!("kept {name}: what it reads came out equal")),
                    Outcome::Failed(diagnostics) => {
                        for diagnostic in diagnostics {
                            self.line(&format!("failed {name}"));
                            self.line(render::text(diagnostic).trim_end());
                        }
                    }
                    Outcome::Ran | Outcome::CutOff | Outcome::UpToDate | Outcome::Skipped => {}
                }
            }
        }
    }
}

fn as_json(event: &Event) -> serde_json::Value {
    match event {
        Event::Planned { tasks } => json!({ "event": "planned", "tasks": tasks }),
        Event::Started { name } => json!({ "event": "started", "name": name }),
        Event::Waiting { name, owner } => json!({ "event": "waiting", "name": name, "owner": owner }),
        Event::Retried { name, tries, diagnostics } => {
            json!({ "event": "retried", "name": name, "tries": tries, "diagnostics": diagnostics })
        }
        Event::Shadowed { name, equal, seconds } => {
            json!({ "event": "shadowed", "name": name, "equal": equal, "seconds": seconds })
        }
        Event::Finished { name, outcome, seconds, .. } => {
            let (outcome, diagnostics) = match outcome {
                Outcome::Ran => ("ran", None),
                Outcome::UpToDate => ("up_to_date", None),
                Outcome::CutOff => ("cut_off", None),
                Outcome::Failed(diagnostics) => ("failed", Some(diagnostics)),
                Outcome::Skipped => ("skipped", None),
            };
            json!({ "event": "finished", "name": name, "outcome": outcome, "seconds": seconds, "diagnostics": diagnostics })
        }
    }
}

fn size(known: Option<&Known>) -> String {
    match known.and_then(|known| known.tables.first()) {
        Some(table) => format!(" ({} rows)", table.rows),
        None => String::new(),
    }
}
