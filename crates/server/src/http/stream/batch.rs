//! Events that are told together, written once for all who listen.

use std::collections::{BTreeSet, HashSet};
use std::sync::OnceLock;

use hyper::body::Bytes;
use usance_core::caller::Caller;
use usance_core::event::{EventFilter, Told};
use usance_core::id::LicenseId;
use usance_wire::native::events::{self, Sight};

/// Consecutive events of one ledger.
pub(crate) struct Batch {
    /// The number of the first.
    pub(crate) first: u64,
    /// The number after the last.
    pub(crate) next: u64,
    items: Vec<Item>,
    /// All of them, as they are told to those who want all.
    whole: [OnceLock<Bytes>; Sight::ALL.len()],
    kinds: BTreeSet<&'static str>,
    licenses: HashSet<LicenseId>,
}

struct Item {
    told: Told,
    frames: [OnceLock<Bytes>; Sight::ALL.len()],
}

impl Batch {
    /// The events from `first` up to `next`.
    pub(crate) fn new(first: u64, next: u64, told: Vec<Told>) -> Self {
        Self {
            first,
            next,
            kinds: told.iter().map(|told| told.kind).collect(),
            licenses: told.iter().filter_map(|told| told.license).collect(),
            whole: Default::default(),
            items: told.into_iter().map(|told| Item { told, frames: Default::default() }).collect(),
        }
    }

    /// What a listener is told of it who saw everything before `from`.
    pub(crate) fn frames(
        &self,
        from: u64,
        caller: &Caller,
        sight: Sight,
        filter: &EventFilter,
    ) -> Bytes {
        let may_want = self.kinds.iter().any(|kind| filter.kinds.contain(kind))
            && filter.license.is_none_or(|license| self.licenses.contains(&license));
        if !may_want {
            return Bytes::new();
        }
        let wants_all = *filter == EventFilter::default() && caller.audience.is_none();
        let index = sight as usize;
        if wants_all
            && from <= self.first
            && let Some(whole) = self.whole.get(index)
        {
            return whole.get_or_init(|| self.join(sight, |_| true)).clone();
        }
        self.join(sight, |told| {
            told.number >= from && filter.wants(told) && caller.sees(told.visible_to)
        })
    }

    fn join(&self, sight: Sight, is_wanted: impl Fn(&Told) -> bool) -> Bytes {
        let wanted = self.items.iter().filter(|item| is_wanted(&item.told));
        let frames: Vec<&Bytes> = wanted.filter_map(|item| item.frame(sight)).collect();
        match frames[..] {
            [] => Bytes::new(),
            [one] => one.clone(),
            _ => frames.iter().flat_map(|frame| frame.iter().copied()).collect(),
        }
    }
}

impl Item {
    fn frame(&self, sight: Sight) -> Option<&Bytes> {
        let frame = self.frames.get(sight as usize)?;
        Some(frame.get_or_init(|| {
            let mut out = Vec::with_capacity(512);
            write_frame(&self.told, sight, &mut out);
            out.into()
        }))
    }
}

/// Appends an event as a server-sent one.
pub(crate) fn write_frame(told: &Told, sight: Sight, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("id: {}\nevent: {}\ndata: ", told.number, told.kind).as_bytes());
    // JSON has no line breaks of its own, and those in strings are escaped.
    events::write(told, sight, out);
    out.extend_from_slice(b"\n\n");
}
