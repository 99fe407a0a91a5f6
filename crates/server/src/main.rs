//! The binary `usance`.

use std::process::ExitCode;

/// Uses are allocated by the thread that reads them and freed by the one that counts them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    usance::cli::main()
}
