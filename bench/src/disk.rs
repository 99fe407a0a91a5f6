//! The disk: what one `fdatasync` costs where the data lies.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::interrupt;

const BLOCK_SIZE_BYTES: usize = 4096;

/// What one sync took.
#[derive(Debug, Clone, Copy)]
pub struct Sync {
    pub median: Duration,
    pub p99: Duration,
}

/// The latency of overwriting one block in place and syncing it, measured for `window`.
///
/// Overwriting is the cheapest durable write there is: the size of the file and its blocks stay
/// as they are, so the sync has no metadata to carry.
pub fn fdatasync(directory: &Path, window: Duration) -> Result<Sync> {
    let path = directory.join("fdatasync");
    let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
    let mut block = [0x5a_u8; BLOCK_SIZE_BYTES];
    for index in 0..16 {
        file.write_all_at(&block, index * BLOCK_SIZE_BYTES as u64)?;
    }
    file.sync_all()?;
    let mut latencies = Vec::new();
    let begin = Instant::now();
    while begin.elapsed() < window {
        interrupt::check()?;
        // New content each time, so that nothing on the way can skip the write.
        let count = latencies.len() as u64;
        if let Some(head) = block.first_chunk_mut::<8>() {
            *head = count.to_le_bytes();
        }
        let at = Instant::now();
        file.write_all_at(&block, 0)?;
        file.sync_data()?;
        latencies.push(at.elapsed());
    }
    latencies.sort_unstable();
    let at = |per_cent: usize| {
        let latency = latencies.get(latencies.len() * per_cent / 100).copied();
        latency.context("not one fdatasync in the window")
    };
    Ok(Sync { median: at(50)?, p99: at(99)? })
}
