//! What queries show.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::activation::{Activation, Heartbeat};
use crate::command::{Ref, UserRef};
use crate::id::{ActivationId, CustomerId, LicenseId, PolicyId, ProductId};
use crate::ledger::tree::Hash;
use crate::license::{LicenseRef, Status};
use crate::live::{Hold, Session};
use crate::meter::{AllowedFrom, Counted, HourSums, Measure, Meter, MeterSpec, MeterState, Turn};
use crate::quantity::{Quantity, Scale};
use crate::text::Code;
use crate::time::Timestamp;
use crate::usage::{OperationKind, Reference, Subject};

/// Which part of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// At most so many items.
    pub limit: usize,
    /// The `next` of the page before; none is the first page.
    pub cursor: Option<String>,
}

/// Part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Where the list goes on, if it does.
    pub next: Option<String>,
}

/// Which licenses are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LicenseFilter {
    /// Those of a product.
    pub product: Option<Ref<ProductId>>,
    /// Those of a policy.
    pub policy: Option<Ref<PolicyId>>,
    /// Those of a customer.
    pub customer: Option<Ref<CustomerId>>,
    /// Those that a customer sold.
    pub reseller: Option<Ref<CustomerId>>,
    /// Those that a person owns or may use.
    pub user: Option<UserRef>,
    /// Those that stand so.
    pub status: Option<Status>,
}

/// Which machines are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ActivationFilter {
    /// Those of a license.
    pub license: Option<LicenseRef>,
    /// Those of a product's licenses.
    pub product: Option<Ref<ProductId>>,
    /// Those of a policy's licenses.
    pub policy: Option<Ref<PolicyId>>,
    /// Those with this fingerprint.
    pub fingerprint: Option<String>,
    /// Those of a person.
    pub user: Option<UserRef>,
}

/// Units set aside, with what their quantities need to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldView {
    /// Whose.
    pub license: LicenseId,
    /// Digits after the point.
    pub scale: Scale,
    /// The hold.
    pub hold: Arc<Hold>,
}

/// A checkout, with what its quantities need to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionView {
    /// Whose.
    pub license: LicenseId,
    /// Digits after the point.
    pub scale: Scale,
    /// The session.
    pub session: Arc<Session>,
}

/// A machine, and what follows from its license's terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivationView {
    /// Whose.
    pub license: LicenseId,
    /// The machine.
    pub activation: Arc<Activation>,
    /// Whether it lives.
    pub heartbeat: Heartbeat,
    /// How long it lives after its last heartbeat, in seconds; none is for ever.
    pub heartbeat_seconds: Option<u64>,
    /// When it must show again that it lives, if it must.
    pub next_heartbeat: Option<Timestamp>,
    /// What it has of each meter's total, by name of the meter.
    pub shares: Vec<ShareView>,
}

/// What a machine has of a meter's total.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareView {
    /// The meter.
    pub meter: Code,
    /// Digits after the point.
    pub scale: Scale,
    /// How much.
    pub quantity: Quantity,
}

/// A meter and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeterView {
    /// Whose.
    pub license: LicenseId,
    /// What is said of it.
    pub spec: Arc<MeterSpec>,
    /// Whether the license says it, and not its policy.
    pub is_own: bool,
    /// Where its ceiling comes from.
    pub allowed_from: AllowedFrom,
    /// Where it stands.
    pub state: MeterState,
}

impl MeterView {
    /// What is left of the ceiling before overage begins; none is unlimited.
    #[must_use]
    pub fn remaining(&self) -> Option<Quantity> {
        let used = self.spec.measure.used(self.state.total, self.state.held);
        Some(self.allowed()?.saturating_sub(used).max(0))
    }

    /// The ceiling; none is unlimited.
    #[must_use]
    pub fn allowed(&self) -> Option<Quantity> {
        let Self { license, spec, allowed_from, state, .. } = self;
        Meter { license: *license, spec, allowed_from: *allowed_from }.allowed(state)
    }
}

/// A record of one meter's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Position in the ledger.
    pub record: u64,
    /// When the writer stamped it.
    pub at: Timestamp,
    /// What happened.
    pub event: HistoryEvent,
}

/// What happened to a meter.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "almost all are uses; a box would cost each of them")]
pub enum HistoryEvent {
    /// It moved.
    Use {
        /// How, and where to.
        counted: Counted,
        /// The machine it counted for.
        activation: Option<ActivationId>,
        /// The hold or session it belongs to.
        reference: Option<Reference>,
        /// The turn of a period that it was.
        turn: Option<Turn>,
        /// When the client says it happened.
        occurred_at: Option<Timestamp>,
        /// Who did it, while that is kept.
        subject: Option<Subject>,
        /// What a price may depend on.
        attributes: Vec<(String, String)>,
    },
    /// It refused.
    Refused {
        /// What was asked.
        operation: OperationKind,
        /// How much of it.
        asked: Quantity,
        /// The code of the refusal.
        code: String,
        /// Where it stood.
        total: Quantity,
    },
}

/// A page of history, with what its quantities need to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// Whose.
    pub license: LicenseId,
    /// Which meter.
    pub meter: Code,
    /// Digits after the point of its quantities.
    pub scale: Scale,
    /// What the meter counts.
    pub measure: Measure,
    /// The entries, newest first.
    pub page: Page<HistoryEntry>,
}

/// How long the windows of a usage query are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// An hour.
    Hour,
    /// A day in UTC.
    Day,
    /// A month in UTC.
    Month,
}

/// Sums of one meter per window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageReport {
    /// Which meter.
    pub meter: Code,
    /// Digits after the point of its quantities.
    pub scale: Scale,
    /// How long the windows are.
    pub window: Window,
    /// From here on, rounded down to a whole hour.
    pub from: Timestamp,
    /// Up to here, rounded up to a whole hour.
    pub to: Timestamp,
    /// Windows in which the meter moved: where each begins, and its sums (`hour` has no meaning).
    pub windows: Vec<(Timestamp, HourSums)>,
}

/// A proof that a record is in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionProof {
    /// Position of the record.
    pub record: u64,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Size of the tree that the path leads to.
    pub size: u64,
    /// Root of that tree.
    pub root: Hash,
    /// The audit path, from the leaf upwards.
    pub path: Vec<Hash>,
}

/// A proof that the ledger only grew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsistencyProof {
    /// Size of the older tree.
    pub from: u64,
    /// Size of the newer tree.
    pub to: u64,
    /// Root of the older tree.
    pub from_root: Hash,
    /// Root of the newer tree.
    pub to_root: Hash,
    /// The proof.
    pub path: Vec<Hash>,
}
