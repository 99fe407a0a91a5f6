//! Laws, tried on random lists against slow and obvious models.

use std::string::String;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;

extern crate std;

const METERS: [&str; 2] = ["render", "solver"];

fn operands() -> impl Strategy<Value = String> {
    let users = prop::sample::select(vec![
        "",
        " user=a",
        " user=a,b",
        " user=B",
        " user=*",
        " user=c*",
        " user=\"d e\",c",
    ]);
    let hosts = prop::sample::select(vec!["", "", "", " host=h1", " host=*2", " host=h1,h2"]);
    let addresses = prop::sample::select(vec![
        "",
        "",
        "",
        " address=10.0.0.0/8",
        " address=10.*.0.1",
        " address=::1",
        " address=*",
    ]);
    (users, hosts, addresses).prop_map(|(user, host, address)| format!("{user}{host}{address}"))
}

fn rule() -> impl Strategy<Value = String> {
    let meter = prop::sample::select(vec!["", "", " meter=render", " meter=solver"]);
    let scope = prop::sample::select(vec!["", "", " use", " borrow"]);
    (0..8_u8, 0..12_i64, scope, meter, operands()).prop_map(|(kind, units, scope, meter, rest)| {
        match kind {
            0 => format!("allow{scope}{meter}{rest}"),
            1 => format!("deny{scope}{meter}{rest}"),
            2..5 => format!("limit {units}{meter}{rest}"),
            _ if rest.is_empty() => format!("reserve {}{meter} user=a", units + 1),
            _ => format!("reserve {}{meter}{rest}", units + 1),
        }
    })
}

fn rules() -> impl Strategy<Value = String> {
    prop::collection::vec(rule(), 0..8).prop_map(|lines| lines.join("\n"))
}

fn asker() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "a",
        "A@h1",
        "b@h2",
        "c",
        "c9@h1/10.0.0.1",
        "d e",
        "-",
        "-@h2",
        "-@-/::1",
        "x@h1/10.9.0.1",
        "x@y/junk",
    ])
}

/// One step of a simulated office.
#[derive(Debug, Clone, Copy)]
struct Step {
    asker: &'static str,
    meter: &'static str,
    borrow: bool,
    /// What it asks for; more than there is takes what there is. Zero gives a session back.
    units: i64,
    pick: usize,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (asker(), 0..METERS.len(), any::<bool>(), 0..9_i64, any::<usize>());
    let step = step.prop_map(|(asker, meter, borrow, units, pick)| Step {
        asker,
        meter: METERS[meter],
        borrow,
        units,
        pick,
    });
    prop::collection::vec(step, 1..60)
}

struct Session {
    holder: &'static str,
    meter: &'static str,
    units: i64,
}

/// The model: what the contract says, word by word, over a plain list of sessions.
struct Model<'a> {
    list: &'a AccessList,
    capacity: Option<i64>,
    sessions: Vec<Session>,
}

