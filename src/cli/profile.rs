//! `restudy profile`: a layout and a contract, drafted from the files of a source.

use super::{Failure, open};
use clap::Args;
use engine::diagnostic::{Diagnostic, did_you_mean};
use engine::session::OpenOptions;
use std::fs;
use std::io::{self, Write};

#[derive(Args)]
pub struct ProfileArgs {
    /// The source, as named under `sources:`
    source: String,
    /// Of workbooks, this sheet [default: the first]
    #[arg(long, value_name = "NAME")]
    sheet: Option<String>,
    /// Write the layout to `stages/ingest/SOURCE.yaml`, which must not be there yet, and print the stage alone
    #[arg(long)]
    write: bool,
}

pub fn profile(options: &OpenOptions, args: &ProfileArgs) -> Result<(), Failure> {
    let session = open(options)?;
    let sources = &session.pipeline.sources;
    let Some(source) = sources.get(&args.source) else {
        let known: Vec<&str> = sources.keys().map(String::as_str).collect();
        let wrong = Diagnostic::error(format!("no source `{}` in this study", args.source));
        let near = did_you_mean(&args.source, known.iter().copied());
        return Err(Failure::Wrong(wrong.hint(near.or(Some(format!("sources: {}", known.join(", ")))))));
    };
    let file = format!("stages/ingest/{}.yaml", source.name);
    let draft = kinds::profile::draft(source, args.sheet.as_deref(), &file).map_err(Failure::Wrong)?;
    let mut out = io::stdout().lock();
    if !args.write {
        write!(out, "{}", draft.layout)?;
        writeln!(out, "\n# The stage in `pipeline.yaml`, with this layout in `{file}`:")?;
        for line in draft.stage.lines() {
            writeln!(out, "# {line}")?;
        }
        return Ok(());
    }
    let path = session.project.root.join(&file);
    if path.exists() {
        let wrong = Diagnostic::error(format!("`{file}` is there already"));
        return Err(Failure::Wrong(wrong.hint("move it away, or print the draft without `--write`".to_string())));
    }
    let failed = |error: io::Error| Failure::Wrong(Diagnostic::error(format!("cannot write `{file}`: {error}")));
    fs::create_dir_all(path.parent().unwrap_or(&path)).map_err(failed)?;
    fs::write(&path, &draft.layout).map_err(failed)?;
    eprintln!("wrote {file} ({} rows); the stage for pipeline.yaml:", draft.rows);
    write!(out, "{}", draft.stage)?;
    Ok(())
}
