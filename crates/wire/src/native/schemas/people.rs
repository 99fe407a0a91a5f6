//! People, credentials and keys.

use serde_json::{Value, json};
use usance_core::audience::Audience;
use usance_core::user::Role;

use crate::limits::{PASSWORD_BYTES_MAX, PASSWORD_BYTES_MIN};
use crate::native::schemas::parts::{
    asked, base64, boolean, code, id, metadata, name, or_null, permissions, positive, reference,
    shown, shown_in_part, text, time, unset_metadata, whole,
};

/// Their schemas, by name.
pub(super) fn all() -> Vec<(&'static str, Value)> {
    let locks = [
        ("product", or_null(id("prod_"))),
        ("license", or_null(id("lic_"))),
        ("meter", or_null(code())),
        ("user", or_null(id("usr_"))),
        ("customer", or_null(id("cus_"))),
    ];
    let token = [("id", id("tok_")), ("name", name()), ("permissions", permissions())];
    let token_end = [
        ("audience", or_null(audience())),
        ("expires_at", or_null(time())),
        ("revoked_at", or_null(time())),
        ("created_at", time()),
        ("uses", whole()),
        ("refused", whole()),
        ("last_used_at", or_null(time())),
    ];
    let secret = [("secret", text())];
    let key = [
        ("number", positive()),
        ("key", base64()),
        ("verifier_key", or_null(text())),
        ("created_at", time()),
        ("retired_at", or_null(time())),
    ];
    let account = [("account", id("acc_"))];
    vec![
        ("User", user()),
        ("NewUser", new_user()),
        ("UserPatch", user_patch()),
        ("Token", shown(&[&token, &locks, &token_end])),
        ("MadeToken", shown(&[&token, &secret, &locks, &token_end])),
        ("NewToken", new_token()),
        (
            "Caller",
            shown(&[
                &account,
                &[("token", or_null(id("tok_"))), ("license", or_null(id("lic_")))],
                &[("permissions", permissions()), ("audience", or_null(audience()))],
                &[("locked_to", shown(&[&locks]))],
            ]),
        ),
        ("PublicKey", shown(&[&key])),
        ("MadeKey", shown(&[&account, &key])),
        (
            "PublicKeys",
            shown(&[
                &account,
                &[("items", json!({"type": "array", "items": reference("PublicKey")}))],
                &[("next", json!({"type": "null"}))],
            ]),
        ),
    ]
}

fn audience() -> Value {
    json!({"enum": Audience::WORDS})
}

fn role() -> Value {
    json!({"enum": Role::WORDS})
}

fn password() -> Value {
    json!({
        "type": "string", "format": "password",
        "minLength": PASSWORD_BYTES_MIN, "maxLength": PASSWORD_BYTES_MAX,
    })
}

fn names() -> Vec<(&'static str, Value)> {
    vec![("first_name", or_null(name())), ("last_name", or_null(name()))]
}

fn user() -> Value {
    shown_in_part(
        &[
            &[("id", id("usr_")), ("email", name())],
            &names(),
            &[("role", role()), ("customer", or_null(id("cus_")))],
            &[("has_password", boolean()), ("banned_at", or_null(time()))],
            &metadata(),
            &[("created_at", time()), ("updated_at", time())],
        ],
        &["metadata_visible_to"],
    )
}

fn new_user() -> Value {
    let own = [
        ("email", name()),
        ("role", or_null(role())),
        ("customer", or_null(text())),
        ("password", or_null(password())),
    ];
    asked(&["email"], &[&own[..], &names(), &unset_metadata()].concat())
}

fn user_patch() -> Value {
    let own = [
        ("email", name()),
        ("role", role()),
        ("customer", or_null(text())),
        ("password", or_null(password())),
    ];
    asked(&[], &[&own[..], &names(), &metadata()].concat())
}

fn new_token() -> Value {
    asked(
        &["name", "permissions"],
        &[
            ("name", name()),
            ("permissions", permissions()),
            ("product", or_null(text())),
            ("license", or_null(text())),
            ("meter", or_null(code())),
            ("user", or_null(text())),
            ("customer", or_null(text())),
            ("audience", or_null(audience())),
            ("expires_at", or_null(time())),
        ],
    )
}
