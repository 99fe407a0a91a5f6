use alloc::string::ToString;
use alloc::vec::Vec;

use super::*;
use crate::id::{CustomerId, PolicyId, UserId};
use crate::license::{LicenseKey, Marks, Standing};
use crate::metadata::Metadata;
use crate::text::Code;
use crate::time::Timestamp;

fn caller(locks: Locks) -> Caller {
    let permissions = Permissions::NONE.with(Permission::MeterRead);
    Caller { permissions, locks, ..Caller::system(AccountId::from_bytes([1; 16])) }
}

#[test]
fn permissions_are_what_they_say() {
    let caller = caller(Locks::default());
    assert_eq!(caller.need(Permission::MeterRead), Ok(()));
    for permission in Permission::ALL.iter().filter(|one| **one != Permission::MeterRead) {
        assert_eq!(caller.need(*permission), Err(Refusal::PermissionMissing(*permission)));
    }
    let system = Caller::system(AccountId::from_bytes([1; 16]));
    assert!(Permission::ALL.iter().all(|permission| system.need(*permission).is_ok()));
    assert_eq!(system.need_unlocked(), Ok(()));
}

#[test]
fn a_stopped_license_may_only_look() {
    let id = LicenseId::from_bytes([1; 16]);
    let acting = |standing| Caller {
        acts_as: Some((id, standing)),
        ..Caller::system(AccountId::from_bytes([1; 16]))
    };
    for (standing, expected) in [
        (Standing::Active, Ok(())),
        (Standing::Suspended, Err(Refusal::LicenseSuspended(id))),
        (Standing::Revoked, Err(Refusal::LicenseRevoked(id))),
    ] {
        let caller = acting(standing);
        assert_eq!(caller.need(Permission::ActivationCreate), expected);
        assert_eq!(caller.need(Permission::LicenseFile), expected);
        assert_eq!(caller.need(Permission::LicenseValidate), Ok(()));
        assert_eq!(caller.need(Permission::ActivationRead), Ok(()));
    }
}

fn a_license() -> License {
    License {
        id: LicenseId::from_bytes([1; 16]),
        key: LicenseKey("K".to_string()),
        product: ProductId::from_bytes([1; 16]),
        policy: PolicyId::from_bytes([1; 16]),
        customer: None,
        reseller: None,
        owner: None,
        users: Vec::new(),
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

/// Whether a caller reaches the account as a whole; license 1 and 2 of product 1; license 3 of
/// product 2; the meter `frames`, and another one.
#[test]
fn locks_lock() {
    let license = |number| LicenseId::from_bytes([number; 16]);
    let of = |number, of: u8| License {
        id: license(number),
        product: ProductId::from_bytes([of; 16]),
        ..a_license()
    };
    let product = |number| ProductId::from_bytes([number; 16]);
    let frames = Code::parse("meter", "frames").unwrap();
    for (locks, account, licenses, meters) in [
        (Locks::default(), true, [true, true, true], [true, true]),
        (
            Locks { product: Some(product(1)), ..Locks::default() },
            false,
            [true, true, false],
            [true, true],
        ),
        (
            Locks { license: Some(license(1)), ..Locks::default() },
            false,
            [true, false, false],
            [true, true],
        ),
        (
            Locks { meter: Some(frames.clone()), ..Locks::default() },
            false,
            [true, true, true],
            [true, false],
        ),
        (
            Locks {
                product: Some(product(2)),
                license: Some(license(1)),
                meter: Some(frames.clone()),
                ..Locks::default()
            },
            false,
            [false, false, false],
            [true, false],
        ),
    ] {
        let caller = caller(locks);
        assert_eq!(caller.need_unlocked().is_ok(), account, "{:?}", caller.locks);
        let reached = [(1, 1), (2, 1), (3, 2)]
            .map(|(number, product)| caller.need_license(&of(number, product)).is_ok());
        assert_eq!(reached, licenses, "{:?}", caller.locks);
        let reached = ["frames", "other"].map(|meter| caller.need_meter(meter).is_ok());
        assert_eq!(reached, meters, "{:?}", caller.locks);
        assert_eq!(caller.without_locks().need_unlocked(), Ok(()));
        assert_eq!(caller.without_locks().permissions, caller.permissions);
    }
}

/// A person reaches the licenses they own or may use, a customer those that it pays for or sold.
#[test]
fn locks_to_people_lock() {
    let user = |number| Some(UserId::from_bytes([number; 16]));
    let customer = |number| Some(CustomerId::from_bytes([number; 16]));
    let owned = License { owner: user(1), users: user(2).into_iter().collect(), ..a_license() };
    let paid = License { customer: customer(1), reseller: customer(2), ..a_license() };
    let of_user = |number| Locks { user: user(number), ..Locks::default() };
    let of_customer = |number| Locks { customer: customer(number), ..Locks::default() };
    let locked = |kind| Err(Refusal::Locked(kind));
    for (locks, license, expected) in [
        (of_user(1), &owned, Ok(())),
        (of_user(2), &owned, Ok(())),
        (of_user(3), &owned, locked(Kind::User)),
        (of_user(1), &paid, locked(Kind::User)),
        (of_customer(1), &paid, Ok(())),
        (of_customer(2), &paid, Ok(())),
        (of_customer(3), &paid, locked(Kind::Customer)),
        (of_customer(1), &owned, locked(Kind::Customer)),
    ] {
        let caller = caller(locks);
        assert_eq!(caller.need_license(license), expected, "{:?}", caller.locks);
        assert!(caller.need_unlocked().is_err(), "{:?}", caller.locks);
    }
}

/// The vendor sees everything, others what is shown to them.
#[test]
fn audiences_see_what_is_shown_to_them() {
    let to_users = Audiences::NONE.with(Audience::User);
    for (audience, sees) in [
        (None, [true, true, true]),
        (Some(Audience::User), [false, true, true]),
        (Some(Audience::Reseller), [false, false, true]),
    ] {
        let caller = Caller { audience, ..caller(Locks::default()) };
        let found = [Audiences::NONE, to_users, Audiences::all()].map(|to| caller.sees(to));
        assert_eq!(found, sees, "{audience:?}");
    }
}
