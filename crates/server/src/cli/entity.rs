//! Things on the server, each described once: where they live, what of them people see, and what
//! they can be asked. The command line of a thing follows from its description.

mod act;
mod field;

use clap::{ArgMatches, Args, Command, FromArgMatches, Subcommand};

pub use self::act::Deed;
pub use self::field::Field;
use super::connection::Connection;
use super::fault::Fault;
use super::json::Object;
use super::paging::Paging;
use super::table::Column;

/// A kind of thing.
#[derive(Debug)]
pub struct Entity {
    /// The word for it, which is also its command.
    pub word: &'static str,
    /// What it is, for people.
    pub about: &'static str,
    /// How it is used.
    pub examples: &'static str,
    /// Its collection, `{}` for each of the parents.
    pub path: &'static str,
    /// What it belongs to.
    pub parents: &'static [Named],
    /// How one of them is named.
    pub own: Named,
    /// What a list shows.
    pub columns: &'static [Column],
    /// What a description shows.
    pub details: &'static [Column],
    /// Tables below a description.
    pub parts: &'static [Part],
    /// What it can be asked.
    pub verbs: &'static [Verb],
}

/// An argument that names a thing.
#[derive(Debug, Clone, Copy)]
pub struct Named {
    /// The argument, as the help shows it.
    pub argument: &'static str,
    /// How it is named.
    pub about: &'static str,
}

/// A table below a description: a member that is a list, or something made of several members.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// Its rows.
    pub rows: fn(&Object) -> Vec<Object>,
    /// Its columns.
    pub columns: &'static [Column],
}

/// Something that a kind of thing can be asked.
#[derive(Debug, Clone, Copy)]
pub struct Verb {
    name: &'static str,
    alias: Option<&'static str>,
    about: &'static str,
    examples: &'static str,
    more: Option<fn() -> String>,
    says: Option<&'static str>,
    does: Does,
}

/// What a verb comes to.
#[derive(Debug, Clone, Copy)]
pub enum Does {
    /// Makes one of these members.
    Make(Fields),
    /// Lists those that the filters want.
    List(Fields),
    /// Lists those that the filters want, whatever they belong to: from this path.
    ListFrom(&'static str, Fields),
    /// Lists all of them, in one page.
    ListWhole,
    /// Lists what lies below one of them, at this path.
    ListBelow(&'static str, &'static [Column]),
    /// Shows one.
    Show,
    /// Changes these members of one.
    Change(Fields),
    /// Deletes one; the word for that.
    Delete(&'static str),
    /// Asks for something else.
    Act(Deed),
    /// Something of its own.
    Own(Own),
}

/// Groups of members, so that several verbs share them.
pub type Fields = &'static [&'static [Field]];

/// A verb whose arguments and whose deed are its own.
#[derive(Debug, Clone, Copy)]
pub struct Own {
    arguments: fn(Command) -> Command,
    run: fn(&ArgMatches, &Connection) -> Result<(), Fault>,
}

/// A command with a connection, beneath a thing.
pub trait Run: Args {
    /// Does what is asked.
    ///
    /// # Errors
    /// If the server does not, or the arguments do not go together.
    fn run(self, connection: &Connection) -> Result<(), Fault>;
}

impl Named {
    /// An argument that names a thing so.
    #[must_use]
    pub const fn new(argument: &'static str, about: &'static str) -> Self {
        Self { argument, about }
    }
}

impl Own {
    /// The verb with these arguments.
    #[must_use]
    pub const fn of<C: Run>() -> Self {
        Self { arguments: C::augment_args, run: run_own::<C> }
    }
}

fn run_own<C: Run>(said: &ArgMatches, connection: &Connection) -> Result<(), Fault> {
    C::from_arg_matches(said).map_err(|error| Fault::usage(error.to_string()))?.run(connection)
}

impl Verb {
    /// A verb with its name, what it does and an example.
    #[must_use]
    pub const fn new(
        name: &'static str,
        about: &'static str,
        examples: &'static str,
        does: Does,
    ) -> Self {
        Self { name, alias: None, about, examples, more: None, says: None, does }
    }

    /// With another name.
    #[must_use]
    pub const fn alias(self, alias: &'static str) -> Self {
        Self { alias: Some(alias), ..self }
    }

    /// With more to read before the examples.
    #[must_use]
    pub const fn explained(self, more: fn() -> String) -> Self {
        Self { more: Some(more), ..self }
    }

    /// With something that people are told once it is done.
    #[must_use]
    pub const fn saying(self, says: &'static str) -> Self {
        Self { says: Some(says), ..self }
    }

