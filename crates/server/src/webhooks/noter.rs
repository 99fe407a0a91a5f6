//! Writes down how deliveries went: what several lanes have to say at once in one commit.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};
use usance_core::caller::Caller;
use usance_core::command::Command;
use usance_core::webhook::DeliveryNote;
use usance_engine::Engine;

use crate::webhooks::limits::{NOTES_WAITING_MAX, PAUSE};

/// A note, and who waits for it to be written.
pub struct Said {
    pub note: DeliveryNote,
    pub written: oneshot::Sender<()>,
}

/// Takes notes from all lanes, and writes them down.
pub struct Noter {
    engine: Engine,
    caller: Arc<Caller>,
    said: mpsc::Receiver<Said>,
    stop: watch::Receiver<bool>,
}

impl Noter {
    pub fn new(
        engine: Engine,
        caller: Arc<Caller>,
        said: mpsc::Receiver<Said>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self { engine, caller, said, stop }
    }

    /// Works until all lanes are gone.
    pub async fn run(mut self) {
        let mut waiting = Vec::new();
        while self.said.recv_many(&mut waiting, NOTES_WAITING_MAX).await > 0 {
            let (notes, written): (Vec<_>, Vec<_>) =
                waiting.drain(..).map(|Said { note, written }| (note, written)).unzip();
            self.write(notes).await;
            for written in written {
                // A lane that was cut short does not wait any more.
                written.send(()).unwrap_or_default();
            }
        }
    }

    /// Writes notes, again and again: lanes that do not know whether theirs are written must not go
    /// on. When all stops, once.
    async fn write(&mut self, notes: Vec<DeliveryNote>) {
        loop {
            let command = Command::NoteDeliveries(notes.clone());
            match self.engine.change(Arc::clone(&self.caller), command).await {
                Ok(_) => return,
                Err(failure) => {
                    tracing::warn!(%failure, "how deliveries went could not be written down");
                }
            }
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                _ = self.stop.wait_for(|stop| *stop) => return,
            }
        }
    }
}
