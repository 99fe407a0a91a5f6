//! The binary `usance`.

use std::process::ExitCode;

/// Uses are allocated by the thread that reads them and freed by the one that counts them.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    usance::cli::main()
}
