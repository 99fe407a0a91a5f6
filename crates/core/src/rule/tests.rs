//! Every condition at its boundary, blocks, and the words of rules.

mod model;

use alloc::string::ToString;
use alloc::vec::Vec;

use super::*;
use crate::id::{ActivationId, LicenseId};

pub const WINDOW: u32 = 60;

pub fn rule(kind: RuleKind, above: i64) -> Rule {
    let condition = Condition {
        kind,
        meter: None,
        above: Decimal::whole(above),
        window_seconds: kind.has_window().then_some(WINDOW),
        percent: (kind == RuleKind::Unusual).then_some(300),
    };
    Rule {
        id: RuleId::from_bytes([9; 16]),
        name: Code::parse("name", "burst").unwrap(),
        scope: RuleScope::default(),
        condition,
        action: RuleAction::Refuse,
        lasts_seconds: Some(600),
        is_enabled: true,
        told: None,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    }
}

pub const LICENSE: LicenseId = LicenseId::from_bytes([1; 16]);
pub const PRODUCT: ProductId = ProductId::from_bytes([2; 16]);
pub const POLICY: PolicyId = PolicyId::from_bytes([3; 16]);

/// What is shown to the watcher: a second, and what happened then.
pub fn observe(watcher: &mut Watcher, number: u64, second: i64, what: SeenWhat) -> Vec<Trigger> {
    let meter = Code::parse("meter", "frames").unwrap();
    watcher.observe(&Seen {
        number,
        at: Timestamp(second * 1000),
        license: LICENSE,
        product: PRODUCT,
        policy: POLICY,
        meter: &meter,
        scale: Scale::default(),
        what,
    })
}

pub fn used(amount: i64) -> SeenWhat {
    SeenWhat::Used { amount, activation: None, occurred_at: None, address: None }
}

fn from(address: &str) -> SeenWhat {
    let address = Some(address_mark(address));
    SeenWhat::Used { amount: 1, activation: None, occurred_at: None, address }
}

fn said(second: i64) -> SeenWhat {
    let occurred_at = Some(Timestamp(second * 1000));
    SeenWhat::Used { amount: 1, activation: None, occurred_at, address: None }
}

/// The numbers of the records that trigger.
fn check(rule: Rule, rows: &[(i64, SeenWhat)], expected: &[u64]) {
    let mut watcher = Watcher::new(alloc::vec![rule.clone()]);
    let mut causes = Vec::new();
    for (number, (second, what)) in (1..).zip(rows) {
        for trigger in observe(&mut watcher, number, *second, *what) {
            assert_eq!(trigger.cause, Cause::Record(number));
            assert_eq!((trigger.rule, trigger.license), (rule.id, LICENSE));
            causes.push(number);
        }
    }
    assert_eq!(causes, expected, "{rule:?} {rows:?}");
}

#[test]
fn a_rate_acts_when_it_is_passed_and_once_for_as_long_as_it_is() {
    let rate = || rule(RuleKind::Rate, 10);
    check(rate(), &[(0, used(10))], &[]);
    check(rate(), &[(0, used(11))], &[1]);
    check(rate(), &[(0, used(10)), (59, used(1))], &[2]);
    // The window slid by a step of a second: what happened sixty seconds ago is out of it.
    check(rate(), &[(0, used(10)), (60, used(1))], &[]);
    check(rate(), &[(0, used(11)), (1, used(1)), (30, used(9))], &[1]);
    // It fell below, and is passed again.
    check(rate(), &[(0, used(11)), (61, used(3)), (62, used(8))], &[1, 3]);
    // What is counted down, set or put back counts for nothing; so does a hold.
    check(rate(), &[(0, used(10)), (1, used(0)), (2, used(-5)), (3, used(1))], &[4]);
}

#[test]
fn a_rate_counts_what_its_meter_counts() {
    for (above, digits, amount, acts) in
        [("1.5", 2, 150, false), ("1.5", 2, 151, true), ("1.5", 0, 1, false), ("1.5", 0, 2, true)]
    {
        let mut rate = rule(RuleKind::Rate, 0);
        rate.condition.above = Decimal::parse(above).unwrap();
        let meter = Code::parse("meter", "hours").unwrap();
        let scale = Scale::new(digits).unwrap();
        let (number, at, what) = (1, Timestamp(0), used(amount));
        let (license, product, policy) = (LICENSE, PRODUCT, POLICY);
        let seen = Seen { number, at, license, product, policy, meter: &meter, scale, what };
        let found = Watcher::new(alloc::vec![rate]).observe(&seen);
        assert_eq!(!found.is_empty(), acts, "{above} at {digits}");
    }
}

