//! What query strings ask for.

use std::borrow::Cow;
use std::str::FromStr;

use usance_core::command::{Ref, UserRef};
use usance_core::event::{EventFilter, Kinds, thing_id};
use usance_core::id::ProductId;
use usance_core::license::{LicenseRef, Status};
use usance_core::refusal::Refusal;
use usance_core::text::Code;
use usance_core::time::{HOUR_MS, Timestamp};
use usance_core::view::{ActivationFilter, LicenseFilter, PageRequest, Window};

use crate::limits::{CURSOR_BYTES_MAX, PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX, USAGE_WINDOWS_MAX};
use crate::native::problem::Problem;
use crate::native::references;
use crate::time;

/// Parameters of a request that takes none.
pub const NONE: &[&str] = &[];
/// Parameters of every list.
pub const PAGE: &[&str] = &["limit", "cursor"];
/// Parameters of the list of policies.
pub const POLICIES: &[&str] = &["limit", "cursor", "product"];
/// Parameters of the list of licenses.
pub const LICENSES: &[&str] =
    &["limit", "cursor", "product", "policy", "customer", "reseller", "user", "status"];
/// Parameters of the list of activations.
pub const ACTIVATIONS: &[&str] =
    &["limit", "cursor", "license", "product", "policy", "fingerprint", "user"];
/// Parameters of the list of events.
pub const EVENTS: &[&str] = &["from", "limit", "kind", "license", "meter", "thing"];
/// Parameters of the stream of events.
pub const STREAM: &[&str] = &["from", "kind", "license", "meter", "thing"];
/// Parameters of a usage query.
pub const USAGE: &[&str] = &["from", "to", "window"];
/// Parameters of an inclusion proof.
pub const INCLUSION: &[&str] = &["record", "size"];
/// Parameters of a consistency proof.
pub const CONSISTENCY: &[&str] = &["from", "to"];

/// A usage query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageQuery {
    /// From here on.
    pub from: Timestamp,
    /// Up to here.
    pub to: Timestamp,
    /// How long the windows are.
    pub window: Window,
}

/// Which events are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventQuery {
    /// From which on; none is where the route begins by itself.
    pub from: Option<EventsFrom>,
    /// How many at most.
    pub limit: usize,
    /// Which, but for the license.
    pub filter: EventFilter,
    /// Those about a license.
    pub license: Option<LicenseRef>,
}

/// Where events begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventsFrom {
    /// With this number.
    Number(u64),
    /// With the next that happens.
    End,
}

/// Reads the query of a request that takes none.
///
/// # Errors
/// `invalid`, naming what is there: a parameter that is passed over may have meant something.
pub fn read_none(query: &str) -> Result<(), Problem> {
    Parameters::read(query, NONE)?;
    Ok(())
}

/// Reads which part of a list is wanted.
///
/// # Errors
/// `invalid`.
pub fn read_page(query: &str) -> Result<PageRequest, Problem> {
    Ok(Parameters::read(query, PAGE)?.page()?)
}

/// Reads which policies are wanted.
///
/// # Errors
/// `invalid`.
pub fn read_policies(query: &str) -> Result<(Option<Ref<ProductId>>, PageRequest), Problem> {
    let parameters = Parameters::read(query, POLICIES)?;
    Ok((parameters.reference("product")?, parameters.page()?))
}

/// Reads which licenses are wanted.
///
/// # Errors
/// `invalid`.
pub fn read_licenses(query: &str) -> Result<(LicenseFilter, PageRequest), Problem> {
    let parameters = Parameters::read(query, LICENSES)?;
    let filter = LicenseFilter {
        product: parameters.reference("product")?,
        policy: parameters.reference("policy")?,
        customer: parameters.reference("customer")?,
        reseller: parameters.reference("reseller")?,
        user: parameters.maybe(
            "user",
            |text| (!text.is_empty()).then(|| UserRef::parse(text)),
            "must be the id or address of a user",
        )?,
        status: parameters.maybe(
            "status",
            |text| Status::ALL.into_iter().find(|status| status.word() == text),
            "must be active, suspended, revoked, expired or not-yet-valid",
        )?,
    };
    Ok((filter, parameters.page()?))
}

/// Reads which activations are wanted.
///
/// # Errors
/// `invalid`.
pub fn read_activations(query: &str) -> Result<(ActivationFilter, PageRequest), Problem> {
    const NOT_EMPTY: &str = "must not be empty";
    let parameters = Parameters::read(query, ACTIVATIONS)?;
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let filter = ActivationFilter {
        license: parameters.maybe("license", text, NOT_EMPTY)?.map(|of| LicenseRef::parse(&of)),
        product: parameters.reference("product")?,
        policy: parameters.reference("policy")?,
        fingerprint: parameters.maybe("fingerprint", text, NOT_EMPTY)?,
        user: parameters.maybe("user", text, NOT_EMPTY)?.map(|of| UserRef::parse(&of)),
    };
    Ok((filter, parameters.page()?))
}

/// Reads which events are wanted of a list.
///
/// # Errors
/// `invalid`.
pub fn read_events(query: &str) -> Result<EventQuery, Problem> {
    events(&Parameters::read(query, EVENTS)?)
}

/// Reads which events are wanted of a stream.
///
/// # Errors
/// `invalid`.
pub fn read_stream(query: &str) -> Result<EventQuery, Problem> {
    events(&Parameters::read(query, STREAM)?)
}

