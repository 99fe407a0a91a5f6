//! Reading a line, left to right, once.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};

use super::address::AddressPattern;
use super::pattern::Pattern;
use super::rule::{Effect, Rule, Scope};
use crate::text::Code;

/// Reads one rule from a line that is neither empty nor a comment.
pub(super) fn read_rule(line: &str) -> Result<Rule, &'static str> {
    let mut line = Line { rest: line };
    let effect = match line.word() {
        "allow" => Effect::Allow,
        "deny" => Effect::Deny,
        "limit" => Effect::Limit(line.number()?),
        "reserve" => Effect::Reserve(line.number()?),
        _ => return Err("must begin with allow, deny, limit or reserve"),
    };
    let mut rule = Rule {
        effect,
        scope: Scope::Any,
        meter: None,
        users: Vec::new(),
        hosts: Vec::new(),
        addresses: Vec::new(),
    };
    while line.next_word()? {
        match (line.word(), line.skip('=')) {
            ("use", false) => set_scope(&mut rule, Scope::Use)?,
            ("borrow", false) => set_scope(&mut rule, Scope::Borrow)?,
            ("meter", true) => {
                let code = Code::parse("meter", line.word()).map_err(|_| "names no meter")?;
                if rule.meter.replace(code).is_some() {
                    return Err("has meter= twice");
                }
            }
            ("user", true) => line.list("has user= twice", &mut rule.users, Pattern::parse)?,
            ("host", true) => line.list("has host= twice", &mut rule.hosts, Pattern::parse)?,
            ("address", true) => {
                line.list("has address= twice", &mut rule.addresses, AddressPattern::parse)?;
            }
            _ => return Err("may go on with use, borrow, meter=, user=, host= and address= only"),
        }
    }
    Ok(rule)
}

fn set_scope(rule: &mut Rule, scope: Scope) -> Result<(), &'static str> {
    if rule.scope != Scope::Any {
        return Err("has two scopes");
    }
    rule.scope = scope;
    Ok(())
}

/// What is left to read of a line.
struct Line<'a> {
    rest: &'a str,
}

impl<'a> Line<'a> {
    /// Takes what reaches up to a mark or a blank, which may be nothing.
    fn word(&mut self) -> &'a str {
        let ends = |letter: char| letter.is_whitespace() || ['=', ',', '"'].contains(&letter);
        self.take(self.rest.find(ends))
    }

    /// Takes up to the byte, or all.
    fn take(&mut self, end: Option<usize>) -> &'a str {
        let (taken, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// Passes over blanks; whether a word follows.
    fn next_word(&mut self) -> Result<bool, &'static str> {
        let rest = self.rest.trim_start_matches([' ', '\t']);
        if rest.len() == self.rest.len() && !rest.is_empty() {
            return Err("needs a blank between one thing and the next");
        }
        self.rest = rest;
        Ok(!rest.is_empty())
    }

    fn skip(&mut self, mark: char) -> bool {
        match self.rest.strip_prefix(mark) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn number(&mut self) -> Result<i64, &'static str> {
        const REASON: &str = "needs a whole number behind limit or reserve";
        if !self.next_word()? {
            return Err(REASON);
        }
        let word = self.word();
        if !word.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(REASON);
        }
        word.parse().map_err(|_| REASON)
    }

    /// Takes a list, which a rule has once.
    fn list<T>(
        &mut self,
        twice: &'static str,
        items: &mut Vec<T>,
        read: impl Fn(&str) -> Result<T, &'static str>,
    ) -> Result<(), &'static str> {
        if !items.is_empty() {
            return Err(twice);
        }
        loop {
            let item = if self.skip('"') { read(&self.quoted()?)? } else { read(self.bare())? };
            items.push(item);
            if !self.skip(',') {
                return Ok(());
            }
        }
    }

    fn bare(&mut self) -> &'a str {
        let ends = |letter: char| letter.is_whitespace() || [',', '"'].contains(&letter);
        self.take(self.rest.find(ends))
    }

    /// Takes up to the closing quotation mark, the opening one being taken.
    fn quoted(&mut self) -> Result<String, &'static str> {
        let mut text = String::new();
        loop {
            let end = self.rest.find('"').ok_or("has a quotation mark that is never closed")?;
            text.push_str(self.take(Some(end)));
            self.skip('"');
            if !self.skip('"') {
                return Ok(text);
            }
            text.push('"');
        }
    }
}

/// How long something is as text, without writing it anywhere.
pub(super) fn size_bytes(shown: &impl fmt::Display) -> usize {
    struct Count(usize);
    impl Write for Count {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0 = self.0.saturating_add(text.len());
            Ok(())
        }
    }
    let mut count = Count(0);
    match write!(count, "{shown}") {
        Ok(()) => count.0,
        Err(fmt::Error) => usize::MAX,
    }
}