#[test]
fn a_rule_concerns_its_scope_and_meter() {
    let other = [7; 16];
    for (product, policy, meter, acts) in [
        (None, None, None, true),
        (Some(PRODUCT), Some(POLICY), Some("frames"), true),
        (Some(ProductId::from_bytes(other)), None, None, false),
        (None, Some(PolicyId::from_bytes(other)), None, false),
        (None, None, Some("seats"), false),
    ] {
        let mut rate = rule(RuleKind::Rate, 0);
        rate.scope = RuleScope { product, policy };
        rate.condition.meter = meter.map(|meter| Code::parse("meter", meter).unwrap());
        check(rate, &[(0, used(1))], if acts { &[1] } else { &[] });
    }
    check(Rule { is_enabled: false, ..rule(RuleKind::Rate, 0) }, &[(0, used(1))], &[]);
}

#[test]
fn what_happened_before_a_rule_was_made_is_not_judged_by_it_but_counts() {
    let rate = Rule { updated_at: Timestamp(10_000), ..rule(RuleKind::Rate, 10) };
    check(rate.clone(), &[(0, used(11)), (9, used(1))], &[]);
    // It goes on being passed under the new rule, which is the first to say so.
    check(rate.clone(), &[(0, used(11)), (10, used(1)), (11, used(1))], &[2]);
    check(rate, &[(0, used(10)), (10, used(1))], &[2]);
}

#[test]
fn refusals_are_counted() {
    let refused = SeenWhat::Refused;
    let rows = [(0, refused), (1, refused), (2, used(5)), (3, refused), (4, refused)];
    check(rule(RuleKind::Refusals, 2), &rows, &[4]);
    check(rule(RuleKind::Refusals, 3), &rows, &[5]);
    check(rule(RuleKind::Refusals, 4), &rows, &[]);
}

#[test]
fn addresses_and_networks_are_told_apart() {
    let rows = [
        (0, from("192.0.2.1")),
        (1, from("::ffff:192.0.2.1")),
        (2, from("192.0.2.2")),
        (3, from("192.0.3.1")),
        (4, from("2001:db8:1::1")),
        (5, from("2001:db8:1:2::9")),
        (6, from("2001:db8:2::1")),
        (7, from("somewhere")),
        (8, from("elsewhere")),
    ];
    for (above, addresses, networks) in [
        (1, &[3u64][..], &[4u64][..]),
        (2, &[4], &[5]),
        (3, &[5], &[7]),
        (4, &[6], &[]),
        (6, &[8], &[]),
        (7, &[9], &[]),
        (8, &[], &[]),
    ] {
        check(rule(RuleKind::Addresses, above), &rows, addresses);
        check(rule(RuleKind::Networks, above), &rows, networks);
    }
    let late = [(0, from("192.0.2.1")), (59, from("192.0.2.2")), (60, from("192.0.2.3"))];
    check(rule(RuleKind::Addresses, 1), &late, &[2, 3]);
    check(rule(RuleKind::Addresses, 2), &late, &[]);
}

#[test]
fn addresses_are_counted_for_each_machine() {
    let at = |machine: u8, address: &str| SeenWhat::Used {
        amount: 1,
        activation: Some(ActivationId::from_bytes([machine; 16])),
        occurred_at: None,
        address: Some(address_mark(address)),
    };
    let rows = [(0, at(1, "10.0.0.1")), (1, at(2, "10.0.1.2")), (2, at(1, "10.0.0.3"))];
    check(rule(RuleKind::Addresses, 1), &rows, &[3]);
    check(rule(RuleKind::Networks, 1), &rows, &[2]);
}

#[test]
fn a_clock_that_was_set_back_is_told_once() {
    let clock = || rule(RuleKind::ClockBack, 5);
    check(clock(), &[(100, said(100)), (101, said(95))], &[]);
    check(clock(), &[(100, said(100)), (101, said(94)), (102, said(93))], &[2]);
    check(clock(), &[(100, said(100)), (101, used(1)), (102, said(94))], &[3]);
    // It was put right and set back once more.
    check(
        clock(),
        &[(100, said(100)), (101, said(90)), (102, said(102)), (103, said(90))],
        &[2, 4],
    );
    // What was said is forgotten with the window.
    check(clock(), &[(100, said(100)), (161, said(90))], &[]);
}

