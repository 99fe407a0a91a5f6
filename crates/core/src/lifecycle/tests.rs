use alloc::string::ToString;
use alloc::vec;

use proptest::prelude::*;

use super::*;
use crate::id::{LicenseId, PolicyId, ProductId};
use crate::key::KeyPattern;
use crate::license::{LicenseKey, Marks};
use crate::live::{Hold, Live, Session};
use crate::metadata::Metadata;
use crate::meter::Measure;
use crate::period::span::Span;
use crate::period::zone::Zone;
use crate::policy::Policy;
use crate::quantity::Scale;
use crate::terms::{Limit, LimitOverage, OnTransfer, TermsPatch, Unique};
use crate::text::Code;

const DAY: i64 = 24 * 60 * 60 * 1000;
const NOW: Timestamp = Timestamp(1_000 * DAY);

/// A license that lasts for ever, of user 1 and, beside them, user 2.
pub(crate) fn license() -> License {
    License {
        id: LicenseId::from_bytes([1; 16]),
        key: LicenseKey("K".to_string()),
        product: ProductId::from_bytes([2; 16]),
        policy: PolicyId::from_bytes([3; 16]),
        customer: None,
        reseller: None,
        owner: Some(user(1)),
        users: vec![user(2)],
        name: None,
        overrides: None,
        entitlements: Vec::new(),
        metadata: Metadata::default(),
        marks: Marks::default(),
        blocks: Vec::new(),
        standing: Standing::Active,
        valid_from: None,
        expires_at: None,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    }
}

pub(crate) fn user(id: u8) -> UserId {
    UserId::from_bytes([id; 16])
}

fn lasting(days: u64) -> Terms {
    Terms { duration_seconds: Seconds(Some(days * 24 * 60 * 60)), ..Terms::default() }
}

fn day(number: i64) -> Timestamp {
    Timestamp(number * DAY)
}

fn refusal<T>(of: Result<T, Refusal>) -> Option<&'static str> {
    of.err().map(|refusal| refusal.code())
}

#[test]
fn a_license_lasts_from_when_it_begins() {
    let terms = lasting(30);
    assert_eq!(expiry_at_creation(&terms, day(10), None, None), Some(day(40)));
    assert_eq!(expiry_at_creation(&terms, day(10), Some(day(5)), None), Some(day(40)));
    assert_eq!(expiry_at_creation(&terms, day(10), Some(day(20)), None), Some(day(50)));
    assert_eq!(expiry_at_creation(&terms, day(10), None, Some(None)), None);
    assert_eq!(expiry_at_creation(&terms, day(10), None, Some(Some(day(11)))), Some(day(11)));
    assert_eq!(expiry_at_creation(&Terms::default(), day(10), None, None), None);
    let later = Terms { expires_from: ExpiresFrom::FirstUse, ..terms };
    assert_eq!(expiry_at_creation(&later, day(10), None, None), None);
    assert_eq!(expiry_at_creation(&lasting(30), Timestamp::MAX, None, None), Some(Timestamp::MAX));
}

#[test]
fn an_event_begins_the_expiry_once() {
    for expires_from in ExpiresFrom::ALL {
        for event in ExpiresFrom::ALL {
            let terms = Terms { expires_from: *expires_from, ..lasting(30) };
            let is_begun = expires_from == event && *event != ExpiresFrom::Creation;
            let begun = begin_expiry(&license(), &terms, *event, day(10));
            assert_eq!(begun, is_begun.then_some(day(40)), "{expires_from} {event}");
            let running = License { expires_at: Some(day(1)), ..license() };
            assert_eq!(begin_expiry(&running, &terms, *event, day(10)), None);
        }
    }
    let terms = Terms { expires_from: ExpiresFrom::FirstUse, ..Terms::default() };
    assert_eq!(begin_expiry(&license(), &terms, ExpiresFrom::FirstUse, day(10)), None);
    let terms = Terms { expires_from: ExpiresFrom::FirstActivation, ..lasting(30) };
    let waiting = License { valid_from: Some(day(20)), ..license() };
    let begun = begin_expiry(&waiting, &terms, ExpiresFrom::FirstActivation, day(10));
    assert_eq!(begun, Some(day(50)));
}

