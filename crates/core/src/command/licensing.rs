//! Activations, processes, entitlements, validation and files in the words of a caller.

use alloc::string::String;
use alloc::vec::Vec;

use super::{Ref, UserRef};
use crate::activation::ActivationRef;
use crate::id::{ActivationId, ComponentId, PolicyId, ProcessId, ProductId};
use crate::metadata::Metadata;
use crate::text::Code;
use crate::time::Timestamp;

/// A machine that wants to hold a license.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewActivation {
    /// An id that the caller chose; a fresh one if none.
    pub id: Option<ActivationId>,
    /// What the program computed to know the machine again.
    pub fingerprint: String,
    /// Its name for people.
    pub name: Option<String>,
    /// Its name in the network.
    pub hostname: Option<String>,
    /// Its operating system.
    pub platform: Option<String>,
    /// Its network address.
    pub address: Option<String>,
    /// Its processor cores.
    pub cores: Option<u32>,
    /// Its memory in bytes.
    pub memory: Option<u64>,
    /// Its disk in bytes.
    pub disk: Option<u64>,
    /// Whether it is a virtual machine.
    pub is_vm: bool,
    /// Whether it is a container.
    pub is_container: bool,
    /// Whose machine it is.
    pub user: Option<UserRef>,
    /// Parts of it.
    pub components: Vec<NewComponent>,
    /// What the vendor notes.
    pub metadata: Metadata,
    /// How long it lives after its last heartbeat, in seconds.
    pub heartbeat_seconds: Option<u32>,
    /// Activations above the limit that the caller lets this one take, where the terms do not
    /// forbid it.
    pub overdraft: u32,
}

/// A part of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewComponent {
    /// An id that the caller chose; a fresh one if none.
    pub id: Option<ComponentId>,
    /// What the program computed to know it again.
    pub fingerprint: String,
    /// Its name; the fingerprint if none.
    pub name: Option<String>,
}

/// Changes of a machine; none leaves a field as it is, `Some(None)` takes it away.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ActivationPatch {
    /// Its name for people.
    pub name: Option<Option<String>>,
    /// Its name in the network.
    pub hostname: Option<Option<String>>,
    /// Its operating system.
    pub platform: Option<Option<String>>,
    /// Its network address.
    pub address: Option<Option<String>>,
    /// Its processor cores.
    pub cores: Option<Option<u32>>,
    /// Its memory in bytes.
    pub memory: Option<Option<u64>>,
    /// Its disk in bytes.
    pub disk: Option<Option<u64>>,
    /// Whose machine it is.
    pub user: Option<Option<UserRef>>,
    /// New parts, all of them.
    pub components: Option<Vec<NewComponent>>,
    /// New notes.
    pub metadata: Option<Metadata>,
}

/// A program that starts on a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProcess {
    /// An id that the caller chose; a fresh one if none.
    pub id: Option<ProcessId>,
    /// Its number or name on the machine.
    pub pid: String,
    /// What the vendor notes.
    pub metadata: Metadata,
}

/// An entitlement to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntitlement {
    /// Its code.
    pub code: Code,
    /// Its name; the code if none.
    pub name: Option<String>,
    /// What the vendor notes.
    pub metadata: Metadata,
}

/// Changes of an entitlement; none leaves a field as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EntitlementPatch {
    /// A new name.
    pub name: Option<String>,
    /// New notes.
    pub metadata: Option<Metadata>,
}

/// What a validation is held against. What is not named is not looked at, unless the terms require
/// it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ValidationRequest {
    /// The product that asks.
    pub product: Option<Ref<ProductId>>,
    /// The policy that is expected.
    pub policy: Option<Ref<PolicyId>>,
    /// The machine that asks, by id.
    pub activation: Option<ActivationId>,
    /// The machine that asks, by one or more fingerprints.
    pub fingerprints: Option<Vec<String>>,
    /// Parts of the machine that asks, by fingerprint.
    pub components: Option<Vec<String>>,
    /// The person who asks; `Some(None)` matches a license that is nobody's.
    pub user: Option<Option<UserRef>>,
    /// Features that it must grant.
    pub entitlements: Option<Vec<Code>>,
    /// A checksum of what runs.
    pub checksum: Option<String>,
    /// A version of what runs.
    pub version: Option<String>,
    /// Whether what the terms require may be left out, as when an operator looks.
    pub is_quick: bool,
}

/// A license file to be made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileRequest {
    /// For one machine only.
    pub activation: Option<ActivationRef>,
    /// Whether it can be read only with the license key.
    pub is_encrypted: bool,
    /// How long it proves anything, in seconds; for ever if none.
    pub seconds: Option<u64>,
}

/// A license file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeFile {
    /// Its text.
    pub text: String,
    /// When it was made.
    pub issued_at: Timestamp,
    /// Until when it proves anything.
    pub expires_at: Option<Timestamp>,
}
