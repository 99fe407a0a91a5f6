//! What can be said of a thing: an argument of the command line, and a member of the body.

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Arg, ArgAction, ArgMatches};
use serde_json::Value;

use crate::cli::body::Body;
use crate::cli::value;

/// An argument, and where in the body its value goes.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    name: &'static str,
    member: &'static str,
    about: &'static str,
    value_name: Option<&'static str>,
    place: Place,
    reads: Reads,
    gathers: Gathers,
    conflicts: Option<&'static str>,
}

/// Where it stands on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Flag { required: bool },
    Position { required: bool },
}

/// How a value is read.
#[derive(Debug, Clone, Copy)]
enum Reads {
    With(fn(&str) -> Result<Value, String>),
    Words(&'static [&'static str]),
    Switch(bool),
}

/// What becomes of several values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gathers {
    /// There is one.
    One,
    /// They are a list. Null is no item, so that it alone is the empty list.
    List,
    /// They are objects, which become one.
    Object,
}

impl Field {
    /// `--name TEXT`, the member of this name.
    #[must_use]
    pub const fn flag(name: &'static str, member: &'static str, about: &'static str) -> Self {
        Self {
            name,
            member,
            about,
            value_name: None,
            place: Place::Flag { required: false },
            reads: Reads::With(value::text),
            gathers: Gathers::One,
            conflicts: None,
        }
    }

    /// An argument without a flag that must be there; its name is as the help shows it.
    #[must_use]
    pub const fn place(name: &'static str, member: &'static str, about: &'static str) -> Self {
        Self { place: Place::Position { required: true }, ..Self::flag(name, member, about) }
    }

    /// `--name`, which stands for a value.
    #[must_use]
    pub const fn switch(
        name: &'static str,
        member: &'static str,
        on: bool,
        about: &'static str,
    ) -> Self {
        Self { reads: Reads::Switch(on), ..Self::flag(name, member, about) }
    }

    /// That must be there.
    #[must_use]
    pub const fn required(self) -> Self {
        let place = match self.place {
            Place::Flag { .. } => Place::Flag { required: true },
            Place::Position { .. } => Place::Position { required: true },
        };
        Self { place, ..self }
    }

    /// That may be left out.
    #[must_use]
    pub const fn optional(self) -> Self {
        let place = match self.place {
            Place::Flag { .. } => Place::Flag { required: false },
            Place::Position { .. } => Place::Position { required: false },
        };
        Self { place, ..self }
    }

    /// Whose values are read so; the help calls them `value_name`.
    #[must_use]
    pub const fn reads(
        self,
        value_name: &'static str,
        reads: fn(&str) -> Result<Value, String>,
    ) -> Self {
        Self { reads: Reads::With(reads), value_name: Some(value_name), ..self }
    }

    /// Whose value is one of these words.
    #[must_use]
    pub const fn words(self, words: &'static [&'static str]) -> Self {
        Self { reads: Reads::Words(words), ..self }
    }

    /// Which may be given several times, for a list.
    #[must_use]
    pub const fn list(self) -> Self {
        Self { gathers: Gathers::List, ..self }
    }

    /// Which may be given several times, each a member of an object.
    #[must_use]
    pub const fn object(self) -> Self {
        Self { gathers: Gathers::Object, ..self }
    }

    /// Which does not go together with another.
    #[must_use]
    pub const fn or(self, other: &'static str) -> Self {
        Self { conflicts: Some(other), ..self }
    }

    /// Where in the body it goes.
    #[cfg(test)]
    pub(super) const fn member(&self) -> &'static str {
        self.member
    }

    /// As the command line has it.
    pub(super) fn arg(&self) -> Arg {
        let mut arg = Arg::new(self.name).help(self.help());
        arg = match self.place {
            Place::Flag { required } => arg.long(self.name).required(required),
            Place::Position { required } => arg.required(required),
        };
        if matches!(self.place, Place::Flag { .. }) {
            let shown = || self.name.replace('-', "_").to_uppercase();
            arg = arg.value_name(self.value_name.map_or_else(shown, str::to_owned));
        }
        if let Some(other) = self.conflicts {
            arg = arg.conflicts_with(other);
        }
        arg = match self.gathers {
            Gathers::One => arg,
            Gathers::List | Gathers::Object => arg.action(ArgAction::Append),
        };
        match self.reads {
            Reads::With(reads) => arg.value_parser(reads).allow_negative_numbers(true),
            Reads::Words(words) => {
                arg.value_parser(PossibleValuesParser::new(words).map(Value::String))
            }
            Reads::Switch(_) => arg.action(ArgAction::SetTrue),
        }
    }

    fn help(&self) -> String {
        match self.gathers {
            Gathers::One => self.about.to_owned(),
            Gathers::List | Gathers::Object => {
                format!("{}; may be given several times", self.about)
            }
        }
    }

    /// Puts into the body what was said.
    ///
    /// # Errors
    /// If something is said twice.
    pub(super) fn fill(&self, said: &ArgMatches, body: &mut Body) -> Result<(), String> {
        if let Reads::Switch(on) = self.reads {
            return match said.get_flag(self.name) {
                true => body.put(self.member, on.into()),
                false => Ok(()),
            };
        }
        let Some(values) = said.get_many::<Value>(self.name) else {
            return Ok(());
        };
        let values: Vec<Value> = values.cloned().collect();
        match self.gathers {
            Gathers::List => {
                let items: Vec<Value> =
                    values.into_iter().filter(|value| !value.is_null()).collect();
                body.put(self.member, items.into())
            }
            Gathers::One | Gathers::Object => {
                values.into_iter().try_for_each(|value| body.put(self.member, value))
            }
        }
    }
}
