//! Methods, paths and queries.

use super::Target;
use crate::http::{Request, segment};

#[test]
fn what_is_not_there_is_told_from_what_cannot_be() {
    let mut target = Target::new(&[]);
    let key = target.admin.get(&format!("/v1/licenses/{}", target.license)).json()["key"].clone();
    let key = key.as_str().unwrap();
    let (first, rest) = key.split_at(1);
    let mistyped = format!("{}{rest}", if first == "7" { "8" } else { "7" });
    let mut swapped = key.to_owned().into_bytes();
    let differ = |at: &usize| key.as_bytes()[*at] != key.as_bytes()[*at + 1];
    let at = (0..4).find(differ).expect("five symbols are not all the same");
    swapped.swap(at, at + 1);
    let swapped = String::from_utf8(swapped).unwrap();
    let license = target.license.clone();
    let long = "x".repeat(3000);
    for (method, path, status, code) in [
        ("GET", format!("/v1/licenses/{key}"), 200, ""),
        ("GET", format!("/v1/licenses/{}", segment(&format!(" {} ", key.to_lowercase()))), 200, ""),
        ("GET", format!("/v1/licenses/{mistyped}"), 404, "key-mistyped"),
        ("GET", format!("/v1/licenses/{swapped}"), 404, "key-mistyped"),
        ("POST", format!("/v1/licenses/{mistyped}/meters/frames/increment"), 404, "key-mistyped"),
        ("GET", "/v1/licenses/00000-00000-00000-00000-00000".into(), 404, "unknown"),
        ("GET", "/v1/licenses/lic_0193b2c4d5e67890a1b2c3d4e5f60718".into(), 404, "unknown"),
        ("GET", "/v1/licenses/lic_short".into(), 404, "key-mistyped"),
        ("GET", format!("/v1/licenses/{}", license.to_uppercase()), 404, "key-mistyped"),
        ("GET", format!("/v1/licenses/{long}"), 404, "key-mistyped"),
        ("GET", "/v1/licenses/%00".into(), 404, "key-mistyped"),
        ("GET", format!("/v1/licenses/{license}/meters/none"), 404, "unknown"),
        ("GET", format!("/v1/licenses/{license}/meters/No%20Meter"), 404, "unknown"),
        ("GET", format!("/v1/licenses/{license}/meters/{long}"), 404, "unknown"),
        ("POST", format!("/v1/licenses/{license}/meters/none/increment"), 404, "unknown"),
        ("GET", "/v1/products/%2e%2e".into(), 404, "unknown"),
        ("GET", "/v1/products/a%2Fb".into(), 404, "unknown"),
        ("GET", "/v1/products/%F0%9F%8D%8E".into(), 404, "unknown"),
        ("GET", "/v1/products/%ff".into(), 422, "invalid"),
        ("GET", "/v1/products/%".into(), 404, "unknown"),
        ("GET", "/v1/products/%zz".into(), 404, "unknown"),
        ("GET", "/v1/../etc/passwd".into(), 404, "no-such-route"),
        ("GET", "//v1/products".into(), 404, "no-such-route"),
        ("GET", "/v1/Products".into(), 404, "no-such-route"),
        ("GET", "/v1//products".into(), 404, "no-such-route"),
        ("GET", "/v1/licenses//meters".into(), 404, "key-mistyped"),
        ("GET", "/".into(), 404, "no-such-route"),
        ("GET", "*".into(), 404, "no-such-route"),
        ("PUT", "/v1/products".into(), 405, "method-not-allowed"),
        ("DELETE", "/v1/uses".into(), 405, "method-not-allowed"),
        (
            "GET",
            format!("/v1/licenses/{license}/meters/frames/increment"),
            405,
            "method-not-allowed",
        ),
        ("get", "/v1/products".into(), 405, "method-not-allowed"),
        ("FLY", "/v1/products".into(), 405, "method-not-allowed"),
        ("TRACE", "/v1/products".into(), 405, "method-not-allowed"),
    ] {
        let answer = target.server.admin().ask(&Request::new(method, &path));
        let problem = (status, code.to_owned());
        assert_eq!(answer.problem(), problem, "{method} {path} {}", answer.body);
        assert!(answer.header("allow").is_some() == (status == 405), "{answer:?}");
    }
    target.check();
}

#[test]
fn queries_that_make_no_sense_are_refused() {
    let mut target = Target::new(&[]);
    let meter = format!("/v1/licenses/{}/meters/frames", target.license);
    let product = target.admin.get("/v1/products/renderer").json()["id"].clone();
    let long = format!("/v1/products?cursor={}", "x".repeat(513));
    let lists = ["/v1/products", "/v1/policies", "/v1/customers", "/v1/licenses", "/v1/tokens"];
    let mut paths: Vec<(String, &str)> = vec![(long, "cursor"), (format!("{meter}?x"), "x")];
    for list in lists.into_iter().map(str::to_owned).chain([format!("{meter}/records")]) {
        for (query, field) in [
            ("limit=0", "limit"),
            ("limit=1001", "limit"),
            ("limit=-1", "limit"),
            ("limit=1.5", "limit"),
            ("limit=%31%30x", "limit"),
            ("limit=99999999999999999999", "limit"),
            ("limit=", "limit"),
            ("limit=1&limit=1", "limit"),
            ("cursor=", "cursor"),
            ("cursor=nonsense", "cursor"),
            ("cursor=-1", "cursor"),
            ("cursor=%ff", "cursor"),
            ("cursor=18446744073709551615", "cursor"),
            ("cursor=99999", "cursor"),
            ("offset=5", "offset"),
            ("=", ""),
        ] {
            paths.push((format!("{list}?{query}"), field));
        }
    }
    // The id of another kind of thing.
    paths.push((format!("/v1/licenses?cursor={}", product.as_str().unwrap()), "cursor"));
    for (path, field) in paths {
        let answer = target.admin.get(&path);
        assert_eq!(answer.problem(), (422, "invalid".into()), "{path}");
        assert_eq!(answer.json()["field"], field, "{path}");
    }
    target.check();
}