#[test]
fn renewals_last_from_where_the_terms_say() {
    use RenewsFrom::{Expiry, Now, NowIfExpired};
    for (renews_from, end, expected) in [
        (Expiry, 20, 50),
        (Expiry, 5, 35),
        (Now, 20, 40),
        (Now, 5, 40),
        (NowIfExpired, 20, 50),
        (NowIfExpired, 5, 40),
        (NowIfExpired, 10, 40),
    ] {
        let terms = Terms { renews_from, ..lasting(30) };
        let before = License { expires_at: Some(day(end)), ..license() };
        let renewed = renew(&before, &terms, day(10)).unwrap();
        assert_eq!(renewed.expires_at, Some(day(expected)), "{renews_from} {end}");
        assert_eq!(renewed.updated_at, day(10));
    }
}

#[test]
fn a_renewal_across_the_end_of_a_month_is_plain_seconds() {
    // From 2026-01-31T12:00:00Z, by 30 days, to 2026-03-02T12:00:00Z.
    let before = License { expires_at: Some(Timestamp(1_769_860_800_000)), ..license() };
    let renewed = renew(&before, &lasting(30), NOW).unwrap();
    assert_eq!(renewed.expires_at, Some(Timestamp(1_772_452_800_000)));
}

#[test]
fn what_has_no_end_or_no_duration_is_not_renewed() {
    let ends = License { expires_at: Some(NOW), ..license() };
    let conflict = Some("license-state-conflict");
    assert_eq!(refusal(renew(&license(), &lasting(1), NOW)), conflict);
    assert_eq!(refusal(renew(&ends, &Terms::default(), NOW)), conflict);
    let revoked = License { standing: Standing::Revoked, ..ends.clone() };
    assert_eq!(refusal(renew(&revoked, &lasting(1), NOW)), conflict);
    let suspended = License { standing: Standing::Suspended, ..ends.clone() };
    assert_eq!(refusal(renew(&suspended, &lasting(1), NOW)), None);
    let waiting = License { valid_from: Some(day(2_000)), expires_at: Some(day(3_000)), ..ends };
    let from_now = Terms { renews_from: RenewsFrom::Now, ..lasting(1) };
    assert_eq!(refusal(renew(&waiting, &from_now, NOW)), Some("invalid"));
}

#[test]
fn an_expiry_is_moved_from_where_it_is_or_from_now() {
    for (end, days, expected) in [
        (Some(20), 30, Ok(Some(day(50)))),
        (Some(5), 30, Ok(Some(day(40)))),
        (Some(20), -3, Ok(Some(day(17)))),
        (Some(5), -3, Ok(Some(day(7)))),
        (Some(20), -18, Err("invalid")),
        (None, 30, Err("license-state-conflict")),
    ] {
        let before = License { valid_from: Some(day(3)), expires_at: end.map(day), ..license() };
        let after = extend(&before, days * DAY / 1000, day(10));
        let found = after.map(|after| after.expires_at).map_err(|refusal| refusal.code());
        assert_eq!(found, expected, "{end:?} {days}");
    }
    let ends = License { expires_at: Some(day(20)), ..license() };
    let far = |by| extend(&ends, by, day(10)).unwrap().expires_at;
    assert_eq!(far(i64::MAX), Some(Timestamp::MAX));
    assert_eq!(far(i64::MIN), Some(Timestamp(CALENDAR_MS_MIN)));
    let revoked = License { standing: Standing::Revoked, ..ends };
    assert_eq!(refusal(extend(&revoked, 1, NOW)), Some("license-state-conflict"));
}

#[test]
fn check_ins_follow_the_clocks_on_the_wall() {
    let terms = Terms {
        check_in_every: Some(Span::parse("span", "1 day").unwrap()),
        time_zone: Zone::parse("zone", "Europe/Berlin").unwrap(),
        ..Terms::default()
    };
    // Clocks are put forward on 2026-03-29 and back on 2026-10-25, at 01:00Z.
    for (now_ms, hours) in [
        (1_774_692_000_000, 23), // 2026-03-28T10:00Z
        (1_774_778_400_000, 24), // 2026-03-29T10:00Z
        (1_792_836_000_000, 25), // 2026-10-24T10:00Z
    ] {
        let now = Timestamp(now_ms);
        let checked_in = check_in(&license(), &terms, now).unwrap();
        assert_eq!((checked_in.marks.checked_in_at, checked_in.updated_at), (Some(now), now));
        let due = Timestamp(now_ms + hours * 60 * 60 * 1000);
        assert_eq!(checked_in.check_in_due(&terms), Some(due));
        let before = Timestamp(due.0 - 1);
        assert_eq!(refusal(checked_in.check_metering(&terms, before)), None);
        assert_eq!(refusal(checked_in.check_metering(&terms, due)), Some("license-overdue"));
    }
}

