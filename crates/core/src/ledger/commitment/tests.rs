use alloc::string::{String, ToString};

use super::*;

fn subject(user: Option<&str>, host: Option<&str>, address: Option<&str>) -> Subject {
    let text = |text: &str| text.to_string();
    Subject { user: user.map(text), host: host.map(text), address: address.map(text) }
}

/// Golden hashes, made with another implementation: what was committed to once must open for ever.
#[test]
fn golden_hashes() {
    for (subject, expected) in [
        (
            subject(Some("ada"), Some("pc-1"), Some("10.0.0.1")),
            "406dc0df5229e11ec746c28860d31186621e4710ba3896d1caa5ff8fab48db13",
        ),
        (
            subject(Some("ada"), None, None),
            "190678a84fec8c6326beeaa90c9589f82def8ad94ee4cbb93dec42e540e41c9e",
        ),
        (
            subject(None, Some("ada"), None),
            "eafbbcb133b4a22940b908c7390142fe26cb129ee151846e1a1d202c1e882f12",
        ),
        (
            subject(None, None, Some("ada")),
            "679576eb959ce3f1183b49f1a3aa722ec46607dc17e1983e8883c6ac348edaa8",
        ),
    ] {
        let Commitment(hash) = Commitment::to(&subject, &[5; 32]);
        let found: String = hash.iter().map(|byte| alloc::format!("{byte:02x}")).collect();
        assert_eq!(found, expected);
        assert_ne!(Commitment::to(&subject, &[6; 32]), Commitment(hash), "the salt counts");
    }
}

/// No two subjects share the bytes that are hashed.
#[test]
fn fields_do_not_run_into_each_other() {
    let subjects = [
        subject(Some("ab"), Some("c"), None),
        subject(Some("a"), Some("bc"), None),
        subject(Some("abc"), None, None),
        subject(Some("a"), Some("b"), Some("c")),
        subject(Some("\u{1}\u{1}b"), None, None),
        subject(Some(""), Some("b"), None),
        subject(None, Some("b"), None),
    ];
    for (place, one) in subjects.iter().enumerate() {
        for other in &subjects[..place] {
            let same = Commitment::to(one, &[0; 32]) == Commitment::to(other, &[0; 32]);
            assert!(!same, "subject {place} is taken for another");
        }
    }
}
