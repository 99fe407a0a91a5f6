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
    /// Reads a whole body.
    pub(crate) fn of_body(
        text: &'a str,
        names: &'static [&'static str; N],
    ) -> Result<Result<Self, Refusal>, Malformed> {
        let mut json = serde_json::Deserializer::from_str(text);
        let found = Shape(names).deserialize(&mut json)?;
        json.end()?;
        Ok(Self::at(Place::Body, names, found))
    }

    /// The members that a [`Shape`] found at `place`.
    pub(crate) fn at(
        place: Place<'p>,
        names: &'static [&'static str; N],
        found: Result<[Option<&'a str>; N], Flaw<'a>>,
    ) -> Result<Self, Refusal> {
        match found {
            Ok(texts) => Ok(Self { place, names, texts }),
            Err(flaw) => Err(flaw.refusal(place, names)),
        }
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

    /// Refuses a member that this kind of request has no use for.
    pub(crate) fn none(&self, name: &'static str, reason: &'static str) -> Result<(), Refusal> {
        match self.value(name) {
            Some(value) if !value.is_null() => Err(Place::Member(&self.place, name).refuse(reason)),
            _ => Ok(()),
        }
    }

    fn value(&self, name: &'static str) -> Option<Value<'_, 'a>> {
        let index = self.names.iter().position(|known| *known == name);
        debug_assert!(index.is_some(), "{name} is not among the names");
        let text = self.texts.get(index?).copied().flatten()?;
        Some(Value::new(Place::Member(&self.place, name), text))
    }
}

/// Reads an object with members of these names.
#[derive(Clone, Copy)]
pub(crate) struct Shape<const N: usize>(pub(crate) &'static [&'static str; N]);

/// Reads an object with members of any name, of which it keeps one more than this many.
#[derive(Clone, Copy)]
pub(crate) struct AnyShape(pub(crate) usize);

/// Collects members. Everything that is JSON is read to its end, so that syntax is told first.
trait Collect<'de>: Sized {
    type Found;

    fn member(&mut self, name: Cow<'de, str>, text: &'de str) -> Result<(), Flaw<'de>>;
    fn found(self) -> Self::Found;
}

struct Known<'de, const N: usize> {
    names: &'static [&'static str; N],
    texts: [Option<&'de str>; N],
}

impl<'de, const N: usize> Collect<'de> for Known<'de, N> {
    type Found = [Option<&'de str>; N];

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

    fn found(self) -> Self::Found {
        self.texts
    }
}

struct Any<'de> {
    count_max: usize,
    entries: Entries<'de>,
}

impl<'de> Collect<'de> for Any<'de> {
    type Found = Entries<'de>;

    fn member(&mut self, name: Cow<'de, str>, text: &'de str) -> Result<(), Flaw<'de>> {
        // One too many is kept, for [`Value::entries`] to refuse, and no more.
        if self.entries.len() <= self.count_max {
            self.entries.push((name, text));
        }
        Ok(())
    }

    fn found(self) -> Self::Found {
        self.entries
    }
}

impl<'de, const N: usize> DeserializeSeed<'de> for Shape<N> {
    type Value = Result<[Option<&'de str>; N], Flaw<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_any(Object(Known { names: self.0, texts: [None; N] }))
    }
}

impl<'de> DeserializeSeed<'de> for AnyShape {
    type Value = Result<Entries<'de>, Flaw<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_any(Object(Any { count_max: self.0, entries: Vec::new() }))
    }
}

/// Visits whatever is there; only an object is good.
struct Object<C>(C);

impl<'de, C: Collect<'de>> Visitor<'de> for Object<C> {
    type Value = Result<C::Found, Flaw<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(mut self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut flaw = None;
        while let Some(Name(name)) = map.next_key()? {
            let text = map.next_value::<&'de RawValue>()?.get();
            if flaw.is_none() {
                flaw = self.0.member(name, text).err();
            }
        }
        Ok(flaw.map_or_else(|| Ok(self.0.found()), Err))
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Self::Value, S::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Err(Flaw::NotAnObject))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Err(Flaw::NotAnObject))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Err(Flaw::NotAnObject))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Err(Flaw::NotAnObject))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Err(Flaw::NotAnObject))
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Err(Flaw::NotAnObject))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Err(Flaw::NotAnObject))
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
