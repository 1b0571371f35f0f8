//! The program: hands the command line to `cli` and the exit code to the system.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
