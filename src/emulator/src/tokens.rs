//! The sign-in: the token endpoint, `/TENANT/oauth2/v2.0/token`, for programs that sign in as
//! themselves, and the documents by which identity libraries find it. Anybody with an id and a
//! secret gets a token: the emulator protects nothing, it only makes the real sign-in run.

use hyper::Method;
use secrecy::ExposeSecret;
use serde_json::json;
use url::Url;

use super::account::{Account, Caller, TOKEN_LIFETIME};
use super::addresses::Names;
use super::http::{Answer, Call};

/// Answers a sign-in or a question about it; `None` if the call is none.
pub(super) fn answer(account: &Account, names: &Names, call: &Call) -> Option<Answer> {
    let mut parts = call.path.trim_matches('/').splitn(2, '/');
    let tenant = parts.next().filter(|tenant| !tenant.is_empty())?;
    match parts.next()? {
        "oauth2/v2.0/token" => Some(token(account, tenant, call)),
        "v2.0/.well-known/openid-configuration" => Some(configuration(names, tenant)),
        "discovery/instance" => Some(instance(names, call)),
        "discovery/v2.0/keys" => Some(Answer::json(200, &json!({ "keys": [] }))),
        _ => None,
    }
}

/// Where everything is ("OpenID Connect Discovery 1.0").
fn configuration(names: &Names, tenant: &str) -> Answer {
    let own = format!("{}/{tenant}", names.authority);
    let host = host(&names.authority);
    Answer::json(
        200,
        &json!({
            "issuer": format!("{own}/v2.0"),
            "authorization_endpoint": format!("{own}/oauth2/v2.0/authorize"),
            "token_endpoint": format!("{own}/oauth2/v2.0/token"),
            "device_authorization_endpoint": format!("{own}/oauth2/v2.0/devicecode"),
            "jwks_uri": format!("{own}/discovery/v2.0/keys"),
            "token_endpoint_auth_methods_supported":
                ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "response_types_supported": ["code", "id_token", "code id_token"],
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "tenant_region_scope": "WW", "cloud_instance_name": host,
        }),
    )
}

/// Which authorities are one and the same: the one that is asked for alone.
fn instance(names: &Names, call: &Call) -> Answer {
    let asked = call.parameter("authorization_endpoint").unwrap_or_default();
    let tenant = Url::parse(asked).ok().and_then(|url| {
        let mut parts = url.path_segments()?;
        parts.next().filter(|tenant| !tenant.is_empty()).map(str::to_owned)
    });
    let Some(tenant) = tenant else {
        let text = "The authorization_endpoint is missing.";
        return Answer::json(400, &json!({"error": "invalid_request", "error_description": text}));
    };
    let host = host(&names.authority);
    Answer::json(
        200,
        &json!({
            "api-version": "1.1",
            "tenant_discovery_endpoint":
                format!("{}/{tenant}/v2.0/.well-known/openid-configuration", names.authority),
            "metadata": [{
                "preferred_network": host, "preferred_cache": host, "aliases": [host],
            }],
        }),
    )
}

/// Host and port of an address.
fn host(address: &str) -> &str {
    address.split_once("://").map_or(address, |(_, host)| host)
}

/// Gives a token.
fn token(account: &Account, tenant: &str, call: &Call) -> Answer {
    let refused = |status, code: &str, text: &str| {
        Answer::json(status, &json!({"error": code, "error_description": text}))
    };
    if call.method != Method::POST {
        return refused(405, "invalid_request", "A token is asked for by POST.");
    }
    let form: Vec<(String, String)> =
        url::form_urlencoded::parse(&call.body).into_owned().collect();
    let has = |key: &str| form.iter().any(|(name, value)| name == key && !value.is_empty());
    if !form.iter().any(|(name, value)| name == "grant_type" && value == "client_credentials") {
        let text = "The emulator knows the grant client_credentials only.";
        return refused(400, "unsupported_grant_type", text);
    }
    if !has("client_id") || !(has("client_secret") || has("client_assertion")) || !has("scope") {
        let text = "Id, secret or scope is missing.";
        return refused(401, "invalid_client", text);
    }
    let client = form.iter().find(|(name, _)| name == "client_id");
    let client = client.map_or("", |(_, value)| value);
    let caller = Caller { tenant, client };
    let body = json!({
        "token_type": "Bearer", "expires_in": TOKEN_LIFETIME.as_secs(),
        "ext_expires_in": TOKEN_LIFETIME.as_secs(),
        "access_token": account.new_token(&caller).expose_secret(),
    });
    Answer::json(200, &body)
}
