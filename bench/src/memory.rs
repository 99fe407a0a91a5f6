//! Memory: how much of it the server holds on to when it has many licenses.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::fill::{self, Amount};
use crate::floors::{self, Bound, Floor};
use crate::machine::Memory;
use crate::table::{self, Drawing};
use crate::usance::Usance;

/// Measures an empty server, one with licenses, and one with each of them used once.
pub fn measure(program: &Path, data: &Path, amount: Amount, drawing: Drawing) -> Result<()> {
    let server = Usance::start(program, data, Duration::from_secs(30))?;
    let empty = server.child.memory()?;
    let licenses = fill::create(&server, amount.licenses)?;
    let created = server.child.memory()?;
    fill::spend(&server, &licenses, amount)?;
    let used = server.child.memory()?;

    table::heading(drawing, &format!("Memory with {} licenses", amount.licenses));
    let row = |state: &str, memory: Memory| {
        vec![
            state.to_owned(),
            format!("{:.1}", memory.now_mib()),
            format!("{:.1}", memory.peak_mib()),
        ]
    };
    let rows = vec![row("empty", empty), row("created", created), row("each used once", used)];
    table::print(drawing, &["state", "resident MiB", "peak MiB"], rows, 1);
    let floor = Floor {
        what: format!("memory with {} licenses, one meter each", amount.licenses),
        bound: Bound::AtMost,
        floor: 150.0,
        aim: 60.0,
        measured: Some(used.now_mib()),
        unit: "MiB",
    };
    floors::print(drawing, &[floor]);
    Ok(())
}
