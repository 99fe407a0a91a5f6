//! What is read from outside, and what must hold of every input.

mod artefact;
mod ledger;
mod requests;
mod stored;

/// One reader, or several of the same kind of input.
pub struct Target {
    /// Its name, and that of its folder in the corpus.
    pub name: &'static str,
    /// Panics if something does not hold.
    pub check: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "use", check: requests::one_use },
    Target { name: "batch", check: requests::batch },
    Target { name: "policy", check: requests::catalogue },
    Target { name: "query", check: requests::query_and_path },
    Target { name: "record", check: ledger::record },
    Target { name: "block", check: ledger::block },
    Target { name: "note", check: ledger::note },
    Target { name: "license_file", check: artefact::license_file },
    Target { name: "stored", check: stored::stored },
];
