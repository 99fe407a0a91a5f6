//! Every route's answers, word for word: success, and each refusal that can be provoked.
//!
//! The snapshots lie in `snapshots/`; `USANCE_UPDATE_SNAPSHOTS=1` writes them anew. Every answer is
//! also held against the contract that the server serves.

mod catalogue;
mod counting;
mod credentials;
mod lifecycle;
mod machines;
mod operations;
mod people;
mod pretty;
mod reserved;
mod terms;
mod transcript;