#[test]
fn the_first_check_in_is_counted_from_when_the_license_begins() {
    let every = Some(Span::parse("span", "2 days").unwrap());
    let terms = Terms { check_in_every: every, ..Terms::default() };
    assert_eq!(license().check_in_due(&terms), Some(day(2)));
    let waiting = License { valid_from: Some(day(5)), ..license() };
    assert_eq!(waiting.check_in_due(&terms), Some(day(7)));
    let long_valid = License { valid_from: Some(day(-5)), ..license() };
    assert_eq!(long_valid.check_in_due(&terms), Some(day(2)));
}

#[test]
fn check_ins_that_nobody_wants_are_refused() {
    assert_eq!(
        refusal(check_in(&license(), &Terms::default(), NOW)),
        Some("license-state-conflict")
    );
    let every = Some(Span::parse("span", "1 month").unwrap());
    let terms = Terms { check_in_every: every, ..Terms::default() };
    let revoked = License { standing: Standing::Revoked, ..license() };
    assert_eq!(refusal(check_in(&revoked, &terms, NOW)), Some("license-state-conflict"));
    let suspended = License { standing: Standing::Suspended, ..license() };
    assert_eq!(refusal(check_in(&suspended, &terms, NOW)), None);
}

#[test]
fn expiry_that_counts_for_nothing_does_not_stop_the_meters() {
    let expired = License { expires_at: Some(NOW), ..license() };
    for (when_expired, stops) in [
        (WhenExpired::Restrict, true),
        (WhenExpired::Revoke, true),
        (WhenExpired::Maintain, true),
        (WhenExpired::Allow, false),
    ] {
        let terms = Terms { when_expired, ..Terms::default() };
        let found = refusal(expired.check_metering(&terms, NOW));
        assert_eq!(found, stops.then_some("license-expired"), "{when_expired}");
    }
}

#[test]
fn keys_and_tokens_are_let_in_as_the_terms_say() {
    use AuthenticationBy::{Both, Key, None as Nothing, Token};
    for (authentication, key, token) in [
        (Both, None, None),
        (Key, None, Some(TOKEN_NOT_ALLOWED)),
        (Token, Some(KEY_NOT_ALLOWED), None),
        (Nothing, Some(NOTHING_ALLOWED), Some(NOTHING_ALLOWED)),
    ] {
        let terms = Terms { authentication, ..Terms::default() };
        for (by, why) in [(Presented::Key, key), (Presented::Token, token)] {
            let expected = why.map_or(Ok(()), |why| Err(Refusal::Unauthenticated(why)));
            assert_eq!(may_authenticate(&license(), &terms, false, by, NOW), expected);
            for standing in [Standing::Suspended, Standing::Revoked] {
                let stopped = License { standing, ..license() };
                assert_eq!(may_authenticate(&stopped, &terms, false, by, NOW), expected);
            }
            let banned = may_authenticate(&license(), &terms, true, by, NOW);
            assert_eq!(banned, Err(Refusal::Unauthenticated(OWNER_BANNED)));
        }
    }
}

#[test]
fn an_expired_key_is_let_in_unless_the_terms_revoke_it() {
    let expired = License { expires_at: Some(NOW), ..license() };
    for when_expired in WhenExpired::ALL {
        let terms = Terms { when_expired: *when_expired, ..Terms::default() };
        let is_refused = *when_expired == WhenExpired::Revoke;
        let key = may_authenticate(&expired, &terms, false, Presented::Key, NOW);
        assert_eq!(refusal(key), is_refused.then_some("license-expired"), "{when_expired}");
        let token = may_authenticate(&expired, &terms, false, Presented::Token, NOW);
        assert_eq!(token, Ok(()));
        let before = Timestamp(NOW.0 - 1);
        assert_eq!(may_authenticate(&expired, &terms, false, Presented::Key, before), Ok(()));
    }
}

