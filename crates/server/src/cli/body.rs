//! The JSON body of a request, from what the command line says.

use serde_json::{Map, Value};

use super::fault::Fault;

/// A body under construction: what is not said is left out.
#[derive(Debug, Default)]
pub struct Body(Map<String, Value>);

impl Body {
    /// With a member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// With a member, if it is said.
    #[must_use]
    pub fn maybe(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// With a list, if it has anything in it.
    #[must_use]
    pub fn list(self, name: &str, values: Vec<impl Into<Value>>) -> Self {
        if values.is_empty() {
            return self;
        }
        let values: Vec<Value> = values.into_iter().map(Into::into).collect();
        self.with(name, values)
    }

    /// With `archived`, if one of the two flags is given.
    #[must_use]
    pub fn archived(self, archive: bool, unarchive: bool) -> Self {
        self.maybe("archived", (archive || unarchive).then_some(archive))
    }

    /// As JSON text.
    #[must_use]
    pub fn text(&self) -> String {
        Value::from(self.0.clone()).to_string()
    }

    /// As JSON text of a change, which must change something.
    ///
    /// # Errors
    /// If nothing is said.
    pub fn change(&self) -> Result<String, Fault> {
        if self.0.is_empty() {
            return Err(Fault::usage("nothing to change was named")
                .advise("see the same command with --help"));
        }
        Ok(self.text())
    }
}

impl From<Body> for Value {
    fn from(body: Body) -> Self {
        Self::Object(body.0)
    }
}