#[test]
fn unusual_use_is_above_the_minimum_and_above_the_multiple() {
    // Three times the average of seven days, from 10 on.
    for (usual, amount, acts) in [
        (0, 10, false),
        (0, 11, true),
        (70, 30, false),
        (70, 31, true),
        (71, 30, false),
        (7, 11, true),
    ] {
        let mut watcher = Watcher::new(alloc::vec![rule(RuleKind::Unusual, 10)]);
        let meter = Code::parse("meter", "frames").unwrap();
        let (number, at, what, scale) = (1, Timestamp(0), used(amount), Scale::default());
        let (license, product, policy) = (LICENSE, PRODUCT, POLICY);
        let seen = Seen { number, at, license, product, policy, meter: &meter, scale, what };
        assert!(watcher.wants_usual(&seen));
        watcher.tell_usual(LICENSE, &meter, 0, usual);
        assert!(!watcher.wants_usual(&seen));
        assert!(watcher.wants_usual(&Seen { at: Timestamp(HOUR_MS), ..seen }));
        assert_eq!(!watcher.observe(&seen).is_empty(), acts, "{usual} {amount}");
    }
    // Once an hour.
    let hour = i64::from(60 * 60);
    let rows =
        [(0, used(11)), (1, used(11)), (hour - 1, used(1)), (hour, used(10)), (hour + 1, used(1))];
    check(rule(RuleKind::Unusual, 10), &rows, &[1, 5]);
}

#[test]
fn an_overdue_check_in_acts_by_itself() {
    let mut watcher = Watcher::new(alloc::vec![rule(RuleKind::Overdue, 5)]);
    assert!(watcher.needs_dues());
    let due = |second: i64| Some(Timestamp(second * 1000));
    watcher.tell_due(LICENSE, due(100), PRODUCT, POLICY);
    assert_eq!(watcher.tick(Timestamp(104_999)), []);
    let found = watcher.tick(Timestamp(105_000));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].cause, Cause::Due(Timestamp(100_000)));
    assert_eq!(watcher.tick(Timestamp(200_000)), []);
    // The same is told again: nothing new.
    watcher.tell_due(LICENSE, due(100), PRODUCT, POLICY);
    assert_eq!(watcher.tick(Timestamp(200_000)), []);
    // It checked in, and did so again.
    watcher.tell_due(LICENSE, due(300), PRODUCT, POLICY);
    watcher.tell_due(LICENSE, due(400), PRODUCT, POLICY);
    assert_eq!(watcher.tick(Timestamp(404_999)), []);
    assert_eq!(watcher.tick(Timestamp(500_000)).len(), 1);
    watcher.tell_due(LICENSE, due(600), PRODUCT, POLICY);
    watcher.tell_due(LICENSE, None, PRODUCT, POLICY);
    assert_eq!(watcher.tick(Timestamp(900_000)), []);
}

#[test]
fn what_cannot_matter_any_more_is_forgotten() {
    let mut watcher = Watcher::new(alloc::vec![rule(RuleKind::Rate, 10)]);
    observe(&mut watcher, 1, 0, used(1));
    watcher.forget(Timestamp(watcher.reach_ms()));
    assert_eq!(watcher.watched(), 1);
    watcher.forget(Timestamp(watcher.reach_ms() + 1));
    assert_eq!(watcher.watched(), 0);
}

#[test]
fn rules_read_back_and_wrong_ones_are_refused() {
    for kind in RuleKind::ALL {
        let mut rule = rule(*kind, 5);
        rule.scope.product = Some(PRODUCT);
        rule.scope.policy = Some(POLICY);
        rule.condition.meter = kind.has_meter().then(|| Code::parse("meter", "frames").unwrap());
        rule.check().unwrap();
        let text = crate::terms::lines(&rule.stated());
        assert_eq!(Rule::from_lines(rule.id, &text), Ok(rule), "{text}");
    }
    type Spoil = fn(&mut Rule);
    let wrong: [(RuleKind, Spoil); 10] = [
        (RuleKind::Rate, |rule| rule.condition.window_seconds = None),
        (RuleKind::Rate, |rule| rule.condition.window_seconds = Some(0)),
        (RuleKind::Rate, |rule| rule.condition.window_seconds = Some(86_401)),
        (RuleKind::Rate, |rule| rule.condition.above = Decimal::whole(-1)),
        (RuleKind::Rate, |rule| rule.condition.percent = Some(200)),
        (RuleKind::Unusual, |rule| rule.condition.percent = Some(99)),
        (RuleKind::Overdue, |rule| rule.condition.window_seconds = Some(60)),
        (RuleKind::Networks, |rule| rule.condition.above = Decimal::whole(1001)),
        (RuleKind::Addresses, |rule| rule.condition.meter = Code::parse("meter", "a").ok()),
        (RuleKind::Rate, |rule| rule.lasts_seconds = Some(0)),
    ];
    for (place, (kind, spoil)) in wrong.into_iter().enumerate() {
        let mut rule = rule(kind, 5);
        spoil(&mut rule);
        assert!(rule.check().is_err(), "{place}");
    }
    assert!(Rule::from_lines(RuleId::from_bytes([0; 16]), "fly=true").is_err());
}

