//! Lists that go on over several pages.

use clap::Args;

use super::client::{Client, with_query};
use super::connection::Form;
use super::fault::Fault;
use super::json::{Object, Page};
use super::output;
use super::table::{self, Column, Place};

/// The longest page a server gives.
const PAGE_ITEMS_MAX: usize = 1000;

/// How much of a list to show.
#[derive(Debug, Clone, Args)]
pub struct Paging {
    /// At most so many items
    #[arg(long, value_name = "N", default_value_t = 100)]
    #[arg(value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
    limit: usize,
    /// Every item, however many there are
    #[arg(long, conflicts_with_all = ["limit", "cursor"])]
    all: bool,
    /// Go on where another list ended (its `next`)
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
}

/// The items of a list that were asked for.
struct Items {
    raw: Vec<String>,
    next: Option<String>,
}

impl Paging {
    /// Fetches a list and prints it.
    ///
    /// # Errors
    /// If a page cannot be had.
    pub fn print(
        &self,
        client: &Client,
        form: Form,
        path: &str,
        query: &[(&str, Option<String>)],
        columns: &[Column],
    ) -> Result<(), Fault> {
        let items = self.fetch(client, path, query)?;
        if form == Form::Programs {
            return output::line(items.json());
        }
        let rows = items.raw.iter().map(|item| Object::parse(item));
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        if rows.is_empty() {
            output::talk("There are none.");
            return Ok(());
        }
        output::line(table::list(columns, &rows, Place::of_stdout()))?;
        if let Some(next) = items.next {
            output::talk(format_args!("There are more: --all shows them, or --cursor {next}"));
        }
        Ok(())
    }

    fn fetch(
        &self,
        client: &Client,
        path: &str,
        query: &[(&str, Option<String>)],
    ) -> Result<Items, Fault> {
        let mut items = Items { raw: Vec::new(), next: self.cursor.clone() };
        let wanted = if self.all { usize::MAX } else { self.limit };
        loop {
            let limit = PAGE_ITEMS_MAX.min(wanted - items.raw.len());
            let mut query = query.to_vec();
            query.push(("limit", Some(limit.to_string())));
            query.push(("cursor", items.next.take()));
            let page = Page::parse(&client.fetch(&with_query(path, &query))?)?;
            let is_empty = page.items.is_empty();
            items.raw.extend(page.items.iter().map(|item| item.get().to_owned()));
            items.next = page.next;
            if items.next.is_none() || is_empty || items.raw.len() >= wanted {
                return Ok(items);
            }
        }
    }
}

impl Items {
    /// The items as one page, each as the server wrote it.
    fn json(&self) -> String {
        let next = match &self.next {
            Some(next) => serde_json::Value::from(next.as_str()).to_string(),
            None => "null".to_owned(),
        };
        format!("{{\"items\":[{}],\"next\":{next}}}", self.raw.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_join_without_change() {
        let items =
            Items { raw: vec![r#"{"n":0.10}"#.into(), "{}".into()], next: Some("a\"b".into()) };
        assert_eq!(items.json(), r#"{"items":[{"n":0.10},{}],"next":"a\"b"}"#);
        let page = Page::parse(&items.json()).unwrap();
        assert_eq!((page.items.len(), page.next.as_deref()), (2, Some("a\"b")));
    }
}
