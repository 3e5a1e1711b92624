//! The program `rayform`.
use std::process::ExitCode;

fn main() -> ExitCode {
    rayform::run(std::env::args_os())
}
