use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::cell::Cell;

use super::*;
use crate::text::Code;

mod laws;

pub(super) fn list(text: &str) -> AccessList {
    AccessList::parse(text).unwrap_or_else(|refusal| panic!("{text}: {refusal}"))
}

/// `user@host/address`, where `-` states nothing.
pub(super) fn who(text: &str) -> Who<'_> {
    let (user, rest) = text.split_once('@').unwrap_or((text, "-"));
    let (host, address) = rest.split_once('/').unwrap_or((rest, "-"));
    let field = |text| if text == "-" { None } else { Some(text) };
    Who { user: field(user), host: field(host), address: field(address) }
}

/// Sums over a table of holders.
fn table<'a>(held: &'a [(&'a str, i64)]) -> impl Fn(&dyn Fn(&Who<'_>) -> bool) -> i64 + 'a {
    |counts| held.iter().filter(|(holder, _)| counts(&who(holder))).map(|(_, units)| units).sum()
}

fn room(room: i64, limit: usize) -> Verdict {
    Verdict::Allowed { room: Some(room), limit: Some(limit) }
}

fn left(room: i64) -> Verdict {
    Verdict::Allowed { room: Some(room), limit: None }
}

fn denied(rule: usize) -> Verdict {
    Verdict::Denied { rule }
}

const FREE: Verdict = Verdict::Allowed { room: None, limit: None };

#[test]
fn name_patterns() {
    for (pattern, name, expected) in [
        ("ada", "ada", true),
        ("Ada", "aDA", true),
        ("ada", "adam", false),
        ("ada", "", false),
        ("*", "", true),
        ("*", "anything", true),
        ("*.lab", "node7.LAB", true),
        ("*.lab", ".lab", true),
        ("*.lab", "lab", false),
        ("node*", "node", true),
        ("node*", "nod", false),
        ("ab*ba", "aba", false),
        ("ab*ba", "abba", true),
        ("a*b*c", "abc", true),
        ("a*b*c", "a-b-b-c", true),
        ("a*b*c", "a-c-b", false),
        ("a*b*a", "aba", true),
        ("a*b*a", "ab", false),
        ("*ab*ab*", "abxab", true),
        ("*ab*ab*", "aab", false),
        ("a**b", "ab", true),
        ("***", "x", true),
        (r"corp\ada", r"CORP\Ada", true),
        ("jürgen", "JüRGEN", true),
        ("jürgen", "JÜRGEN", false),
        ("*ü*ü*", "xüüy", true),
    ] {
        let read = Pattern::parse(pattern).expect(pattern);
        assert_eq!(read.matches(name), expected, "{pattern} {name}");
    }
}

#[test]
fn address_patterns() {
    for (pattern, address, expected) in [
        ("192.0.2.7", "192.0.2.7", true),
        ("192.0.2.7", "192.0.2.8", false),
        ("192.0.2.7", "::ffff:192.0.2.7", true),
        ("192.0.2.7", "::ffff:c000:207", true),
        ("::ffff:192.0.2.7", "192.0.2.7", true),
        ("192.0.2.*", "192.0.2.255", true),
        ("192.0.2.*", "192.0.3.0", false),
        ("198.51.*.20", "198.51.100.20", true),
        ("198.51.*.20", "198.51.100.21", false),
        ("198.51.*.20", "2001:db8::1", false),
        ("10.0.0.0/8", "10.255.0.1", true),
        ("10.0.0.0/8", "11.0.0.0", false),
        ("10.0.0.0/31", "10.0.0.1", true),
        ("10.0.0.0/31", "10.0.0.2", false),
        ("0.0.0.0/0", "203.0.113.9", true),
        ("0.0.0.0/0", "::1", false),
        ("::/0", "203.0.113.9", false),
        ("::/0", "::1", true),
        ("::ffff:10.0.0.0/104", "10.1.2.3", true),
        ("2001:db8::/32", "2001:DB8:0::1", true),
        ("2001:db8::/32", "2001:db9::1", false),
        ("2001:db8::1", "2001:0db8:0:0::0001", true),
        ("fe80::1", "fe80::1%eth0", true),
        ("*", "::1", true),
        ("*", "not an address", true),
        ("*.*.*.*", "not an address", false),
        ("0.0.0.0/0", "010.0.0.1", false),
        ("0.0.0.0/0", "10.0.0.1:80", false),
    ] {
        let read = AddressPattern::parse(pattern).expect(pattern);
        assert_eq!(read.matches(address), expected, "{pattern} {address}");
    }
}

