//! The command line: flags, exit codes, and one file per command. Data goes to stdout, talk to stderr.
//! Holds no logic of the study: everything is asked of `engine`.

mod catalogue;
mod gc;
mod missing;
mod origin;
mod plan;
mod profile;
mod progress;
mod render;
mod run;
mod schema;
mod show;
mod sql;
mod status;
mod why;

use clap::{Args, Parser, Subcommand, ValueEnum};
use engine::diagnostic::Diagnostic;
use engine::error::EngineError;
use engine::session::{OpenOptions, Session};
use engine::stop::Stop;
use std::io::{self, Write};
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::process::ExitCode;
use tables::columns::Table;
use tables::render::Screen;

#[derive(Parser)]
#[command(
    name = "restudy",
    version,
    about = "make for empirical studies: from the yearbook spreadsheet to the printed table"
)]
#[command(
    after_help = "Exit codes: 0 done; 1 a stage or check failed; 2 the study or the command line is wrong; 3 the store is damaged."
)]
struct Cli {
    #[command(flatten)]
    study: StudyArgs,
    #[command(subcommand)]
    command: Command,
}

/// Where the study is and with which values.
#[derive(Args)]
struct StudyArgs {
    /// The pipeline file [default: pipeline.yaml here or in a folder above]
    #[arg(long, global = true, value_name = "FILE")]
    pipeline: Option<PathBuf>,
    /// A folder that stands in for the study's `data` folder
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Give a parameter of the study another value; may be repeated
    #[arg(long, global = true, value_name = "NAME=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
}

#[derive(Subcommand)]
enum Command {
    /// Print the measures of the study as a page: formulas, what they are made of, distributions
    Catalogue(catalogue::CatalogueArgs),
    /// Drop results from the store; records stay
    Gc(gc::GcArgs),
    /// Say what would run and why; run nothing
    Plan(plan::PlanArgs),
    /// Draft a layout and a contract from the files of a source
    Profile(profile::ProfileArgs),
    /// Rebuild what is out of date
    Run(run::RunArgs),
    /// Print the grammar of pipeline.yaml or of layouts as a JSON Schema
    Schema(schema::SchemaArgs),
    /// Print a table of the study
    Show(show::ShowArgs),
    /// Ask the study's current tables in SQL
    Sql(sql::SqlArgs),
    /// One line per stage: up to date, stale, missing, failed
    Status(status::StatusArgs),
    /// Say what changed since a stage last ran, leaf by leaf
    Why(why::WhyArgs),
}

/// How tables are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TableFormat {
    Table,
    Csv,
    Json,
}

/// Why a command did not do what was asked.
enum Failure {
    Engine(EngineError),
    /// The command line or a query is wrong.
    Wrong(Diagnostic),
    /// Already shown; only the exit code is left.
    Shown(u8),
    Output(io::Error),
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Failure {
        Failure::Engine(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Output(error)
    }
}

/// Runs one command. A panic is a mistake of ours: it is said in one line, and `RESTUDY_LOG=debug` says where.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    logging();
    panic::set_hook(Box::new(|info| tracing::debug!("{info}")));
    panic::catch_unwind(AssertUnwindSafe(|| command(cli))).unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no message");
        let mistake = Diagnostic::error(format!("internal error: {text}"));
        render::show(&mistake.hint("this is a mistake in restudy, please report it; nothing was lost".to_string()));
        ExitCode::FAILURE
    })
}

fn command(cli: Cli) -> ExitCode {
    let StudyArgs { pipeline, data, set } = cli.study;
    let open = OpenOptions { pipeline, data, set, with: Vec::new() };
    let result = match &cli.command {
        Command::Catalogue(args) => catalogue::catalogue(&open, args),
        Command::Gc(args) => gc::gc(&open, args),
        Command::Plan(args) => plan::plan(&open, args),
        Command::Profile(args) => profile::profile(&open, args),
        Command::Run(args) => run::run(&open, args),
        Command::Schema(args) => schema::schema(args),
        Command::Show(args) => show::show(&open, args),
        Command::Sql(args) => sql::sql(&open, args),
        Command::Status(args) => status::status(&open, args),
        Command::Why(args) => why::why(&open, args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Shown(code)) => ExitCode::from(code),
        Err(Failure::Wrong(diagnostic)) => {
            render::show(&diagnostic);
            ExitCode::from(2)
        }
        // Whoever reads our output has closed it (`restudy show panel | head`): nothing is wrong.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(Failure::Output(error)) => {
            render::show(&Diagnostic::error(format!("cannot write the output: {error}")));
            ExitCode::FAILURE
        }
        Err(Failure::Engine(error)) => {
            render::show_all(&error.diagnostics());
            ExitCode::from(exit_code(&error))
        }
    }
}

fn open(options: &OpenOptions) -> Result<Session, Failure> {
    Ok(Session::open(kinds::registry(), options)?)
}

fn exit_code(error: &EngineError) -> u8 {
    match error {
        EngineError::Study(_) | EngineError::Usage(_) | EngineError::NoPipeline { .. } => 2,
        EngineError::Damaged { .. } | EngineError::BadRecord { .. } => 3,
        EngineError::Read { .. } | EngineError::Write { .. } | EngineError::State { .. } => 1,
    }
}

/// Asked to stop by Ctrl-C or by the system; the second time ends the process at once.
fn stop_on_signals() -> Stop {
    let stop = Stop::default();
    let asked = stop.clone();
    let handler = move || {
        if asked.asked() {
            std::process::exit(130);
        }
        asked.ask();
        eprintln!("stopping: what is done is kept; once more to stop at once");
    };
    // Without a handler the system ends the process, and the next run clears up: also right.
    if let Err(error) = ctrlc::set_handler(handler) {
        tracing::debug!("no signal handler: {error}");
    }
    stop
}

/// Diagnostics of the program itself, by `RESTUDY_LOG=debug`.
fn logging() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("RESTUDY_LOG").unwrap_or_else(|_| "warn".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).without_time().init();
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("give it as NAME=VALUE")?;
    Ok((name.trim().to_string(), value.to_string()))
}

/// Prints JSON, one document.
fn print_json(value: &serde_json::Value) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(io::Error::other)?;
    writeln!(io::stdout().lock(), "{text}")?;
    Ok(())
}

/// What a terminal shows of a table.
struct View<'a> {
    /// Columns that are repeated where the table is folded.
    repeat: &'a [String],
    /// Rows there are, of which the table may hold only the first.
    rows: u64,
    /// The number of rows the user asked for.
    limit: Option<usize>,
}

/// Prints a table; folded to the width of the terminal, or in full where there is none.
fn print_table(table: &Table, format: TableFormat, view: &View) -> Result<(), Failure> {
    let text = match format {
        TableFormat::Table => match render::terminal_width() {
            Some(width) => {
                let View { repeat, rows, limit } = *view;
                tables::render::folded(table, &Screen { width, repeat, rows, shorten: limit.is_none() })
            }
            None => tables::render::text(table, None),
        },
        TableFormat::Csv => tables::render::csv(table),
        TableFormat::Json => tables::render::json(table),
    };
    writeln!(io::stdout().lock(), "{}", text.trim_end_matches('\n'))?;
    Ok(())
}
