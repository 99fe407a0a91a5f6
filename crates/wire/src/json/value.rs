//! One member of an object, and the types it can become.

use std::borrow::Cow;

use serde::de::DeserializeSeed;
use serde_json::value::RawValue;
use usance_core::id::IdError;
use usance_core::quantity::{Decimal, DecimalError};
use usance_core::refusal::Refusal;
use usance_core::text::{Code, display_name};
use usance_core::time::Timestamp;

use crate::json::members::{Bounded, Collect, Entries, Fill, Flaw, Members};
use crate::json::place::Place;
use crate::time;

/// The text of one value, known to be JSON, and where it lies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Value<'p, 'a> {
    place: Place<'p>,
    text: &'a str,
}

impl<'p, 'a> Value<'p, 'a> {
    /// The value of a text that was found to be JSON.
    pub(crate) const fn new(place: Place<'p>, text: &'a str) -> Self {
        Self { place, text }
    }

    /// Whether it is null.
    pub(crate) fn is_null(&self) -> bool {
        self.text == "null"
    }

    /// Whether it is a string.
    pub(crate) fn is_text(&self) -> bool {
        self.text.starts_with('"')
    }

    /// Its refusal.
    pub(crate) fn refuse(&self, reason: impl Into<Cow<'static, str>>) -> Refusal {
        self.place.refuse(reason)
    }

    /// Where it lies.
    pub(crate) const fn place(&self) -> Place<'p> {
        self.place
    }

    /// A string.
    pub(crate) fn text(self) -> Result<Cow<'a, str>, Refusal> {
        if !self.is_text() {
            return Err(self.refuse("must be text"));
        }
        match self.text.get(1..self.text.len() - 1) {
            Some(plain) if !plain.contains('\\') => Ok(Cow::Borrowed(plain)),
            // Escapes were only skipped so far: half a surrogate pair is noticed here.
            _ => serde_json::from_str(self.text)
                .map(Cow::Owned)
                .map_err(|_| self.refuse("must be text of whole Unicode characters")),
        }
    }

    /// A string, kept.
    pub(crate) fn string(self) -> Result<String, Refusal> {
        self.text().map(Cow::into_owned)
    }

    /// One of these words.
    pub(crate) fn word<T>(
        self,
        known: &[&str],
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, Refusal> {
        let wrong = || self.refuse(format!("must be one of {}", known.join(", ")));
        let text = self.text().map_err(|_| wrong())?;
        read(&text).ok_or_else(wrong)
    }

    /// Some of these words.
    pub(crate) fn words<T>(
        self,
        known: &[&str],
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, Refusal> {
        // A longer list than this repeats itself.
        self.items(2 * known.len(), |value| value.word(known, &read))
    }

    /// An id.
    pub(crate) fn id<Id: std::str::FromStr<Err = IdError>>(self) -> Result<Id, Refusal> {
        let text = self.text()?;
        text.parse().map_err(|error: IdError| self.refuse(format!("must be an id: {error}")))
    }

    /// The text of a value that is neither a string, nor an object, nor an array.
    pub(crate) const fn scalar(self) -> &'a str {
        self.text
    }

    /// Whether it is an object.
    pub(crate) fn is_object(&self) -> bool {
        self.text.starts_with('{')
    }

    /// Whether it is an array.
    pub(crate) fn is_array(&self) -> bool {
        self.text.starts_with('[')
    }

    /// A name for people.
    pub(crate) fn name(self) -> Result<String, Refusal> {
        display_name("", self.string()?).map_err(|refusal| self.place.moved(refusal))
    }

    /// A name for machines.
    pub(crate) fn code(self) -> Result<Code, Refusal> {
        Code::parse("", &self.text()?).map_err(|refusal| self.place.moved(refusal))
    }

    /// An instant.
    pub(crate) fn timestamp(self) -> Result<Timestamp, Refusal> {
        time::read(&self.text()?).ok_or_else(|| {
            self.refuse("must be a time as in RFC 3339, like 2026-11-23T14:20:00.000Z")
        })
    }

    /// True or false.
    pub(crate) fn boolean(self) -> Result<bool, Refusal> {
        match self.text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.refuse("must be true or false")),
        }
    }

    /// An exact decimal, as a number or as text.
    pub(crate) fn decimal(self) -> Result<Decimal, Refusal> {
        self.exact()?.ok_or_else(|| self.refuse("must fit 64 bits and 9 digits after the point"))
    }

    /// An exact decimal that a meter moves by or is held against.
    pub(crate) fn amount(self) -> Result<Decimal, Refusal> {
        self.exact()?.ok_or(Refusal::AmountOutOfRange)
    }

    /// Straight from the text, never through a float; none where it does not fit.
    fn exact(self) -> Result<Option<Decimal>, Refusal> {
        let text = if self.is_text() { self.text()? } else { Cow::Borrowed(self.text) };
        match Decimal::parse(&text) {
            Ok(decimal) => Ok(Some(decimal)),
            Err(DecimalError::OutOfRange | DecimalError::BeyondScale) => Ok(None),
            Err(DecimalError::Malformed) => {
                Err(self.refuse("must be a decimal number without exponent, like 12 or \"0.25\""))
            }
        }
    }

    /// A whole number that is not negative.
    pub(crate) fn whole<T: std::str::FromStr>(self) -> Result<T, Refusal> {
        let digits = self.text.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits.then(|| self.text.parse().ok()).flatten();
        number.ok_or_else(|| self.refuse("must be a whole number, not negative and not too large"))
    }

    /// An object with members of these names.
    pub(crate) fn object<const N: usize>(
        self,
        names: &'static [&'static str; N],
    ) -> Result<Members<'p, 'a, N>, Refusal> {
        let mut members = Members::empty(self.place, names);
        match self.fill(&mut members) {
            Some(flaw) => Err(members.refuse(&flaw)),
            None => Ok(members),
        }
    }

    /// An object whose names are data: at most `count_max`, each once.
    pub(crate) fn entries(self, count_max: usize) -> Result<Entries<'a>, Refusal> {
        let mut bounded = Bounded { count_max, entries: Vec::new() };
        if let Some(flaw) = self.fill(&mut bounded) {
            return Err(flaw.refusal(self.place, &[]));
        }
        let entries = bounded.entries;
        if entries.len() > count_max {
            return Err(self.refuse(format!("may have at most {count_max} members")));
        }
        for (index, (name, _)) in entries.iter().enumerate() {
            if entries.iter().take(index).any(|(other, _)| other == name) {
                return Err(Flaw::Twice(Cow::Borrowed(name)).refusal(self.place, &[]));
            }
        }
        Ok(entries)
    }

    /// An array of at most `count_max` items.
    pub(crate) fn items<'s, T>(
        &'s self,
        count_max: usize,
        mut read: impl FnMut(Value<'s, 'a>) -> Result<T, Refusal>,
    ) -> Result<Vec<T>, Refusal> {
        let items: Vec<&'a RawValue> =
            serde_json::from_str(self.text).map_err(|_| self.refuse("must be an array"))?;
        if items.len() > count_max {
            return Err(self.refuse(format!("may have at most {count_max} items")));
        }
        items
            .into_iter()
            .enumerate()
            .map(|(index, item)| read(Value::new(Place::Item(&self.place, index), item.get())))
            .collect()
    }

    fn fill<C: Collect<'a>>(&self, target: &mut C) -> Option<Flaw<'a>> {
        let mut json = serde_json::Deserializer::from_str(self.text);
        // The text is known to be JSON; what fails nevertheless is no object.
        Fill(target).deserialize(&mut json).unwrap_or(Some(Flaw::NotAnObject))
    }
}
