use std::convert::Infallible;
use std::time::Duration;

use axum::http::HeaderValue;
use http_body_util::StreamBody;
use hyper::body::Frame;

use super::*;

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_static(value));
    }
    headers
}

#[test]
fn callers_present_a_token_or_a_key() {
    for (value, expected) in [
        (Some("Bearer abc"), Some(("token", "abc"))),
        (Some("bearer abc"), Some(("token", "abc"))),
        (Some("BEARER   abc "), Some(("token", "abc"))),
        (Some("License AB-CD"), Some(("key", "AB-CD"))),
        (Some("liCENSE AB-CD"), Some(("key", "AB-CD"))),
        (Some("Bearer"), None),
        (Some("Bearer "), None),
        (Some("Basic YTpi"), None),
        (Some("abc"), None),
        (Some(""), None),
        (None, None),
    ] {
        let headers =
            value.map_or_else(HeaderMap::new, |value| headers(&[("authorization", value)]));
        let found = match presented(&headers) {
            Ok(Presented::Token(token)) => Some(("token", token)),
            Ok(Presented::LicenseKey(key)) => Some(("key", key)),
            Err(No(problem)) => {
                assert_eq!(problem.code(), "unauthenticated", "{value:?}");
                None
            }
        };
        assert_eq!(found, expected, "{value:?}");
    }
    let twice = headers(&[("authorization", "Bearer a"), ("authorization", "Bearer b")]);
    assert!(presented(&twice).is_err());
}

#[test]
fn media_types_are_told_apart() {
    for (value, expected) in [
        ("application/json", MediaType::Json),
        ("Application/JSON; charset=utf-8", MediaType::Json),
        ("application/x-ndjson ;x", MediaType::Lines),
        ("application/x-www-form-urlencoded", MediaType::Other),
        ("application/jsonp", MediaType::Other),
        ("", MediaType::Other),
    ] {
        assert_eq!(media_type(&headers(&[("content-type", value)])), expected);
    }
    assert_eq!(media_type(&HeaderMap::new()), MediaType::None);
}

#[test]
fn an_idempotency_key_is_there_once_or_not() {
    let code = |pairs: &[_]| match idempotency_key(&headers(pairs)) {
        Ok(key) => key.map(str::to_owned),
        Err(No(problem)) => Some(problem.code().to_owned()),
    };
    assert_eq!(code(&[]), None);
    assert_eq!(code(&[("idempotency-key", "a")]).as_deref(), Some("a"));
    let twice = [("idempotency-key", "a"), ("idempotency-key", "a")];
    assert_eq!(code(&twice).as_deref(), Some("invalid"));
}

/// A body of these chunks, whose size is not announced.
fn chunked(chunks: &[&'static str]) -> Body {
    let frames: Vec<_> = chunks
        .iter()
        .map(|chunk| Ok::<_, Infallible>(Frame::data(Bytes::from_static(chunk.as_bytes()))))
        .collect();
    Body::new(StreamBody::new(Chunks(frames.into_iter())))
}

struct Chunks<I>(I);

impl<I: Iterator + Unpin> futures_core::Stream for Chunks<I> {
    type Item = I::Item;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<I::Item>> {
        std::task::Poll::Ready(self.0.next())
    }
}

#[tokio::test]
async fn bodies_are_read_within_their_size() {
    for (chunks, bytes_max, expected) in [
        (&[][..], 4, Ok("")),
        (&["abcd"], 4, Ok("abcd")),
        (&["ab", "cd"], 4, Ok("abcd")),
        (&["", "ab", "", "cd"], 4, Ok("abcd")),
        (&["abcde"], 4, Err(Fault::BodyTooLarge(4))),
        (&["ab", "cd", "e"], 4, Err(Fault::BodyTooLarge(4))),
    ] {
        let found = read(chunked(chunks), bytes_max, &HttpOptions::default()).await;
        assert_eq!(found, expected.map(Bytes::from_static_str), "{chunks:?}");
    }
    let announced = read(Body::from("abcde"), 4, &HttpOptions::default()).await;
    assert_eq!(announced, Err(Fault::BodyTooLarge(4)));
}

trait FromStaticStr {
    fn from_static_str(text: &'static str) -> Self;
}

impl FromStaticStr for Bytes {
    fn from_static_str(text: &'static str) -> Self {
        Self::from_static(text.as_bytes())
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_comes_is_given_up() {
    struct Never;

    impl hyper::body::Body for Never {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            std::task::Poll::Pending
        }
    }

    let options = HttpOptions { body_timeout: Duration::from_secs(1), ..HttpOptions::default() };
    let found = read(Body::new(Never), 4, &options).await;
    assert_eq!(found, Err(Fault::RequestTimeout));
}
