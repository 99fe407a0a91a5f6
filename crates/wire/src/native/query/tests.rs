use usance_core::text::Code;

use super::*;

fn told<T: std::fmt::Debug>(result: Result<T, Problem>) -> String {
    match result {
        Ok(found) => panic!("was read as {found:?}"),
        Err(Problem::Refused(refusal)) => {
            assert_eq!(refusal.code(), "invalid");
            refusal.to_string()
        }
        Err(Problem::Fault(fault)) => fault.to_string(),
    }
}

#[test]
fn pages() {
    let page =
        |limit, cursor: Option<&str>| PageRequest { limit, cursor: cursor.map(str::to_owned) };
    for (query, expected) in [
        ("", page(100, None)),
        ("limit=1", page(1, None)),
        ("limit=1000&cursor=a%2Bb", page(1000, Some("a+b"))),
        ("cursor=", page(100, Some(""))),
    ] {
        assert_eq!(read_page(query), Ok(expected), "{query}");
    }
    let long = format!("cursor={}", "x".repeat(CURSOR_BYTES_MAX + 1));
    for (query, expected) in [
        ("limit=0", "limit must be 1 to 1000"),
        ("limit=1001", "limit must be 1 to 1000"),
        ("limit=-1", "limit must be a whole number, not negative and not too large"),
        ("limit=", "limit must be a whole number, not negative and not too large"),
        ("limit=%2B1", "limit must be a whole number, not negative and not too large"),
        (
            "limit=99999999999999999999",
            "limit must be a whole number, not negative and not too large",
        ),
        ("limit=1&limit=1", "limit may be there once"),
        ("limt=1", "limt is not known here; known are limit, cursor"),
        (&long, "cursor must be the next of the page before"),
    ] {
        assert_eq!(told(read_page(query)), expected, "{query}");
    }
}

#[test]
fn filters() {
    let code = |text| Ref::Code(Code::parse("", text).unwrap());
    assert_eq!(read_policies("product=renderer").unwrap().0, Some(code("renderer")));
    assert_eq!(read_policies("").unwrap().0, None);
    let id = "cus_0193b2c4d5e67890a1b2c3d4e5f60718";
    let (filter, page) =
        read_licenses(&format!("customer={id}&policy=prepaid&status=not-yet-valid&limit=5"))
            .unwrap();
    assert_eq!(page.limit, 5);
    assert_eq!(filter.customer, Some(Ref::Id(id.parse().unwrap())));
    assert_eq!(filter.policy.map(|_| ()), Some(()));
    assert_eq!(filter.product, None);
    assert_eq!(filter.status, Some(Status::NotYetValid));
    for (query, expected) in [
        ("product=A", "product must be an id or a code"),
        ("product=", "product must be an id or a code"),
        ("status=alive", "status must be active, suspended, revoked, expired or not-yet-valid"),
    ] {
        assert_eq!(told(read_licenses(query)), expected, "{query}");
    }
}

#[test]
fn filters_of_activations() {
    let query = "license=KEY-1&product=renderer&policy=p&fingerprint=a%20b&user=a%40b&limit=5";
    let (filter, page) = read_activations(query).unwrap();
    assert_eq!(page.limit, 5);
    assert_eq!(filter.license, Some(LicenseRef::parse("KEY-1")));
    assert_eq!(filter.product.map(drop), Some(()));
    assert_eq!(filter.policy.map(drop), Some(()));
    assert_eq!(filter.fingerprint.as_deref(), Some("a b"));
    assert_eq!(filter.user, Some(UserRef::Email("a@b".into())));
    assert_eq!(read_activations("").unwrap().0, ActivationFilter::default());
    assert_eq!(told(read_activations("license=")), "license must not be empty");
    assert_eq!(told(read_activations("policy=A")), "policy must be an id or a code");
}

#[test]
fn usage_windows() {
    let asked = read_usage("from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00%2B01:00").unwrap();
    assert_eq!(asked.to.0 - asked.from.0, 23 * HOUR_MS);
    assert_eq!(asked.window, Window::Day);
    let year = "from=2026-01-01T00:00:00Z&to=2027-01-01T00:00:00Z";
    assert_eq!(read_usage(&format!("{year}&window=hour")).unwrap().window, Window::Hour);
    let time = "must be a time as in RFC 3339, with + written as %2B";
    for (query, expected) in [
        ("", "from is missing".to_owned()),
        ("from=2026-01-01T00:00:00Z", "to is missing".into()),
        ("from=x&to=x", format!("from {time}")),
        ("from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00+01:00", format!("to {time}")),
        ("from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "to must be later than from".into()),
        (&format!("{year}&window=week"), "window must be hour, day or month".into()),
        (
            "from=2020-01-01T00:00:00Z&to=2027-01-01T00:00:00Z&window=hour",
            "to is more than 10000 windows after from; ask for longer windows or in parts".into(),
        ),
    ] {
        assert_eq!(told(read_usage(query)), expected, "{query}");
    }
}

#[test]
fn proofs() {
    assert_eq!(read_inclusion("record=0"), Ok((0, None)));
    assert_eq!(read_inclusion("size=18446744073709551615&record=17"), Ok((17, Some(u64::MAX))));
    assert_eq!(read_consistency("from=1&to=2"), Ok((1, 2)));
    assert_eq!(told(read_inclusion("size=1")), "record is missing");
    assert_eq!(told(read_consistency("from=1")), "to is missing");
    assert_eq!(
        told(read_consistency("from=1&to=2.5")),
        "to must be a whole number, not negative and not too large"
    );
}

#[test]
fn where_nothing_is_known_anything_is_refused() {
    assert_eq!(read_none(""), Ok(()));
    assert_eq!(told(read_none("amount=5")), "amount is not known here; nothing is");
}

proptest::proptest! {
    #[test]
    fn no_query_panics(query: String) {
        drop(read_none(&query));
        drop(read_page(&query));
        drop(read_licenses(&query));
        drop(read_activations(&query));
        drop(read_policies(&query));
        drop(read_usage(&query));
        drop(read_inclusion(&query));
        drop(read_consistency(&query));
    }
}
