//! What is true: the types, the counting rules and the ledger of usance.
//!
//! Nothing here reads a clock, a file, a socket or a random number: time, ids and secrets are
//! arguments. A rule that matters to a bill lives in this crate and nowhere else.
//!
//! - [`id`], [`quantity`], [`time`], [`text`]: the words everything else is said in.
//! - [`period`]: cycles and spans of the calendar, in a time zone.
//! - [`product`], [`policy`], [`customer`], [`license`], [`token`]: the catalogue.
//! - [`activation`], [`activating`]: machines that hold a license, and how they come to.
//! - [`meter`]: the counter and the rules by which it moves.
//! - [`usage`]: the command that moves it; [`command`]: those that change the catalogue.
//! - [`access`]: whom a license serves, and how many units they may hold.
//! - [`validation`], [`lifecycle`]: whether a license is valid; what becomes of it over time.
//! - [`caller`]: who may do what; [`view`]: what queries show.
//! - [`refusal`]: every expected no. [`rule`]: what blocks by itself.
//! - [`ledger`]: records, the Merkle tree over them, checkpoints, and the auditor.
//! - [`artefact`]: license files, which prove a license where no server is.

#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

extern crate alloc;

pub mod access;
pub mod activating;
pub mod activation;
pub mod artefact;
pub mod audience;
pub mod caller;
pub mod command;
pub mod customer;
pub mod deciding;
pub mod entitlement;
pub mod event;
pub mod id;
pub mod key;
pub mod ledger;
pub mod license;
pub mod lifecycle;
pub mod limits;
pub mod live;
pub mod metadata;
pub mod meter;
pub mod period;
pub mod policy;
pub mod product;
pub mod quantity;
pub mod refusal;
pub mod rule;
pub mod terms;
pub mod text;
pub mod time;
pub mod token;
pub mod usage;
pub mod user;
pub mod validation;
pub mod view;
pub mod webhook;
mod words;