impl Model<'_> {
    fn first(&self, meter: &str, holder: &str, kind: fn(&Rule) -> bool) -> Option<usize> {
        let all = self.list.rules();
        (0..all.len()).find(|&index| {
            let rule = &all[index];
            kind(rule) && rule.concerns(meter) && rule.matches(&who(holder))
        })
    }

    fn held(&self, meter: &str, counts: impl Fn(&Session) -> bool) -> i64 {
        self.sessions.iter().filter(|s| s.meter == meter && counts(s)).map(|s| s.units).sum()
    }

    fn under_limit(&self, meter: &str, index: usize) -> i64 {
        self.held(meter, |s| self.first(meter, s.holder, is_limit) == Some(index))
    }

    /// Each reservation of a meter, with what it still keeps.
    fn kept(&self, meter: &str) -> Vec<(usize, i64)> {
        let mut free = self.capacity.unwrap_or_default();
        let mut kept = Vec::new();
        for (index, rule) in self.list.rules().iter().enumerate() {
            let Effect::Reserve(units) = rule.effect else { continue };
            if !rule.concerns(meter) {
                continue;
            }
            let granted = units.min(free);
            free -= granted;
            let used = self.held(meter, |s| self.first(meter, s.holder, is_reserve) == Some(index));
            kept.push((index, (granted - used).max(0)));
        }
        kept
    }

    /// The most that may be taken so that every bound still holds, found by trying.
    fn most(&self, meter: &str, asker: &str, up_to: i64) -> i64 {
        let limit = self.first(meter, asker, is_limit);
        let own = self.first(meter, asker, is_reserve);
        let others: i64 =
            self.kept(meter).iter().filter(|(i, _)| Some(*i) != own).map(|(_, k)| k).sum();
        let fits = |units: &i64| {
            let below_limit = limit.is_none_or(|index| {
                let Effect::Limit(most) = self.list.rules()[index].effect else { unreachable!() };
                self.under_limit(meter, index) + units <= most
            });
            let below_ceiling = self
                .capacity
                .is_none_or(|ceiling| self.held(meter, |_| true) + units + others <= ceiling);
            *units == 0 || (below_limit && below_ceiling)
        };
        (0..=up_to).rev().find(fits).unwrap_or_default()
    }

    fn denial(&self, step: &Step) -> Option<usize> {
        let decides: fn(&Rule) -> bool = match step.borrow {
            true => |rule| !is_limit(rule) && !is_reserve(rule) && rule.scope != Scope::Use,
            false => |rule| !is_limit(rule) && !is_reserve(rule) && rule.scope != Scope::Borrow,
        };
        let first = self.first(step.meter, step.asker, decides)?;
        (self.list.rules()[first].effect == Effect::Deny).then_some(first)
    }

    fn judge(&self, step: &Step) -> Verdict {
        let intent = if step.borrow { Intent::Borrow } else { Intent::Use };
        let in_use = |counts: &dyn Fn(&Who<'_>) -> bool| {
            self.held(step.meter, |session| counts(&who(session.holder)))
        };
        let asker = who(step.asker);
        let verdict = self.list.judge(intent, step.meter, &asker, self.capacity, &in_use);
        let by_owner =
            self.list.judge_by_owner(intent, step.meter, &asker, self.capacity, &|held| {
                self.held(step.meter, |session| {
                    let owners = self.list.owners(step.meter, &who(session.holder));
                    match held {
                        Held::All => true,
                        Held::UnderLimit(index) => owners.limit == Some(index),
                        Held::UnderReservation(index) => owners.reservation == Some(index),
                    }
                })
            });
        assert_eq!(verdict, by_owner);
        let denial = if let Verdict::Denied { rule } = verdict { Some(rule) } else { None };
        assert_eq!(denial, self.denial(step));
        assert_eq!(denial, self.list.denial(intent, step.meter, &asker));
        verdict
    }

    fn check(&self) {
        for meter in METERS {
            for (index, rule) in self.list.rules().iter().enumerate() {
                let Effect::Limit(most) = rule.effect else { continue };
                assert!(self.under_limit(meter, index) <= most, "limit {index} of {meter}");
            }
            let Some(ceiling) = self.capacity else { continue };
            let kept: i64 = self.kept(meter).iter().map(|(_, units)| units).sum();
            assert!(self.held(meter, |_| true) + kept <= ceiling, "reservations of {meter}");
        }
    }
}

fn is_limit(rule: &Rule) -> bool {
    matches!(rule.effect, Effect::Limit(_))
}

fn is_reserve(rule: &Rule) -> bool {
    matches!(rule.effect, Effect::Reserve(_))
}

/// Backtracking as in a textbook: slow, and obviously right.
fn slow_match(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => {
            slow_match(rest, name) || (!name.is_empty() && slow_match(pattern, &name[1..]))
        }
        ([p, pattern @ ..], [n, name @ ..]) => {
            p.eq_ignore_ascii_case(n) && slow_match(pattern, name)
        }
        _ => false,
    }
}

/// What looks like addresses, most of which are some.
const ADDRESSES: &str = "(([0-9]{1,2}|\\*)\\.){3}([0-9]{1,2}|\\*)|\
    [0-9]{1,2}(\\.0){3}/([89]|[1-3][0-9])|\
    [0-9a-f]{1,4}::(/(1[6-9]|[2-9][0-9]))?|::[0-9a-f]{1,4}";

