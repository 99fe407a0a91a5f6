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

    /// Puts a value at a path of members, with dots between them; the empty path is the body
    /// itself. Objects become one.
    ///
    /// # Errors
    /// If a member is there already, naming it.
    pub fn put(&mut self, path: &str, value: Value) -> Result<(), String> {
        let mut names: Vec<&str> = path.split('.').filter(|name| !name.is_empty()).collect();
        let whole = names
            .drain(..)
            .rev()
            .fold(value, |value, name| Self::default().with(name, value).into());
        match whole {
            Value::Object(members) => merge(&mut self.0, members),
            _ => Err("a body is an object".into()),
        }
    }

    /// As the query of a list.
    #[must_use]
    pub fn query(&self) -> Vec<(&str, Option<String>)> {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        self.0.iter().map(|(name, value)| (name.as_str(), Some(text(value)))).collect()
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

fn merge(all: &mut Map<String, Value>, more: Map<String, Value>) -> Result<(), String> {
    for (name, value) in more {
        match (all.get_mut(&name), value) {
            (None, value) => {
                all.insert(name, value);
            }
            (Some(Value::Object(found)), Value::Object(value)) => merge(found, value)?,
            (Some(_), _) => return Err(format!("{name} is given twice")),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_come_together_and_none_twice() {
        let mut body = Body::default();
        for (path, value) in [
            ("subject.user", Value::from("ada")),
            ("subject.host", "n7".into()),
            ("terms", Body::default().with("strict", true).into()),
            ("terms", Body::default().with("max_cores", 8).into()),
            ("", Body::default().with("name", "frames").into()),
        ] {
            body.put(path, value).unwrap();
        }
        assert_eq!(
            Value::from(body).to_string(),
            r#"{"name":"frames","subject":{"host":"n7","user":"ada"},"#.to_owned()
                + r#""terms":{"max_cores":8,"strict":true}}"#
        );
        let mut body = Body::default();
        body.put("terms.strict", true.into()).unwrap();
        let again = body.put("terms", Body::default().with("strict", false).into());
        assert_eq!(again, Err("strict is given twice".into()));
    }
}
