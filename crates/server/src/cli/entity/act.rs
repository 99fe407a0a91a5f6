//! Doing what a verb says: asking the server, and showing what it answers.

use clap::{ArgMatches, FromArgMatches as _};
use ureq::http::Method;

use super::{Does, Entity, Fields, Verb};
use crate::cli::body::Body;
use crate::cli::client::{Client, segment};
use crate::cli::connection::{Connection, Form};
use crate::cli::fault::Fault;
use crate::cli::json::Object;
use crate::cli::output;
use crate::cli::paging::Paging;
use crate::cli::table::{self, Column, Place};

/// A request that is neither of the usual ones: a POST below a collection or one thing.
#[derive(Debug, Clone, Copy)]
pub struct Deed {
    tail: &'static str,
    of: Of,
    /// What its body may say.
    pub(super) fields: Fields,
    shows: Option<&'static [Column]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    All,
    One,
}

impl Deed {
    /// To one thing, at this path below it.
    #[must_use]
    pub const fn of_one(tail: &'static str) -> Self {
        Self { tail, of: Of::One, fields: &[], shows: None }
    }

    /// To the collection, at this path below it.
    #[must_use]
    pub const fn of_all(tail: &'static str) -> Self {
        Self { tail, of: Of::All, fields: &[], shows: None }
    }

    /// With a body that may say this.
    #[must_use]
    pub const fn taking(self, fields: Fields) -> Self {
        Self { fields, ..self }
    }

    /// Whose answer is not the thing itself, but this.
    #[must_use]
    pub const fn showing(self, shows: &'static [Column]) -> Self {
        Self { shows: Some(shows), ..self }
    }

    /// Its path below the collection.
    #[cfg(test)]
    pub(super) fn path(&self) -> String {
        let one = if self.is_of_one() { "/{}" } else { "" };
        let tail = if self.tail.is_empty() { String::new() } else { format!("/{}", self.tail) };
        format!("{one}{tail}")
    }

    pub(super) const fn is_of_one(&self) -> bool {
        matches!(self.of, Of::One)
    }
}

/// One request about some kind of thing.
struct Request<'a> {
    entity: &'a Entity,
    said: &'a ArgMatches,
    client: Client,
    form: Form,
}

/// Does it.
pub(super) fn run(
    entity: &Entity,
    verb: &Verb,
    said: &ArgMatches,
    connection: &Connection,
) -> Result<(), Fault> {
    if let Does::Own(own) = verb.does {
        return (own.run)(said, connection);
    }
    let body = body(verb.fields(), said)?;
    let request = Request { entity, said, client: connection.client()?, form: connection.form() };
    request.run(verb, &body)?;
    if let Some(says) = verb.says
        && request.form == Form::People
    {
        output::talk(says);
    }
    Ok(())
}

fn body(fields: Fields, said: &ArgMatches) -> Result<Body, Fault> {
    let mut body = Body::default();
    for field in fields.iter().copied().flatten() {
        field.fill(said, &mut body).map_err(Fault::usage)?;
    }
    Ok(body)
}

impl Request<'_> {
    fn run(&self, verb: &Verb, body: &Body) -> Result<(), Fault> {
        match verb.does {
            Does::Make(_) => {
                self.show(&self.client.data(&Method::POST, &self.all(), Some(&body.text()))?)
            }
            Does::List(_) => self.list(&self.all(), body, self.entity.columns),
            Does::ListFrom(path, _) => self.list(path, body, self.entity.columns),
            Does::ListBelow(tail, columns) => {
                self.list(&format!("{}/{tail}", self.one()), body, columns)
            }
            Does::ListWhole => {
                let answer = self.client.fetch(&self.all())?;
                table::print_list(self.form, &answer, self.entity.columns, "items")
            }
            Does::Show => self.show(&self.client.fetch(&self.one())?),
            Does::Change(_) => {
                let body = body.change()?;
                self.show(&self.client.data(&Method::PATCH, &self.one(), Some(&body))?)
            }
            Does::Delete(done) => self.delete(done),
            Does::Act(deed) => self.act(deed, body),
            // Done without a request of this kind.
            Does::Own(_) => Ok(()),
        }
    }

    fn list(&self, path: &str, filters: &Body, columns: &[Column]) -> Result<(), Fault> {
        let paging =
            Paging::from_arg_matches(self.said).map_err(|error| Fault::usage(error.to_string()))?;
        paging.print(&self.client, self.form, path, &filters.query(), columns)
    }

    fn act(&self, deed: Deed, body: &Body) -> Result<(), Fault> {
        let place = match deed.of {
            Of::All => self.all(),
            Of::One => self.one(),
        };
        let path = match deed.tail {
            "" => place,
            tail => format!("{place}/{tail}"),
        };
        let body = (!deed.fields.is_empty()).then(|| body.text());
        let answer = self.client.data(&Method::POST, &path, body.as_deref())?;
        match deed.shows {
            Some(columns) => table::print_details(self.form, &answer, columns),
            None => self.show(&answer),
        }
    }

    fn delete(&self, done: &str) -> Result<(), Fault> {
        let answer = self.client.data(&Method::DELETE, &self.one(), None)?;
        match self.form {
            Form::Programs if answer.trim().is_empty() => Ok(()),
            Form::Programs => output::line(answer.trim_end()),
            Form::People => {
                let (word, name) = (self.entity.word, self.named(self.entity.own.argument));
                output::talk(format_args!("{word} {name} is {done}."));
                Ok(())
            }
        }
    }

    /// Shows a description, and the tables below it.
    fn show(&self, answer: &str) -> Result<(), Fault> {
        table::print_details(self.form, answer, self.entity.details)?;
        if self.form == Form::Programs {
            return Ok(());
        }
        let thing = Object::parse(answer)?;
        for part in self.entity.parts {
            let rows = (part.rows)(&thing);
            if !rows.is_empty() {
                output::line(format_args!(
                    "\n{}",
                    table::list(part.columns, &rows, Place::of_stdout())
                ))?;
            }
        }
        Ok(())
    }

    fn named(&self, argument: &str) -> &str {
        self.said.get_one::<String>(argument).map_or("", String::as_str)
    }

    /// The path of the collection.
    fn all(&self) -> String {
        self.entity.parents.iter().fold(self.entity.path.to_owned(), |path, parent| {
            path.replacen("{}", &segment(self.named(parent.argument)), 1)
        })
    }

    /// The path of the one that is named.
    fn one(&self) -> String {
        format!("{}/{}", self.all(), segment(self.named(self.entity.own.argument)))
    }
}