    /// Whether it is about one thing, which must be named.
    const fn names_one(&self) -> bool {
        match self.does {
            Does::Show | Does::Change(_) | Does::Delete(_) | Does::ListBelow(..) => true,
            Does::Act(deed) => deed.is_of_one(),
            Does::Make(_) | Does::List(_) | Does::ListFrom(..) | Does::ListWhole | Does::Own(_) => {
                false
            }
        }
    }

    const fn fields(&self) -> Fields {
        match self.does {
            Does::Make(fields)
            | Does::List(fields)
            | Does::ListFrom(_, fields)
            | Does::Change(fields) => fields,
            Does::Act(deed) => deed.fields,
            _ => &[],
        }
    }

    fn is_within_parents(&self) -> bool {
        !matches!(self.does, Does::ListFrom(..) | Does::Own(_))
    }

    fn command(&self, entity: &Entity) -> Command {
        let mut command = Command::new(self.name).about(self.about);
        if let Some(alias) = self.alias {
            command = command.visible_alias(alias);
        }
        let title = if self.examples.contains('\n') { "Examples" } else { "Example" };
        let examples = self.examples.replace('\n', "\n  ");
        let more = self.more.map(|more| format!("{}\n\n", more())).unwrap_or_default();
        command = command.after_help(format!("{more}{title}:\n  {examples}"));
        if self.is_within_parents() {
            command = command.args(entity.parents.iter().map(Named::arg));
        }
        if self.names_one() {
            command = command.arg(entity.own.arg());
        }
        for field in self.fields().iter().copied().flatten() {
            command = command.arg(field.arg());
        }
        match self.does {
            Does::List(_) | Does::ListFrom(..) | Does::ListBelow(..) => {
                Paging::augment_args(command)
            }
            Does::Own(own) => (own.arguments)(command)
                .about(self.about)
                .after_help(format!("{more}{title}:\n  {examples}")),
            _ => command,
        }
    }
}

impl Named {
    fn arg(&self) -> clap::Arg {
        clap::Arg::new(self.argument).required(true).help(self.about)
    }
}

impl Entity {
    fn command(&self) -> Command {
        let examples = self.examples.replace('\n', "\n  ");
        Connection::augment_args(Command::new(self.word))
            .about(self.about)
            .after_help(format!("Examples:\n  {examples}"))
            .subcommand_required(true)
            .arg_required_else_help(true)
            .subcommands(self.verbs.iter().map(|verb| verb.command(self)))
    }
}

/// Every kind of thing, in the order of the help.
const ENTITIES: &[&Entity] = &[
    &super::product::PRODUCT,
    &super::policy::POLICY,
    &super::customer::CUSTOMER,
    &super::user::USER,
    &super::entitlement::ENTITLEMENT,
    &super::license::LICENSE,
    &super::activation::ACTIVATION,
    &super::process::PROCESS,
    &super::meter::METER,
    &super::hold::HOLD,
    &super::session::SESSION,
    &super::token::TOKEN,
    &super::keys::KEYS,
    &super::rule::RULE,
];

/// A command about some kind of thing.
#[derive(Debug)]
pub struct Things {
    entity: &'static Entity,
    connection: Connection,
    said: ArgMatches,
}

impl Things {
    /// Does what is asked.
    ///
    /// # Errors
    /// If the server does not.
    pub fn run(&self) -> Result<(), Fault> {
        let found = self.said.subcommand().and_then(|(name, said)| {
            let verb = self.entity.verbs.iter().find(|verb| verb.name == name)?;
            Some((verb, said))
        });
        match found {
            Some((verb, said)) => act::run(self.entity, verb, said, &self.connection),
            // The parser wants a verb, and knows no others.
            None => Err(Fault::usage("say what to do; see the same command with --help")),
        }
    }
}

impl FromArgMatches for Things {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let found = matches.subcommand().and_then(|(name, said)| {
            Some((*ENTITIES.iter().find(|entity| entity.word == name)?, said))
        });
        let (entity, said) =
            found.ok_or_else(|| clap::Error::new(clap::error::ErrorKind::InvalidSubcommand))?;
        Ok(Self { entity, connection: Connection::from_arg_matches(said)?, said: said.clone() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Subcommand for Things {
    fn augment_subcommands(command: Command) -> Command {
        command.subcommands(ENTITIES.iter().map(|entity| entity.command()))
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        ENTITIES.iter().any(|entity| entity.word == name)
    }
}

#[cfg(test)]
mod tests;
