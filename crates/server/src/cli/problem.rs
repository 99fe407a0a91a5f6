//! Problem documents (RFC 9457) as errors that people can read.

use super::client::Response;
use super::fault::Fault;
use super::json::Object;

/// Members of a refusal that say where the meter stands; its detail tells the others.
const FIGURES: [&str; 4] = ["allowed", "held", "remaining", "gross"];

/// The fault of an answer that is no success.
#[must_use]
pub fn fault(answer: &Response) -> Fault {
    let Ok(problem) = Object::parse(&answer.body) else {
        return Fault::failure(format!("the server answered with status {}", answer.status))
            .advise("check that --server names a usance server");
    };
    let code = problem.text("code").unwrap_or_default();
    let said = problem.text("detail").or_else(|| problem.text("title"));
    let said = said.unwrap_or_else(|| format!("the server answered with status {}", answer.status));
    let mut message = match code.as_str() {
        "" => said,
        code => format!("{said} ({code})"),
    };
    if let Some(figures) = figures(&problem) {
        message = format!("{message}\n  {figures}");
    }
    if answer.status >= 500
        && let Some(request) = problem.text("request_id")
    {
        message = format!("{message}\n  request: {request}");
    }
    match advice(answer.status, &code) {
        Some(advice) => Fault::failure(message).advise(advice),
        None => Fault::failure(message),
    }
}

fn figures(problem: &Object) -> Option<String> {
    let meter = problem.text("meter")?;
    let stated: Vec<String> =
        FIGURES.iter().filter_map(|name| Some(format!("{name} {}", problem.text(name)?))).collect();
    (!stated.is_empty()).then(|| format!("meter {meter}: {}", stated.join(", ")))
}

/// What to do next, where the detail cannot know that a command line asked.
fn advice(status: u16, code: &str) -> Option<&'static str> {
    match (status, code) {
        (_, "limit-reached") => Some(
            "raise the ceiling with `usance meter allow`; a use or hold takes what fits with --partial",
        ),
        (
            _,
            "activation-limit-reached"
            | "core-limit-reached"
            | "memory-limit-reached"
            | "disk-limit-reached",
        ) => Some(
            "deactivate a machine with `usance activation delete`, or raise the limit with \
             `usance license change --override`",
        ),
        (_, "process-limit-reached" | "user-limit-reached" | "deactivation-limit-reached") => {
            Some("raise the limit with `usance license change --override`")
        }
        (_, "license-overdue") => Some("check it in with `usance license check-in`"),
        (_, "license-expired") => Some("make it last longer with `usance license renew`"),
        (_, "activation-dead") => Some("activate the machine again"),
        (_, "meter-missing") => Some("say how much with --allow METER=N"),
        (_, "over") => Some("see what lives with `usance hold list` and `usance session list`"),
        (_, "license-suspended") => Some("let it go on with `usance license reinstate`"),
        (_, "permission-missing" | "locked-to-another") => {
            Some("use another token; `usance whoami` tells what this one may do")
        }
        (401, _) => Some("pass a valid token with --token-file, --token or USANCE_TOKEN"),
        (_, "storage-failed" | "storage-full") => Some("look at the log of the server"),
        (429 | 503, _) => Some("wait a moment and ask again"),
        (500.., _) => Some("look at the log of the server"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_become_readable() {
        for (status, body, expected) in [
            (
                409,
                r#"{"code":"limit-reached","detail":"meter frames has 3 left","meter":"frames",
                    "asked":5,"total":97,"allowed":100,"remaining":3,"request_id":"r"}"#,
                "meter frames has 3 left (limit-reached)\n  \
                 meter frames: allowed 100, remaining 3\n  \
                 next: raise the ceiling with `usance meter allow`; a use or hold takes what fits with --partial",
            ),
            (
                404,
                r#"{"code":"unknown","detail":"there is no license x"}"#,
                "there is no license x (unknown)",
            ),
            (
                500,
                r#"{"title":"internal error","code":"internal","request_id":"r-1"}"#,
                "internal error (internal)\n  request: r-1\n  next: look at the log of the server",
            ),
            (
                502,
                "<html>",
                "the server answered with status 502\n  \
                 next: check that --server names a usance server",
            ),
        ] {
            let answer = Response { status, body: body.into() };
            assert_eq!(fault(&answer).to_string(), expected);
        }
    }
}