pub fn block(rule: u8, action: RuleAction, until: Option<i64>) -> Block {
    Block {
        rule: RuleId::from_bytes([rule; 16]),
        name: Code::parse("name", "burst").unwrap(),
        action,
        since: Timestamp(50),
        until: until.map(Timestamp),
        cause: Cause::Record(17),
        reason: "frames was used 12 in 60 seconds, above 10".to_string(),
        evidence: "found=12 above=10".to_string(),
    }
}

#[test]
fn blocks_read_back() {
    for block in [
        block(1, RuleAction::Refuse, Some(100)),
        Block { cause: Cause::Due(Timestamp(-5)), ..block(1, RuleAction::Warn, None) },
    ] {
        assert_eq!(Block::from_line(&block.to_line()), Some(block.clone()));
        assert_eq!(block.figures().collect::<Vec<_>>(), [("found", "12"), ("above", "10")]);
    }
    for wrong in ["", "a\tb", "rule_\tburst\twarn\t1\t\trecord:1\tx"] {
        assert_eq!(Block::from_line(wrong), None);
    }
}

#[test]
fn a_block_holds_until_it_ends_without_anybody_asking() {
    use crate::license::{Standing, StandingChange};
    use crate::terms::Terms;
    let license = crate::license::tests::license(Standing::Active, None, None);
    let refusal = |license: &crate::license::License, at: i64| {
        license.check_metering(&Terms::default(), Timestamp(at)).err().map(|no| no.code())
    };
    let refused = acts_on(&license, block(1, RuleAction::Refuse, Some(100))).unwrap();
    assert_eq!(refusal(&refused, 99), Some("license-blocked"));
    assert_eq!(refusal(&refused, 100), None);
    assert_eq!(refused.block_ends_at(), Some(Timestamp(100)));
    assert_eq!(let_go(&refused, Timestamp(99)), None);
    assert_eq!(let_go(&refused, Timestamp(100)).unwrap().blocks, []);

    let warned = acts_on(&license, block(1, RuleAction::Warn, Some(100))).unwrap();
    assert_eq!(refusal(&warned, 99), None);
    assert_eq!(warned.warning(Timestamp(99)).map(Code::as_str), Some("burst"));
    assert_eq!(warned.warning(Timestamp(100)), None);

    let suspended = acts_on(&license, block(1, RuleAction::Suspend, Some(100))).unwrap();
    assert_eq!(refusal(&suspended, 99), Some("license-suspended"));
    assert_eq!(refusal(&suspended, 100), None);
    let gone = let_go(&suspended, Timestamp(100)).unwrap();
    assert_eq!((gone.standing, gone.blocks.len()), (Standing::Active, 0));
    let mut by_hand = suspended.clone();
    by_hand.stand(StandingChange::Reinstate).unwrap();
    assert_eq!((by_hand.standing, by_hand.blocks.len()), (Standing::Active, 0));

    // A suspension by the vendor is the vendor's to end.
    let own = crate::license::tests::license(Standing::Suspended, None, None);
    assert_eq!(acts_on(&own, block(1, RuleAction::Suspend, Some(100))), None);
    let both = acts_on(&own, block(1, RuleAction::Refuse, Some(100))).unwrap();
    assert_eq!(let_go(&both, Timestamp(100)).unwrap().standing, Standing::Suspended);
}

#[test]
fn a_block_is_undone_by_rule_or_altogether() {
    let license = crate::license::tests::license(crate::license::Standing::Active, None, None);
    let one = acts_on(&license, block(1, RuleAction::Refuse, None)).unwrap();
    let two = acts_on(&one, block(2, RuleAction::Warn, None)).unwrap();
    let rule = RuleId::from_bytes([1; 16]);
    assert_eq!(undone(&two, Timestamp(60), Some(&rule)).unwrap().blocks.len(), 1);
    assert_eq!(undone(&two, Timestamp(60), None).unwrap().blocks, []);
    assert_eq!(undone(&license, Timestamp(60), None), None);
    // The same rule again takes the place of what it did before.
    let again = acts_on(&two, block(1, RuleAction::Refuse, Some(900))).unwrap();
    assert_eq!(again.blocks.len(), 2);
}