#[test]
fn a_stopped_license_only_reads() {
    for (standing, code) in
        [(Standing::Suspended, "license-suspended"), (Standing::Revoked, "license-revoked")]
    {
        let stopped = License { standing, ..license() };
        for (permission, is_refused) in [
            (Permission::LicenseRead, false),
            (Permission::LicenseValidate, false),
            (Permission::MeterRead, false),
            (Permission::MeterIncrement, false),
            (Permission::LicenseFile, true),
            (Permission::LicenseCheckIn, true),
            (Permission::ActivationCreate, true),
            (Permission::ActivationHeartbeat, true),
        ] {
            assert_eq!(
                refusal(may_act(stopped.id, stopped.standing, permission)),
                is_refused.then_some(code)
            );
            assert_eq!(may_act(license().id, license().standing, permission), Ok(()));
        }
    }
}

#[test]
fn time_does_one_thing_after_the_other() {
    let every = Some(Span::parse("span", "4 days").unwrap());
    let terms = Terms { check_in_every: every, ..Terms::default() };
    let dated = License { valid_from: Some(day(2)), expires_at: Some(day(9)), ..license() };
    for (now, expected) in [
        (day(0), Some((day(2), Due::Begin))),
        (day(2), Some((day(6), Due::CheckIn))),
        (day(6), Some((day(9), Due::Expiry))),
        (Timestamp(day(9).0 - 1), Some((day(9), Due::Expiry))),
        (day(9), None),
    ] {
        assert_eq!(next_due(&dated, &terms, now), expected, "{now:?}");
    }
    let both = License { expires_at: Some(day(6)), ..dated.clone() };
    assert_eq!(next_due(&both, &terms, day(3)), Some((day(6), Due::CheckIn)));
    assert_eq!(next_due(&license(), &Terms::default(), day(0)), None);
    let revoked = License { standing: Standing::Revoked, ..dated };
    assert_eq!(next_due(&revoked, &terms, day(0)), None);
}

#[test]
fn people_are_counted_once() {
    assert_eq!(people(&license()), 2);
    let both = License { users: vec![user(1), user(2)], ..license() };
    assert_eq!(people(&both), 2);
    assert_eq!(people(&License { owner: None, ..both }), 2);
    assert_eq!(people(&License { owner: None, users: Vec::new(), ..license() }), 0);
    assert_eq!(distinct(vec![user(2), user(1), user(2)]), [user(1), user(2)]);
}

#[test]
fn people_beyond_the_limit_are_refused() {
    let crowd = License { users: (2..=5).map(user).collect(), ..license() };
    for (limit, overage, before, expected) in [
        (None, LimitOverage::Refuse, 0, None),
        (Some(5), LimitOverage::Refuse, 0, None),
        (Some(4), LimitOverage::Refuse, 0, Some("user-limit-reached")),
        (Some(4), LimitOverage::Percent(24), 4, Some("user-limit-reached")),
        (Some(4), LimitOverage::Percent(25), 4, None),
        (Some(0), LimitOverage::Allow, 0, None),
        // There are still too many, but fewer than before.
        (Some(4), LimitOverage::Refuse, 6, None),
        (Some(4), LimitOverage::Refuse, 5, None),
    ] {
        let terms = Terms { max_users: Limit(limit), limit_overage: overage, ..Terms::default() };
        let found = refusal(check_people(&crowd, &terms, before));
        assert_eq!(found, expected, "{limit:?} {overage:?} {before}");
    }
    let terms = Terms { max_users: Limit(Some(3)), ..Terms::default() };
    let Err(Refusal::LimitOf(figures)) = check_people(&crowd, &terms, 3) else { panic!() };
    assert_eq!((figures.limit, figures.present, figures.asked), (3, 3, 2));
    let masses = License { users: vec![user(2); LICENSE_USERS_MAX + 1], ..license() };
    assert_eq!(refusal(check_people(&masses, &Terms::default(), 0)), Some("too-many"));
}

#[test]
fn meters_that_the_license_must_state_are_stated() {
    let meters = [spec("frames"), Arc::new(stated_spec("nodes"))];
    assert_eq!(check_stated(&meters, |name| name == "nodes"), Ok(()));
    assert_eq!(check_stated(&meters, |_| false), Err(Refusal::MeterMissing(code("nodes"))));
}

