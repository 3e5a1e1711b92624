//! The program `rayform`.
use std::process::ExitCode;

/// Syntax trees are many small pieces: parsing takes half the time with it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    rayform::run(std::env::args_os())
}