fn config() -> ProptestConfig {
    ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    /// Whoever follows the verdicts keeps every limit and every reservation, and loses nothing that
    /// the contract grants.
    #[test]
    fn verdicts_keep_bounds(
        text in rules(),
        capacity in prop::option::of(0..30_i64),
        steps in steps(),
    ) {
        let list = list(&text);
        let mut model = Model { list: &list, capacity, sessions: Vec::new() };
        for step in &steps {
            if step.units == 0 {
                if !model.sessions.is_empty() {
                    let index = step.pick % model.sessions.len();
                    model.sessions.swap_remove(index);
                }
                continue;
            }
            let Verdict::Allowed { room, .. } = model.judge(step) else { continue };
            let ceiling = capacity.map_or(i64::MAX, |c| c - model.held(step.meter, |_| true));
            let units = step.units.min(room.unwrap_or(i64::MAX)).min(ceiling).max(0);
            prop_assert_eq!(units, model.most(step.meter, step.asker, step.units), "{:?}", step);
            if units > 0 {
                let (holder, meter) = (step.asker, step.meter);
                model.sessions.push(Session { holder, meter, units });
            }
            model.check();
        }
    }

    /// Whatever was read is written so that it is read again as the same.
    #[test]
    fn text_round_trips(text in rules()) {
        let read = list(&text);
        let written = read.to_string();
        let again = list(&written);
        prop_assert_eq!(&again, &read);
        prop_assert_eq!(again.to_string(), written);
    }

    /// Names of any letters survive being written.
    #[test]
    fn names_round_trip(users in prop::collection::vec("[^\\p{Cc}]{1,20}", 1..5)) {
        let patterns = users.iter().map(|user| Pattern::parse(user).unwrap()).collect();
        let rule = Rule {
            effect: Effect::Deny,
            scope: Scope::Any,
            meter: None,
            users: patterns,
            hosts: Vec::new(),
            addresses: Vec::new(),
        };
        let made = AccessList::new(vec![rule]).unwrap();
        prop_assert_eq!(list(&made.to_string()), made);
    }

    /// The addresses that are written are those that were read.
    #[test]
    fn addresses_round_trip(text in ADDRESSES) {
        if let Ok(pattern) = AddressPattern::parse(&text) {
            prop_assert_eq!(AddressPattern::parse(&pattern.to_string()), Ok(pattern));
        }
    }

    /// The fast match is the slow one.
    #[test]
    fn patterns_match_as_the_slow_way(pattern in "[abAB*]{1,9}", name in "[abAB]{0,12}") {
        let fast = Pattern::parse(&pattern).unwrap().matches(&name);
        prop_assert_eq!(fast, slow_match(pattern.as_bytes(), name.as_bytes()));
    }

    /// Hostile text is refused or read, and what is read is written and judged.
    #[test]
    fn hostile_text_never_panics(
        noise in any::<String>(),
        words in prop::collection::vec(prop::sample::select(vec![
            "allow", "deny", "limit", "reserve", "use", "borrow", "meter=", "user=", "host=",
            "address=", "a", "*", ",", "\"", "\"\"", " ", " ", " ", "\n", "\t", "\r", "=", "#", "5",
            "-1", "99999999999999999999", "10.0.0.0/8", "::/0", "/", "%", "\u{a0}", "\0", "ü",
        ]), 0..24),
        name in any::<String>(),
    ) {
        for text in [noise.clone(), words.concat(), format!("{}{noise}", words.concat())] {
            let Ok(read) = AccessList::parse(&text) else { continue };
            prop_assert_eq!(list(&read.to_string()), read.clone());
            let who = Who { user: Some(&name), host: Some(&name), address: Some(&name) };
            let _verdict = read.judge(Intent::Use, &name, &who, Some(i64::MIN), &|_| i64::MIN);
            let _verdict = read.judge(Intent::Borrow, "a", &who, Some(i64::MAX), &|_| i64::MAX);
        }
    }
}