#[test]
fn overrides_must_not_contradict_the_policy() {
    let node_locked =
        Terms { floating: false, max_activations: Limit(Some(1)), ..Terms::default() };
    assert_eq!(*effective_terms(&node_locked, &None).unwrap(), node_locked);
    let more = TermsPatch { max_activations: Some(Limit(Some(2))), ..TermsPatch::default() };
    let overrides = Some(alloc::boxed::Box::new(more));
    assert_eq!(refusal(effective_terms(&node_locked, &overrides)), Some("invalid"));
    let terms = Terms::default();
    let effective = effective_terms(&terms, &overrides).unwrap();
    assert_eq!(effective.max_activations, Limit(Some(2)));
}

fn code(text: &str) -> Code {
    Code::parse("code", text).unwrap()
}

fn spec(name: &str) -> Arc<MeterSpec> {
    Arc::new(MeterSpec { stated_by_license: false, ..stated_spec(name) })
}

fn stated_spec(name: &str) -> MeterSpec {
    MeterSpec { stated_by_license: true, ..MeterSpec::new(code(name)) }
}

fn policy(id: u8) -> Policy {
    Policy {
        id: PolicyId::from_bytes([id; 16]),
        product: ProductId::from_bytes([2; 16]),
        code: code("policy"),
        name: "Policy".to_string(),
        meters: vec![spec("frames")],
        key_pattern: KeyPattern::default(),
        terms: Arc::new(Terms::default()),
        entitlements: Vec::new(),
        metadata: Metadata::default(),
        archived_at: None,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    }
}

struct Move {
    license: License,
    old: Policy,
    new: Policy,
    own_meters: Vec<Arc<MeterSpec>>,
    stated: Vec<Code>,
    live: Live,
}

impl Move {
    fn new() -> Self {
        Self {
            license: license(),
            old: policy(3),
            new: policy(4),
            own_meters: Vec::new(),
            stated: Vec::new(),
            live: Live::default(),
        }
    }

    fn done(&self) -> Result<License, Refusal> {
        let Self { license, old, new, own_meters, stated, live } = self;
        transfer(&Transfer { license, old, new, own_meters, stated, live, now: NOW })
    }

    fn new_terms(&mut self) -> &mut Terms {
        Arc::make_mut(&mut self.new.terms)
    }
}

#[test]
fn a_transfer_keeps_what_is_the_licenses_own() {
    let mut moves = Move::new();
    let patch = TermsPatch { max_cores: Some(Limit(Some(8))), ..TermsPatch::default() };
    moves.license.overrides = Some(alloc::boxed::Box::new(patch));
    moves.license.expires_at = Some(day(7));
    moves.own_meters.push(spec("extra"));
    let moved = moves.done().unwrap();
    let expected = License { policy: moves.new.id, updated_at: NOW, ..moves.license.clone() };
    assert_eq!(moved, expected);
}

#[test]
fn the_new_policy_says_what_becomes_of_the_expiry() {
    for (on_transfer, duration, expected) in [
        (OnTransfer::Keep, Some(30), Some(day(7))),
        (OnTransfer::Keep, None, Some(day(7))),
        (OnTransfer::Reset, Some(30), Some(day(1_030))),
        (OnTransfer::Reset, None, None),
    ] {
        let mut moves = Move::new();
        moves.license.expires_at = Some(day(7));
        *moves.new_terms() = Terms { on_transfer, ..duration.map_or_else(Terms::default, lasting) };
        assert_eq!(moves.done().unwrap().expires_at, expected, "{on_transfer} {duration:?}");
    }
}

