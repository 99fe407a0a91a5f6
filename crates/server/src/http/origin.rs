//! From where a request comes, for the audit log.

use std::future::Future;
use std::net::IpAddr;

tokio::task_local! {
    static PEER: IpAddr;
}

/// Does the work of a request that came from `peer`.
pub(crate) async fn of<T>(peer: Option<IpAddr>, work: impl Future<Output = T>) -> T {
    match peer {
        Some(peer) => PEER.scope(peer, work).await,
        None => work.await,
    }
}

/// The network address that the request came from: that of a proxy, where one stands between. None
/// where the doors are in a server that does not say.
pub(crate) fn peer() -> Option<IpAddr> {
    PEER.try_with(|peer| *peer).ok()
}
