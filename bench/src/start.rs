//! Starting: the time from the program's start to the line that says it listens.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::compare::median;
use crate::floors::{self, Bound, Floor};
use crate::table::{self, Drawing};
use crate::usance::Usance;

/// Starts and stops the server over a data directory several times.
pub fn measure(program: &Path, data: &Path, runs: usize, drawing: Drawing) -> Result<()> {
    ensure!(runs > 0, "--runs must be at least 1");
    ensure!(data.is_dir(), "there is no data directory at {}", data.display());
    let mut times = Vec::with_capacity(runs);
    let mut rows = Vec::with_capacity(runs);
    for index in 0..runs {
        let mut server = Usance::start(program, data, Duration::from_secs(300))?;
        let memory = server.child.memory()?;
        times.push(server.ready_after);
        rows.push(vec![
            (index + 1).to_string(),
            format!("{:.3}", server.ready_after.as_secs_f64()),
            format!("{:.1}", memory.now_mib()),
        ]);
        server.child.stop()?;
    }
    table::heading(drawing, "Start");
    table::print(drawing, &["run", "seconds", "resident MiB"], rows, 0);
    let floor = Floor {
        what: "start, median (the first run has the coldest caches)".to_owned(),
        bound: Bound::AtMost,
        floor: 3.0,
        aim: 0.5,
        measured: Some(median(times).as_secs_f64()),
        unit: "s",
    };
    floors::print(drawing, &[floor]);
    Ok(())
}
