//! What a rule did, and what of it holds.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use super::RuleAction;
use crate::id::{LicenseId, RuleId};
use crate::license::{License, Standing};
use crate::text::Code;
use crate::time::Timestamp;

/// What a rule did to a license.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The rule.
    pub rule: RuleId,
    /// Its name at that time.
    pub name: Code,
    /// What it did.
    pub action: RuleAction,
    /// Since when.
    pub since: Timestamp,
    /// Until when; none is until undone.
    pub until: Option<Timestamp>,
    /// What it follows from.
    pub cause: Cause,
    /// Why, in words.
    pub reason: String,
    /// The figures, as `name=value` between spaces. No personal data.
    pub evidence: String,
}

/// What a rule did, and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Whose license.
    pub license: LicenseId,
    /// What it did.
    pub block: Block,
}

/// What holds of a license. Most have none.
pub type Blocks = Vec<Block>;

/// What a rule's act follows from; a rule acts once for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// A record of the ledger.
    Record(u64),
    /// A check-in that was due then.
    Due(Timestamp),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record(number) => write!(f, "record:{number}"),
            Self::Due(at) => write!(f, "due:{}", at.0),
        }
    }
}

impl FromStr for Cause {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.split_once(':') {
            Some(("record", number)) => number.parse().map(Self::Record).map_err(drop),
            Some(("due", at)) => at.parse().map(|at| Self::Due(Timestamp(at))).map_err(drop),
            _ => Err(()),
        }
    }
}

impl Block {
    /// Whether it holds at `now`.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|end| end > now)
    }

    /// One line of text, for storage.
    #[must_use]
    pub fn to_line(&self) -> String {
        let until = self.until.map(|until| until.0.to_string()).unwrap_or_default();
        let Self { rule, name, action, since, cause, reason, evidence, .. } = self;
        let since = since.0;
        alloc::format!("{rule}\t{name}\t{action}\t{since}\t{until}\t{cause}\t{reason}\t{evidence}")
    }

    /// Reads what [`Block::to_line`] wrote.
    #[must_use]
    pub fn from_line(line: &str) -> Option<Self> {
        let mut fields = line.split('\t');
        let mut next = || fields.next();
        let block = Self {
            rule: next()?.parse().ok()?,
            name: Code::parse("name", next()?).ok()?,
            action: RuleAction::from_word(next()?)?,
            since: Timestamp(next()?.parse().ok()?),
            until: match next()? {
                "" => None,
                at => Some(Timestamp(at.parse().ok()?)),
            },
            cause: next()?.parse().ok()?,
            reason: next()?.into(),
            evidence: next()?.into(),
        };
        fields.next().is_none().then_some(block)
    }

    /// The figures, one by one.
    pub fn figures(&self) -> impl Iterator<Item = (&str, &str)> {
        self.evidence.split(' ').filter_map(|pair| pair.split_once('='))
    }
}

impl License {
    /// What the vendor decided about it, once a suspension by a rule that is over is let go.
    #[must_use]
    pub fn standing_at(&self, now: Timestamp) -> Standing {
        if self.standing != Standing::Suspended {
            return self.standing;
        }
        let mut suspends = self.blocks.iter().filter(|block| block.action == RuleAction::Suspend);
        let is_by_rule = suspends.clone().next().is_some();
        if is_by_rule && !suspends.any(|block| block.holds(now)) {
            return Standing::Active;
        }
        self.standing
    }

    /// What stops anything from beginning, if something does.
    #[must_use]
    pub fn refusing_block(&self, now: Timestamp) -> Option<&Block> {
        self.blocks.iter().find(|block| block.action == RuleAction::Refuse && block.holds(now))
    }

    /// The rule that its uses are to be warned of, if one is.
    #[must_use]
    pub fn warning(&self, now: Timestamp) -> Option<&Code> {
        let warns = |block: &&Block| block.action == RuleAction::Warn && block.holds(now);
        self.blocks.iter().find(warns).map(|block| &block.name)
    }

    /// When the first of its blocks ends.
    #[must_use]
    pub fn block_ends_at(&self) -> Option<Timestamp> {
        self.blocks.iter().filter_map(|block| block.until).min()
    }
}

/// The license after a rule acted on it. None if that changes nothing: it is suspended already.
#[must_use]
pub fn acts_on(license: &License, block: Block) -> Option<License> {
    // What is over by then is over, whether it was let go of or not.
    let mut changed = let_go(license, block.since).unwrap_or_else(|| license.clone());
    if block.action == RuleAction::Suspend {
        if changed.standing != Standing::Active {
            return None;
        }
        changed.standing = Standing::Suspended;
    }
    // One rule holds one block: the newer says more.
    changed.blocks.retain(|known| known.rule != block.rule);
    changed.blocks.push(block);
    Some(changed)
}

/// The license without blocks that are over at `now`. None if there are none.
#[must_use]
pub fn let_go(license: &License, now: Timestamp) -> Option<License> {
    without(license, now, |block| !block.holds(now))
}

/// The license without the blocks of a rule, or without any. None if there are none.
#[must_use]
pub fn undone(license: &License, now: Timestamp, rule: Option<&RuleId>) -> Option<License> {
    without(license, now, |block| rule.is_none_or(|rule| *rule == block.rule))
}

fn without(license: &License, now: Timestamp, goes: impl Fn(&Block) -> bool) -> Option<License> {
    if !license.blocks.iter().any(&goes) {
        return None;
    }
    let mut changed = license.clone();
    let suspends = |blocks: &Blocks| blocks.iter().any(|one| one.action == RuleAction::Suspend);
    let was_by_rule = suspends(&changed.blocks);
    changed.blocks.retain(|block| !goes(block));
    let is_let_go = was_by_rule && !suspends(&changed.blocks);
    if is_let_go && changed.standing == Standing::Suspended {
        changed.standing = Standing::Active;
    }
    changed.updated_at = now;
    Some(changed)
}
