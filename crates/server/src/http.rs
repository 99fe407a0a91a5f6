//! The doors of the server. A stub: the real one is written beside this branch.

use std::future::Future;

use tokio::net::TcpListener;
use usance_engine::Engine;

/// Serves until `shutdown` is done and what was accepted is finished.
///
/// # Errors
/// If the listener fails.
pub async fn serve(
    listener: TcpListener,
    engine: Engine,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    shutdown.await;
    drop((listener, engine));
    Ok(())
}