#[test]
fn canonical_addresses() {
    for (pattern, expected) in [
        ("192.0.2.*", "192.0.2.0/24"),
        ("192.0.2.7/32", "192.0.2.7"),
        ("198.51.*.20", "198.51.*.20"),
        ("*.*.*.*", "0.0.0.0/0"),
        ("*.0.*.0", "*.0.*.0"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("::/0", "::/0"),
        ("*", "*"),
    ] {
        assert_eq!(AddressPattern::parse(pattern).expect(pattern).to_string(), expected);
    }
    for pattern in [
        "",
        "x",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.*.5",
        "*.2.3",
        "1.2.3*.4",
        "01.2.3.*",
        "+1.2.3.*",
        "256.*.1.1",
        "1.2.3.4/33",
        "1.2.3.4/",
        "10.0.0.0/+8",
        "1.2.3.4/8",
        "10.*.0.0/8",
        "::1/129",
        "::1/64",
        "::*",
        "fe80::1%eth0",
        "1.2.3.4/0000",
        "**",
    ] {
        assert!(AddressPattern::parse(pattern).is_err(), "{pattern}");
    }
}

#[test]
fn canonical_text() {
    for (text, expected) in [
        ("", ""),
        ("# nothing\n\n \t\r\n", ""),
        ("deny user=guest", "deny user=guest\n"),
        ("deny\r\nallow", "deny\nallow\n"),
        (
            "\tlimit  05 address=10.0.0.0/8 host=*.Lab user=ada,Bob meter=render ",
            "limit 5 meter=render user=ada,bob host=*.lab address=10.0.0.0/8\n",
        ),
        ("allow user=a,b,A,a borrow", "allow borrow user=a,b\n"),
        ("allow use host=h**1", "allow use host=h*1\n"),
        ("deny user=\"Ada L\",\"a,b\",\"c\"", "deny user=\"ada l\",\"a,b\",c\n"),
        ("deny user=\"say \"\"x\"\"\",\"\"\"\"", "deny user=\"say \"\"x\"\"\",\"\"\"\"\n"),
        ("deny user=a=b,#c,corp\\ada", "deny user=a=b,#c,corp\\ada\n"),
        ("deny address=10.1.*.*,10.1.0.0/16", "deny address=10.1.0.0/16\n"),
        ("deny user=\"a\u{a0}b\"", "deny user=\"a\u{a0}b\"\n"),
        ("limit 0", "limit 0\n"),
    ] {
        let read = list(text);
        assert_eq!(read.to_string(), expected, "{text}");
        assert_eq!(list(expected), read, "{text}");
    }
}

#[test]
fn texts_that_are_no_rules() {
    let long = format!("deny user={}", "a".repeat(256));
    for (text, expected) in [
        ("forbid user=a", "line 1 must begin with"),
        ("Deny user=a", "line 1 must begin with"),
        ("deny\n\n# x\ndeny user", "line 4 may go on with"),
        ("deny user=", "line 1 has an empty name"),
        ("deny user=a,", "line 1 has an empty name"),
        ("deny user=a, b", "line 1 has an empty name"),
        ("deny user=\"\"", "line 1 has an empty name"),
        ("deny user=\"a", "line 1 has a quotation mark"),
        ("deny user=\"a\"b", "line 1 needs a blank"),
        ("deny user=a\"b\"", "line 1 needs a blank"),
        ("deny user=a\u{a0}b", "line 1 needs a blank"),
        ("deny user=a\u{7}b", "line 1 has a control"),
        ("deny user=a\rb", "line 1 "),
        (&long, "line 1 has a name of more than 255"),
        ("deny user=a user=b", "line 1 has user= twice"),
        ("deny meter=a meter=b", "line 1 has meter= twice"),
        ("deny meter=", "line 1 names no meter"),
        ("deny meter=Render", "line 1 names no meter"),
        ("deny meter=a,b", "line 1 needs a blank"),
        ("deny use borrow", "line 1 has two scopes"),
        ("deny use=a", "line 1 may go on"),
        ("deny 5 user=a", "line 1 may go on"),
        ("limit user=a", "line 1 needs a whole number"),
        ("limit", "line 1 needs a whole number"),
        ("limit -1 user=a", "line 1 needs a whole number"),
        ("limit 1.5 user=a", "line 1 needs a whole number"),
        ("limit 9223372036854775808", "line 1 needs a whole number"),
        ("limit 5 borrow user=a", "line 1 has a scope"),
        ("reserve 0 user=a", "line 1 reserves nothing"),
        ("reserve 5 meter=render", "line 1 must say for which"),
        ("deny address=10.0.0.0/33", "line 1 has a network"),
        ("deny address=300.0.0.1", "line 1 has an address"),
        ("deny user=a # no comment", "line 1 may go on"),
    ] {
        let refusal = AccessList::parse(text).expect_err(text).to_string();
        assert!(refusal.starts_with(&format!("access_rules {expected}")), "{text}: {refusal}");
    }
}

#[test]
fn bounds() {
    let many = |count: usize, line: &dyn Fn(usize) -> String| {
        (0..count).map(line).collect::<Vec<_>>().join("\n")
    };
    let rule = |n: usize| format!("deny meter=solver user=user{n}");
    assert_eq!(list(&many(ACCESS_RULES_MAX, &rule)).rules().len(), ACCESS_RULES_MAX);
    assert!(AccessList::parse(&many(ACCESS_RULES_MAX + 1, &rule)).is_err());
    let names =
        |count| format!("deny user={}", many(count, &|n| format!("u{n}")).replace('\n', ","));
    assert!(AccessList::parse(&names(ACCESS_RULE_PATTERNS_MAX)).is_ok());
    assert!(AccessList::parse(&names(ACCESS_RULE_PATTERNS_MAX + 1)).is_err());
    let reserve = |n: usize| format!("reserve 1 meter=render user=u{n}");
    let most = many(ACCESS_METER_RESERVATIONS_MAX, &reserve);
    for (more, expected) in [
        ("", true),
        ("\nreserve 1 meter=solver user=x", true),
        ("\nreserve 1 meter=render user=x", false),
        ("\nreserve 1 user=x", false),
    ] {
        assert_eq!(AccessList::parse(&format!("{most}{more}")).is_ok(), expected, "{more}");
    }
    assert!(AccessList::parse(&"#".repeat(ACCESS_LIST_BYTES_MAX)).is_ok());
    assert!(AccessList::parse(&"#".repeat(ACCESS_LIST_BYTES_MAX + 1)).is_err());
    // Canonical text may be longer than what was written; what is stored must be readable.
    let wide = |n: usize| {
        let networks = (100..200).flat_map(|a| (100..110).map(move |b| format!("{a}.{b}.*.*")));
        format!("deny user=u{n} address={}", networks.collect::<Vec<_>>().join(","))
    };
    assert!(many(43, &wide).len() < ACCESS_LIST_BYTES_MAX);
    assert!(AccessList::parse(&many(43, &wide)).is_err());
    assert!(AccessList::parse(&many(30, &wide)).is_ok());
}

#[test]
fn rules_made_in_code_are_checked() {
    let rule = |effect, scope| Rule {
        effect,
        scope,
        meter: Some(Code::parse("meter", "render").unwrap()),
        users: vec![Pattern::parse("a").unwrap(), Pattern::parse("A").unwrap()],
        hosts: Vec::new(),
        addresses: Vec::new(),
    };
    for (effect, scope, expected) in [
        (Effect::Deny, Scope::Borrow, Some("deny borrow meter=render user=a\n")),
        (Effect::Limit(1), Scope::Any, Some("limit 1 meter=render user=a\n")),
        (Effect::Limit(-1), Scope::Any, None),
        (Effect::Limit(1), Scope::Use, None),
        (Effect::Reserve(0), Scope::Any, None),
        (Effect::Reserve(i64::MIN), Scope::Any, None),
        (Effect::Reserve(1), Scope::Borrow, None),
    ] {
        let made = AccessList::new(vec![rule(effect, scope)]).ok().map(|list| list.to_string());
        assert_eq!(made.as_deref(), expected, "{effect:?} {scope:?}");
    }
}

/// The own example file of the LM-X facts, as an importer would write it.
const SAMPLE: &str = "\
deny use user=guest
allow use address=192.0.2.*,198.51.*.20
deny use meter=mesh-gen host=kiosk1,kiosk2,kiosk2
deny borrow user=contractor1,contractor2
allow borrow meter=solver_3d host=laptop-7
limit 4 meter=solver_3d user=ana,ben
limit 2 meter=solver_3d address=203.0.113.*
reserve 10 meter=solver_3d user=cleo
reserve 63000 meter=globalpool user=cleo,dov
";

#[test]
fn sample_of_another_system() {
    let sample = list(SAMPLE);
    assert_eq!(sample.rules().len(), 9);
    assert_eq!(sample.rules()[2].hosts.len(), 2);
    let holders = [("ana@x/203.0.113.1", 3), ("zoe@x/203.0.113.2", 1), ("cleo", 4), ("eve", 5)];
    for (intent, meter, asker, expected) in [
        (Intent::Use, "render", "Guest", denied(0)),
        (Intent::Use, "render", "guest@h/192.0.2.1", denied(0)),
        (Intent::Borrow, "render", "guest", FREE),
        (Intent::Use, "mesh-gen", "ana@KIOSK2/192.0.2.1", FREE),
        (Intent::Use, "mesh-gen", "ana@KIOSK2/198.51.9.20", FREE),
        (Intent::Use, "mesh-gen", "ana@KIOSK2/198.51.9.21", denied(2)),
        (Intent::Use, "render", "ana@kiosk2", FREE),
        (Intent::Borrow, "solver_3d", "contractor1@laptop-7", denied(3)),
        // 20 - 13 held - 6 kept for cleo.
        (Intent::Borrow, "solver_3d", "eve@laptop-7", left(1)),
        (Intent::Use, "solver_3d", "ben", room(1, 5)),
        // Ana's units count against her own limit, not against that of the network.
        (Intent::Use, "solver_3d", "yan@x/203.0.113.9", room(1, 6)),
        (Intent::Use, "solver_3d", "cleo", FREE),
        (Intent::Use, "globalpool", "eve", left(0)),
    ] {
        let verdict = sample.judge(intent, meter, &who(asker), Some(20), &table(&holders));
        assert_eq!(verdict, expected, "{intent:?} {meter} {asker}");
    }
}

#[test]
fn first_match_wins() {
    for (text, asker, expected) in [
        ("", "ada", FREE),
        ("deny", "ada", denied(0)),
        ("deny", "-", denied(0)),
        ("allow user=ada\ndeny", "ada", FREE),
        ("allow user=ada\ndeny", "bob", denied(1)),
        ("deny user=ada\nallow user=ada", "ada", denied(0)),
        ("allow user=ada\ndeny user=ada", "ada", FREE),
        ("deny user=guest", "-@h", FREE),
        ("allow user=*\ndeny", "-@h", denied(1)),
        ("allow user=*\ndeny", "@h", denied(1)),
        ("allow user=*\ndeny", "ada", FREE),
        ("deny user=ada host=h1", "ada@h1", denied(0)),
        ("deny user=ada host=h1", "ada@h2", FREE),
        ("deny user=ada host=h1", "bob@h1", FREE),
        ("deny user=ada host=h1", "ada", FREE),
        ("deny user=ada,bob host=h1,h2 address=::1", "bob@h2/::1", denied(0)),
        ("deny user=ada,bob host=h1,h2 address=::1", "bob@h2/::2", FREE),
        ("deny meter=render", "ada", denied(0)),
        ("deny meter=solver", "ada", FREE),
        ("deny borrow\ndeny use", "ada", denied(1)),
        ("limit 5\ndeny", "ada", denied(1)),
        ("deny address=10.0.0.0/8", "ada@h/nonsense", FREE),
    ] {
        let rules = list(text);
        let verdict = rules.judge(Intent::Use, "render", &who(asker), None, &|_| 0);
        assert_eq!(verdict, expected, "{text} {asker}");
        let denial = rules.denial(Intent::Use, "render", &who(asker));
        assert_eq!(denial.map_or(FREE, denied), expected, "{text} {asker}");
    }
}

#[test]
fn scopes() {
    for (text, of_use, of_borrow) in [
        ("deny", Some(0), Some(0)),
        ("deny use", Some(0), None),
        ("deny borrow", None, Some(0)),
        ("allow use\ndeny", None, Some(1)),
        ("allow borrow\ndeny", Some(1), None),
        ("allow\ndeny", None, None),
    ] {
        let rules = list(text);
        assert_eq!(rules.denial(Intent::Use, "render", &who("a")), of_use, "{text}");
        assert_eq!(rules.denial(Intent::Borrow, "render", &who("a")), of_borrow, "{text}");
    }
}

#[test]
fn limits_and_reservations() {
    const MAX: i64 = i64::MAX;
    for (text, capacity, held, asker, expected) in [
        // Limits.
        ("limit 5 user=a,b", Some(20), &[("a", 2), ("b", 2), ("c", 9)][..], "a", room(1, 0)),
        ("limit 5 user=a,b", Some(20), &[("a", 2), ("b", 2), ("c", 9)], "c", FREE),
        ("limit 5 user=a,b", None, &[("a", 7)], "b", room(0, 0)),
        ("limit 5", None, &[("a", 1), ("-", 2)], "-", room(2, 0)),
        ("limit 0 user=a", None, &[], "a", room(0, 0)),
        ("limit 5 meter=solver user=a", None, &[("a", 2)], "a", FREE),
        ("limit 9 user=a\nlimit 5", None, &[("a", 8), ("b", 1)], "b", room(4, 1)),
        ("limit 9 user=a\nlimit 5", None, &[("a", 8), ("b", 1)], "a", room(1, 0)),
        ("limit 5\nlimit 9 user=a", None, &[("a", 3), ("b", 1)], "a", room(1, 0)),
        // Reservations.
        ("reserve 10 user=a", Some(20), &[], "b", left(10)),
        ("reserve 10 user=a", Some(20), &[("b", 10)], "b", left(0)),
        ("reserve 10 user=a", Some(20), &[("a", 4), ("b", 5)], "b", left(5)),
        ("reserve 10 user=a", Some(20), &[("a", 14), ("b", 5)], "b", left(1)),
        ("reserve 10 user=a", Some(20), &[("b", 5)], "a", FREE),
        ("reserve 10 user=a", None, &[("b", 5)], "b", FREE),
        ("reserve 10 meter=solver user=a", Some(9), &[], "b", FREE),
        ("reserve 10 user=a\nreserve 5 user=b", Some(20), &[("b", 1)], "a", left(15)),
        ("reserve 10 user=a\nreserve 5 user=b", Some(20), &[("a", 12)], "b", left(8)),
        ("reserve 10 user=a\nreserve 5 user=b", Some(20), &[("a", 12)], "c", left(3)),
        // Overlapping: a on h draws on the first only.
        ("reserve 4 user=a\nreserve 4 host=h", Some(10), &[("a@h", 4)], "c", left(2)),
        ("reserve 4 host=h\nreserve 4 user=a", Some(10), &[("a@h", 4)], "c", left(2)),
        ("reserve 4 user=a\nreserve 4 host=h", Some(10), &[("a@h", 6)], "a@h", left(0)),
        ("reserve 4 user=a\nreserve 4 host=h", Some(10), &[("a@h", 6)], "b@h", left(4)),
        // Larger than the capacity: filled in order.
        ("reserve 10 user=a", Some(4), &[], "b", left(0)),
        ("reserve 10 user=a", Some(4), &[], "a", FREE),
        ("reserve 10 user=a\nreserve 10 user=b", Some(15), &[], "b", left(5)),
        ("reserve 10 user=a\nreserve 10 user=b", Some(15), &[], "a", left(10)),
        ("reserve 10 user=a\nreserve 10 user=b", Some(10), &[], "a", FREE),
        ("reserve 10 user=a\nreserve 10 user=b", Some(10), &[], "b", left(0)),
        ("reserve 10 user=a", Some(0), &[], "b", FREE),
        ("reserve 10 user=a", Some(-3), &[], "b", FREE),
        ("reserve 10 user=a\nreserve 10 user=c", Some(i64::MIN), &[("b", MAX)], "b", FREE),
        // More held than there is: a ceiling that was lowered.
        ("reserve 2 user=a", Some(5), &[("b", 9)], "b", left(0)),
        // Both: the tighter one, and the limit if they are even.
        ("limit 5 user=b\nreserve 8 user=a", Some(10), &[], "b", left(2)),
        ("limit 2 user=b\nreserve 8 user=a", Some(10), &[], "b", room(2, 0)),
        ("limit 1 user=b\nreserve 8 user=a", Some(10), &[], "b", room(1, 0)),
        // The edges of 64 bits.
        ("reserve 9223372036854775807 user=a", Some(MAX), &[], "b", left(0)),
        ("reserve 9223372036854775807 user=a\nreserve 5 user=c", Some(MAX), &[], "b", left(0)),
        ("limit 9223372036854775807", Some(MAX), &[("a", MAX)], "b", room(0, 0)),
        ("limit 9223372036854775807", None, &[("a", -5)], "b", room(MAX, 0)),
        ("limit 5", None, &[("a", -5)], "b", room(5, 0)),
    ] {
        let rules = list(text);
        let verdict = rules.judge(Intent::Use, "render", &who(asker), capacity, &table(held));
        assert_eq!(verdict, expected, "{text} {capacity:?} {held:?} {asker}");
    }
}

#[test]
fn sums_are_asked_for_only_when_needed() {
    for (text, asker, expected) in [
        ("", "a", 0),
        ("deny", "a", 0),
        ("allow", "a", 0),
        ("limit 5 user=a", "b", 0),
        ("limit 5 user=a", "a", 1),
        ("reserve 5 user=a", "a", 0),
        ("reserve 5 user=a", "b", 2),
        ("limit 5 user=b\nreserve 5 user=a\nreserve 5 user=c", "b", 4),
    ] {
        let asked = Cell::new(0);
        let count = |_: &dyn Fn(&Who<'_>) -> bool| {
            asked.set(asked.get() + 1);
            0
        };
        let _verdict = list(text).judge(Intent::Use, "render", &who(asker), Some(20), &count);
        assert_eq!(asked.get(), expected, "{text} {asker}");
    }
    assert!(AccessList::NONE.is_empty());
    assert_eq!(AccessList::NONE.owners("render", &who("a")), Owners::default());
}

#[test]
fn debug_tells_no_names() {
    let shown = format!("{:?} {:?}", list("deny user=ada address=192.0.2.7"), who("ada"));
    assert!(!shown.contains("ada") && !shown.contains("192"), "{shown}");
}
