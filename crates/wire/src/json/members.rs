//! The members of an object: each of a known name, each once.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use usance_core::refusal::Refusal;

use crate::json::place::Place;
use crate::json::syntax::Malformed;
use crate::json::value::Value;

/// The members of an object whose names are known beforehand, as text.
#[derive(Debug)]
pub(crate) struct Members<'p, 'a, const N: usize> {
    place: Place<'p>,
    names: &'static [&'static str; N],
    texts: [Option<&'a str>; N],
}

/// The members of an object whose names are data, in the order of the text.
pub(crate) type Entries<'a> = Vec<(Cow<'a, str>, &'a str)>;

/// What is wrong with an object that is JSON.
#[derive(Debug)]
pub(crate) enum Flaw<'a> {
    /// It is none.
    NotAnObject,
    /// A member has a name that is not known.
    Unknown(Cow<'a, str>),
    /// Two members have the same name.
    Twice(Cow<'a, str>),
}

impl Flaw<'_> {
    /// The refusal of an object at `place` that may have members of these names.
    pub(crate) fn refusal(&self, place: Place<'_>, names: &[&str]) -> Refusal {
        match self {
            Self::NotAnObject => place.refuse("must be a JSON object"),
            Self::Twice(name) => Place::Member(&place, name).refuse("may be there once"),
            Self::Unknown(name) => {
                let place = Place::Member(&place, name);
                if names.is_empty() {
                    return place.refuse("is not known here; nothing is");
                }
                place.refuse(format!("is not known here; known are {}", names.join(", ")))
            }
        }
    }
}

impl<'p, 'a, const N: usize> Members<'p, 'a, N> {
    /// An object at `place` of which nothing is known yet, to be [`Fill`]ed.
    pub(crate) const fn empty(place: Place<'p>, names: &'static [&'static str; N]) -> Self {
        Self { place, names, texts: [None; N] }
    }

    /// Reads a whole body.
    pub(crate) fn of_body(
        text: &'a str,
        names: &'static [&'static str; N],
    ) -> Result<Result<Self, Refusal>, Malformed> {
        let mut members = Self::empty(Place::Body, names);
        let mut json = serde_json::Deserializer::from_str(text);
        let flaw = Fill(&mut members).deserialize(&mut json)?;
        json.end()?;
        Ok(match flaw {
            Some(flaw) => Err(members.refuse(&flaw)),
            None => Ok(members),
        })
    }

    /// The refusal of the object for a flaw.
    pub(crate) fn refuse(&self, flaw: &Flaw<'_>) -> Refusal {
        flaw.refusal(self.place, self.names)
    }

    /// A member that may be left out, or be null, which is the same.
    pub(crate) fn read<'s, T>(
        &'s self,
        name: &'static str,
        read: impl FnOnce(Value<'s, 'a>) -> Result<T, Refusal>,
    ) -> Result<Option<T>, Refusal> {
        match self.value(name) {
            Some(value) if !value.is_null() => read(value).map(Some),
            _ => Ok(None),
        }
    }

    /// A member that has to be there.
    pub(crate) fn need<'s, T>(
        &'s self,
        name: &'static str,
        read: impl FnOnce(Value<'s, 'a>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        self.read(name, read)?.ok_or_else(|| Place::Member(&self.place, name).refuse("is missing"))
    }

    /// A member of a change: left out it changes nothing, and null is no value.
    pub(crate) fn change<'s, T>(
        &'s self,
        name: &'static str,
        read: impl FnOnce(Value<'s, 'a>) -> Result<T, Refusal>,
    ) -> Result<Option<T>, Refusal> {
        self.value(name).map(read).transpose()
    }

    /// A member of a change: left out it changes nothing, and null takes the value away.
    pub(crate) fn clear<'s, T>(
        &'s self,
        name: &'static str,
        read: impl FnOnce(Value<'s, 'a>) -> Result<T, Refusal>,
    ) -> Result<Option<Option<T>>, Refusal> {
        self.value(name)
            .map(|value| (!value.is_null()).then(|| read(value)).transpose())
            .transpose()
    }

    /// Whether a member of the names from `index` on is there, and not null.
    pub(crate) fn any_from(&self, index: usize) -> bool {
        let rest = self.texts.get(index..).unwrap_or_default();
        rest.iter().flatten().any(|text| *text != "null")
    }

    /// The names of the members that are there, and not null.
    pub(crate) fn present(&self) -> impl Iterator<Item = &'static str> {
        let there = |text: &Option<&str>| text.is_some_and(|text| text != "null");
        self.names
            .iter()
            .zip(&self.texts)
            .filter(move |(_, text)| there(text))
            .map(|(name, _)| *name)
    }

    /// The refusal of a member.
    pub(crate) fn refuse_member(&self, name: &str, reason: &'static str) -> Refusal {
        Place::Member(&self.place, name).refuse(reason)
    }

    fn value(&self, name: &'static str) -> Option<Value<'_, 'a>> {
        let index = self.names.iter().position(|known| *known == name);
        debug_assert!(index.is_some(), "{name} is not among the names");
        let text = self.texts.get(index?).copied().flatten()?;
        Some(Value::new(Place::Member(&self.place, name), text))
    }
}