type Contradiction = (&'static str, fn(&mut Move));

#[test]
fn a_transfer_that_contradicts_is_refused() {
    let cases: &[Contradiction] = &[
        ("license-state-conflict", |m| m.license.standing = Standing::Revoked),
        ("invalid", |m| m.new.product = ProductId::from_bytes([9; 16])),
        ("archived", |m| m.new.archived_at = Some(NOW)),
        ("invalid", |m| {
            let patch = TermsPatch { floating: Some(false), ..TermsPatch::default() };
            m.license.overrides = Some(alloc::boxed::Box::new(patch));
        }),
        ("invalid", |m| {
            m.new_terms().unique = Unique::Account;
            let machine = crate::validation::tests::machine(1, "a");
            m.live.activations.push(Arc::new(machine));
        }),
        ("invalid", |m| {
            Arc::make_mut(&mut m.new.meters[0]).scale = Scale::new(2).unwrap();
        }),
        ("taken", |m| {
            m.own_meters.push(spec("extra"));
            m.new.meters.push(spec("extra"));
        }),
        ("meter-missing", |m| m.new.meters.push(Arc::new(stated_spec("nodes")))),
        ("in-use", |m| {
            m.new.meters.clear();
            m.live.holds.push(Arc::new(hold()));
        }),
        ("in-use", |m| {
            m.new.meters.clear();
            m.live.sessions.push(Arc::new(session()));
        }),
        ("in-use", |m| {
            Arc::make_mut(&mut m.new.meters[0]).measure = Measure::Seats;
            m.live.sessions.push(Arc::new(session()));
        }),
    ];
    for (index, (code, change)) in cases.iter().enumerate() {
        let mut moves = Move::new();
        change(&mut moves);
        assert_eq!(refusal(moves.done()), Some(*code), "case {index}");
    }
}

#[test]
fn a_transfer_that_does_not_contradict_is_let() {
    let cases: &[fn(&mut Move)] = &[
        |m| m.license.standing = Standing::Suspended,
        |m| m.new_terms().unique = Unique::Account,
        |m| m.new_terms().max_activations = Limit(Some(0)),
        |m| m.new.meters.clear(),
        |m| m.live.holds.push(Arc::new(hold())),
        |m| m.live.sessions.push(Arc::new(session())),
        |m| {
            m.new.meters.push(Arc::new(stated_spec("nodes")));
            m.stated.push(code("nodes"));
        },
        |m| {
            m.new = m.old.clone();
            m.new.archived_at = Some(NOW);
        },
    ];
    for (index, change) in cases.iter().enumerate() {
        let mut moves = Move::new();
        change(&mut moves);
        assert_eq!(refusal(moves.done()), None, "case {index}");
    }
}

fn hold() -> Hold {
    Hold {
        id: crate::id::HoldId::from_bytes([1; 16]),
        meter: code("frames"),
        activation: None,
        units: 1,
        expires_at: NOW,
        created_at: NOW,
    }
}

fn session() -> Session {
    Session {
        id: crate::id::SessionId::from_bytes([1; 16]),
        meter: code("frames"),
        activation: None,
        count: 1,
        reserved: 1,
        active_ms: 0,
        subject: None,
        seen_at: NOW,
        expires_at: NOW,
        created_at: NOW,
    }
}

proptest! {
    #[test]
    fn two_renewals_from_the_expiry_are_twice_the_duration(
        end in 0..2_000 * DAY,
        now in 0..2_000 * DAY,
        seconds in 1..u64::from(u32::MAX),
    ) {
        let terms = Terms { duration_seconds: Seconds(Some(seconds)), ..Terms::default() };
        let first = License { expires_at: Some(Timestamp(end)), ..license() };
        let second = renew(&first, &terms, Timestamp(now)).unwrap();
        let third = renew(&second, &terms, Timestamp(now)).unwrap();
        let twice = i64::try_from(seconds).unwrap() * 2000;
        prop_assert_eq!(third.expires_at, Some(Timestamp(end + twice)));
    }

    #[test]
    fn no_renewal_ends_before_it_is_made_unless_from_the_expiry(
        end in 0..2_000 * DAY,
        now in 0..2_000 * DAY,
        seconds in 1..u64::from(u32::MAX),
    ) {
        for renews_from in [RenewsFrom::Now, RenewsFrom::NowIfExpired] {
            let duration_seconds = Seconds(Some(seconds));
            let terms = Terms { duration_seconds, renews_from, ..Terms::default() };
            let before = License { expires_at: Some(Timestamp(end)), ..license() };
            let after = renew(&before, &terms, Timestamp(now)).unwrap();
            prop_assert!(!after.is_expired(Timestamp(now)));
        }
    }

    #[test]
    fn nothing_ends_beyond_the_last_instant(
        end in 0..=Timestamp::MAX.0,
        seconds in 1..=crate::limits::SECONDS_MAX,
    ) {
        let terms = Terms { duration_seconds: Seconds(Some(seconds)), ..Terms::default() };
        let before = License { expires_at: Some(Timestamp(end)), ..license() };
        let after = renew(&before, &terms, NOW).unwrap();
        prop_assert!(after.expires_at.unwrap() <= Timestamp::MAX);
        prop_assert!(after.expires_at >= before.expires_at);
    }
}