fn events(parameters: &Parameters<'_>) -> Result<EventQuery, Problem> {
    let from = |text: &str| match text {
        "end" => Some(EventsFrom::End),
        number => whole(number).map(EventsFrom::Number),
    };
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let kinds = parameters.text("kind").map(|kinds| Kinds::parse(kinds.split(',')));
    let kinds = kinds.transpose().map_err(|refusal| match refusal {
        Refusal::Invalid { reason, .. } => Refusal::Invalid { field: "kind".into(), reason },
        other => other,
    })?;
    let license = parameters.maybe("license", text, "must not be empty")?;
    let meter = |text: &str| Code::parse("meter", text).ok();
    Ok(EventQuery {
        from: parameters.maybe("from", from, "must be the number of an event, or end")?,
        limit: parameters.limit()?,
        filter: EventFilter {
            kinds: kinds.unwrap_or_default(),
            license: None,
            meter: parameters.maybe("meter", meter, "must be the name of a meter")?,
            thing: parameters.maybe("thing", thing_id, "must be an id")?,
        },
        license: license.map(|license| LicenseRef::parse(&license)),
    })
}

/// Reads which sums are wanted.
///
/// # Errors
/// `invalid`.
pub fn read_usage(query: &str) -> Result<UsageQuery, Problem> {
    const A_TIME: &str = "must be a time as in RFC 3339, with + written as %2B";
    let parameters = Parameters::read(query, USAGE)?;
    let asked = UsageQuery {
        from: parameters.need("from", time::read, A_TIME)?,
        to: parameters.need("to", time::read, A_TIME)?,
        window: parameters
            .maybe("window", window, "must be hour, day or month")?
            .unwrap_or(Window::Day),
    };
    let hours = match asked.window {
        Window::Hour => 1,
        Window::Day => 24,
        Window::Month => 28 * 24,
    };
    let span_ms = asked.to.0.saturating_sub(asked.from.0);
    if span_ms <= 0 {
        return Err(Refusal::invalid("to", "must be later than from").into());
    }
    if span_ms / (hours * HOUR_MS) > USAGE_WINDOWS_MAX {
        let reason = "is more than 10000 windows after from; ask for longer windows or in parts";
        return Err(Refusal::invalid("to", reason).into());
    }
    Ok(asked)
}

/// Reads which record is to be proved, and in which tree.
///
/// # Errors
/// `invalid`.
pub fn read_inclusion(query: &str) -> Result<(u64, Option<u64>), Problem> {
    let parameters = Parameters::read(query, INCLUSION)?;
    Ok((parameters.count("record")?, parameters.maybe("size", whole, A_WHOLE)?))
}

/// Reads between which trees consistency is to be proved.
///
/// # Errors
/// `invalid`.
pub fn read_consistency(query: &str) -> Result<(u64, u64), Problem> {
    let parameters = Parameters::read(query, CONSISTENCY)?;
    Ok((parameters.count("from")?, parameters.count("to")?))
}

/// The word for a window in the API.
#[must_use]
pub const fn window_word(window: Window) -> &'static str {
    match window {
        Window::Hour => "hour",
        Window::Day => "day",
        Window::Month => "month",
    }
}

fn window(text: &str) -> Option<Window> {
    [Window::Hour, Window::Day, Window::Month]
        .into_iter()
        .find(|window| window_word(*window) == text)
}

const A_WHOLE: &str = "must be a whole number, not negative and not too large";

fn whole<T: FromStr>(text: &str) -> Option<T> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// Parameters of known names, each once.
struct Parameters<'q>(Vec<(&'static str, Cow<'q, str>)>);

impl<'q> Parameters<'q> {
    fn read(query: &'q str, names: &[&'static str]) -> Result<Self, Refusal> {
        let mut found: Vec<(&'static str, Cow<'q, str>)> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let refuse = |reason: Cow<'static, str>| Refusal::Invalid {
                field: name.chars().take(64).collect::<String>().into(),
                reason,
            };
            let Some(known) = names.iter().find(|known| **known == name) else {
                return Err(refuse(match names {
                    [] => "is not known here; nothing is".into(),
                    _ => format!("is not known here; known are {}", names.join(", ")).into(),
                }));
            };
            if found.iter().any(|(other, _)| other == known) {
                return Err(refuse("may be there once".into()));
            }
            found.push((known, value));
        }
        Ok(Self(found))
    }

    fn text(&self, name: &str) -> Option<&str> {
        let pair = self.0.iter().find(|(known, _)| *known == name);
        pair.map(|(_, value)| &**value)
    }

    fn maybe<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
        reason: &'static str,
    ) -> Result<Option<T>, Refusal> {
        self.text(name)
            .map(|text| read(text).ok_or_else(|| Refusal::invalid(name, reason)))
            .transpose()
    }

    fn need<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
        reason: &'static str,
    ) -> Result<T, Refusal> {
        self.maybe(name, read, reason)?.ok_or_else(|| Refusal::invalid(name, "is missing"))
    }

    fn count(&self, name: &'static str) -> Result<u64, Refusal> {
        self.need(name, whole, A_WHOLE)
    }

    fn reference<Id: FromStr>(&self, name: &'static str) -> Result<Option<Ref<Id>>, Refusal> {
        self.maybe(name, references::of_text, "must be an id or a code")
    }

    fn limit(&self) -> Result<usize, Refusal> {
        let limit = self.maybe("limit", whole, A_WHOLE)?;
        let limit = limit.unwrap_or(PAGE_ITEMS_DEFAULT);
        if limit == 0 || limit > PAGE_ITEMS_MAX {
            return Err(Refusal::invalid("limit", "must be 1 to 1000"));
        }
        Ok(limit)
    }

    fn page(&self) -> Result<PageRequest, Refusal> {
        let limit = self.limit()?;
        let own = |text: &str| (text.len() <= CURSOR_BYTES_MAX).then(|| text.to_owned());
        let cursor = self.maybe("cursor", own, "must be the next of the page before")?;
        Ok(PageRequest { limit, cursor })
    }
}

#[cfg(test)]
mod tests;