/// What an object's members are put into.
pub(crate) trait Collect<'de> {
    /// Takes a member, or says what is wrong with it.
    fn member(&mut self, name: Cow<'de, str>, text: &'de str) -> Result<(), Flaw<'de>>;
}

impl<'de, const N: usize> Collect<'de> for Members<'_, 'de, N> {
    fn member(&mut self, name: Cow<'de, str>, text: &'de str) -> Result<(), Flaw<'de>> {
        let index = self.names.iter().position(|known| *known == name);
        let Some(slot) = index.and_then(|index| self.texts.get_mut(index)) else {
            return Err(Flaw::Unknown(name));
        };
        if slot.replace(text).is_some() {
            return Err(Flaw::Twice(name));
        }
        Ok(())
    }
}

/// Entries, of which one too many is kept, for [`Value::entries`] to refuse, and no more.
pub(crate) struct Bounded<'de> {
    /// How many there may be.
    pub(crate) count_max: usize,
    /// Those there are.
    pub(crate) entries: Entries<'de>,
}

impl<'de> Collect<'de> for Bounded<'de> {
    fn member(&mut self, name: Cow<'de, str>, text: &'de str) -> Result<(), Flaw<'de>> {
        if self.entries.len() <= self.count_max {
            self.entries.push((name, text));
        }
        Ok(())
    }
}

/// Reads an object into its target, and tells the first flaw. What is JSON is read to its end even
/// then, so that bad syntax is told first. The target is filled in place: moving it showed in
/// profiles of batches.
pub(crate) struct Fill<'t, C>(pub(crate) &'t mut C);

impl<'de, C: Collect<'de>> DeserializeSeed<'de> for Fill<'_, C> {
    type Value = Option<Flaw<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_any(self)
    }
}

/// Visits whatever is there; only an object is good.
impl<'de, C: Collect<'de>> Visitor<'de> for Fill<'_, C> {
    type Value = Option<Flaw<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut flaw = None;
        while let Some(Name(name)) = map.next_key()? {
            let text = map.next_value::<&'de RawValue>()?.get();
            if flaw.is_none() {
                flaw = self.0.member(name, text).err();
            }
        }
        Ok(flaw)
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Self::Value, S::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Some(Flaw::NotAnObject))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Some(Flaw::NotAnObject))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Some(Flaw::NotAnObject))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Some(Flaw::NotAnObject))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Some(Flaw::NotAnObject))
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Some(Flaw::NotAnObject))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Some(Flaw::NotAnObject))
    }
}

/// A member's name, borrowed where it has no escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de> serde::Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct Text;

        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }

        json.deserialize_str(Text)
    }
}
