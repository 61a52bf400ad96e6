//! The sign-in endpoint, `/TENANT/oauth2/v2.0/token`, for programs that sign in as themselves.
//! Anybody with an id and a secret gets a token: the emulator protects nothing, it only makes
//! the real sign-in run.

use hyper::Method;
use secrecy::ExposeSecret;
use serde_json::json;

use super::account::{Account, Caller, TOKEN_LIFETIME};
use super::http::{Answer, Call};

/// Answers a sign-in; `None` if the call is none.
pub(super) fn answer(account: &Account, call: &Call) -> Option<Answer> {
    let mut parts = call.path.trim_matches('/').splitn(2, '/');
    let tenant = parts.next().filter(|tenant| !tenant.is_empty());
    if tenant.is_none() || parts.next() != Some("oauth2/v2.0/token") {
        return None;
    }
    let refused = |status, code: &str, text: &str| {
        Answer::json(status, &json!({"error": code, "error_description": text}))
    };
    if call.method != Method::POST {
        return Some(refused(405, "invalid_request", "A token is asked for by POST."));
    }
    let form: Vec<(String, String)> =
        url::form_urlencoded::parse(&call.body).into_owned().collect();
    let has = |key: &str| form.iter().any(|(name, value)| name == key && !value.is_empty());
    if !form.iter().any(|(name, value)| name == "grant_type" && value == "client_credentials") {
        let text = "The emulator knows the grant client_credentials only.";
        return Some(refused(400, "unsupported_grant_type", text));
    }
    if !has("client_id") || !(has("client_secret") || has("client_assertion")) || !has("scope") {
        let text = "Id, secret or scope is missing.";
        return Some(refused(401, "invalid_client", text));
    }
    let client = form.iter().find(|(name, _)| name == "client_id");
    let client = client.map_or("", |(_, value)| value);
    let caller = Caller { tenant: tenant.unwrap_or_default(), client };
    let body = json!({
        "token_type": "Bearer", "expires_in": TOKEN_LIFETIME.as_secs(),
        "ext_expires_in": TOKEN_LIFETIME.as_secs(),
        "access_token": account.new_token(&caller).expose_secret(),
    });
    Some(Answer::json(200, &body))
}
