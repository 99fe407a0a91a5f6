//! What the server answers, read without changing it: numbers keep every digit they came with.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::fault::Fault;

/// A JSON object whose members are still text.
#[derive(Debug, Default)]
pub struct Object {
    members: BTreeMap<String, Box<RawValue>>,
}

/// A page of a list.
#[derive(Debug, serde::Deserialize)]
pub struct Page {
    /// Its items, as the server wrote them.
    pub items: Vec<Box<RawValue>>,
    /// Where the list goes on.
    pub next: Option<String>,
}

impl Object {
    /// Reads an object.
    ///
    /// # Errors
    /// If the text is none.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        serde_json::from_str(text)
            .map(|members| Self { members })
            .map_err(|error| not_understood().because(&error))
    }

    /// A member for people: strings without quotes, numbers as written, lists with commas.
    /// None if it is absent, `null` or empty.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        shown(self.members.get(name)?.get())
    }

    /// A member as the server wrote it.
    #[must_use]
    pub fn raw(&self, name: &str) -> Option<&str> {
        self.members.get(name).map(|raw| raw.get())
    }

    /// A member that is an object.
    #[must_use]
    pub fn object(&self, name: &str) -> Option<Self> {
        Self::parse(self.members.get(name)?.get()).ok()
    }

    /// A member that is a list of objects; empty if it is none.
    #[must_use]
    pub fn objects(&self, name: &str) -> Vec<Self> {
        let raw = self.members.get(name).map_or("[]", |raw| raw.get());
        let items: Vec<BTreeMap<String, Box<RawValue>>> =
            serde_json::from_str(raw).unwrap_or_default();
        items.into_iter().map(|members| Self { members }).collect()
    }
}

impl Page {
    /// Reads a page.
    ///
    /// # Errors
    /// If the text is none.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        serde_json::from_str(text).map_err(|error| not_understood().because(&error))
    }
}

/// The fault of an answer that is not what the contract says.
#[must_use]
pub fn not_understood() -> Fault {
    Fault::failure("the answer of the server is not understood")
        .advise("check that --server names a usance server of this version")
}

/// JSON text for people.
fn shown(raw: &str) -> Option<String> {
    match raw.as_bytes().first()? {
        b'n' => None,
        b'"' => serde_json::from_str(raw).ok(),
        b'[' => {
            let items: Vec<Box<RawValue>> = serde_json::from_str(raw).ok()?;
            let items: Vec<String> = items.iter().filter_map(|item| shown(item.get())).collect();
            (!items.is_empty()).then(|| items.join(", "))
        }
        b'{' => {
            let members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(raw).ok()?;
            let members: Vec<String> = members
                .iter()
                .filter_map(|(name, value)| Some(format!("{name}={}", shown(value.get())?)))
                .collect();
            (!members.is_empty()).then(|| members.join(", "))
        }
        _ => Some(raw.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_shown_exactly() {
        let object = Object::parse(
            r#"{"big": 9223372036.854775807, "name": "a \"b\"", "none": null, "yes": true,
                "list": ["x", 1], "nested": {"percent": 10, "x": null}, "empty": [], "bare": {}}"#,
        )
        .unwrap();
        for (name, expected) in [
            ("big", Some("9223372036.854775807")),
            ("name", Some("a \"b\"")),
            ("none", None),
            ("absent", None),
            ("yes", Some("true")),
            ("list", Some("x, 1")),
            ("nested", Some("percent=10")),
            ("empty", None),
            ("bare", None),
        ] {
            assert_eq!(object.text(name).as_deref(), expected, "{name}");
        }
    }
}
