//! What every kind of thing in the catalogue can be asked: create, list, show, change, delete.

use ureq::http::Method;

use super::body::Body;
use super::client::{Client, segment};
use super::connection::{Connection, Form};
use super::fault::Fault;
use super::json::Object;
use super::output;
use super::paging::Paging;
use super::table::{self, Column, Place};

/// A kind of thing, where it lives, and what of it people see.
#[derive(Debug)]
pub struct Resource {
    /// The word for it.
    pub word: &'static str,
    /// Its collection.
    pub path: &'static str,
    /// What a list shows.
    pub columns: &'static [Column],
    /// What a description shows.
    pub details: &'static [Column],
}

/// One kind of thing on one server.
pub struct Catalogue<'a> {
    resource: &'a Resource,
    client: Client,
    form: Form,
}

impl Resource {
    /// The things of this kind on the server that the options name.
    ///
    /// # Errors
    /// If the options name none.
    pub fn on(&self, connection: &Connection) -> Result<Catalogue<'_>, Fault> {
        Ok(Catalogue { resource: self, client: connection.client()?, form: connection.form() })
    }
}

impl Catalogue<'_> {
    /// Makes one, and shows it.
    ///
    /// # Errors
    /// If the server does not.
    pub fn create(&self, body: &Body) -> Result<Object, Fault> {
        let text = body.text();
        let made = self.client.data(&Method::POST, self.resource.path, Some(&text))?;
        self.print(&made)
    }

    /// Lists those that the query wants.
    ///
    /// # Errors
    /// If the server does not.
    pub fn list(&self, paging: &Paging, query: &[(&str, Option<String>)]) -> Result<(), Fault> {
        let Resource { path, columns, .. } = self.resource;
        paging.print(&self.client, self.form, path, query, columns)
    }

    /// Shows one.
    ///
    /// # Errors
    /// If the server does not.
    pub fn show(&self, name: &str) -> Result<Object, Fault> {
        self.print(&self.client.fetch(&self.path_of(name))?)
    }

    /// Changes one, and shows it.
    ///
    /// # Errors
    /// If nothing is to be changed, or the server does not.
    pub fn change(&self, name: &str, body: &Body) -> Result<Object, Fault> {
        let text = body.change()?;
        let path = self.path_of(name);
        self.print(&self.client.data(&Method::PATCH, &path, Some(&text))?)
    }

    /// Does one of its actions, and shows it.
    ///
    /// # Errors
    /// If the server does not.
    pub fn act(&self, name: &str, action: &str) -> Result<Object, Fault> {
        let path = format!("{}/{action}", self.path_of(name));
        self.print(&self.client.data(&Method::POST, &path, None)?)
    }

    /// Deletes one and says so; `done` is the word for it.
    ///
    /// # Errors
    /// If the server does not.
    pub fn delete(&self, name: &str, done: &str) -> Result<(), Fault> {
        let answer = self.client.data(&Method::DELETE, &self.path_of(name), None)?;
        match self.form {
            Form::Programs if answer.trim().is_empty() => Ok(()),
            Form::Programs => output::line(answer.trim_end()),
            Form::People => {
                output::talk(format_args!("{} {name} is {done}.", self.resource.word));
                Ok(())
            }
        }
    }

    fn path_of(&self, name: &str) -> String {
        format!("{}/{}", self.resource.path, segment(name))
    }

    fn print(&self, answer: &str) -> Result<Object, Fault> {
        let thing = Object::parse(answer)?;
        match self.form {
            Form::Programs => output::line(answer.trim_end())?,
            Form::People => {
                let place = Place::of_stdout();
                output::line(table::details(self.resource.details, &thing, place))?;
            }
        }
        Ok(thing)
    }

    /// For whom it prints.
    #[must_use]
    pub const fn form(&self) -> Form {
        self.form
    }
}
