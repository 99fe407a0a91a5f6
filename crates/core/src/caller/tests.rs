use super::*;
use crate::text::Code;

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

/// Whether a caller reaches the account as a whole; license 1 and 2 of product 1; license 3 of
/// product 2; the meter `frames`, and another one.
#[test]
fn locks_lock() {
    let license = |number| LicenseId::from_bytes([number; 16]);
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
            },
            false,
            [false, false, false],
            [true, false],
        ),
    ] {
        let caller = caller(locks);
        assert_eq!(caller.need_unlocked().is_ok(), account, "{:?}", caller.locks);
        let reached = [(1, 1), (2, 1), (3, 2)]
            .map(|(number, of)| caller.need_license(license(number), product(of)).is_ok());
        assert_eq!(reached, licenses, "{:?}", caller.locks);
        let reached = ["frames", "other"].map(|meter| caller.need_meter(meter).is_ok());
        assert_eq!(reached, meters, "{:?}", caller.locks);
        assert_eq!(caller.without_locks().need_unlocked(), Ok(()));
        assert_eq!(caller.without_locks().permissions, caller.permissions);
    }
}
