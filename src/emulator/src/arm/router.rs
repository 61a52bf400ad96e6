//! Which call goes to which provider, once the caller is known and the version is one of its own.

use percent_encoding::percent_decode_str;
use serde_json::json;

use super::call::{Context, Path};
use super::fault::Fault;
use super::locks::{self, Asked};
use super::version::check_version;
use super::{
    compute, data_box, import_export, network, permissions, providers, recovery_services, storage,
    subscriptions,
};
use crate::http::{Answer, http_date};

/// Answers a call to the resource manager.
pub(crate) fn answer(context: Context<'_>) -> Answer {
    // The datacenter's time: who counts the days of a job, counts them by this.
    let now = context.now;
    let answer = route(context).unwrap_or_else(|Fault { status, code, message, .. }| {
        let body = json!({"error": {"code": code, "message": message, "details": []}});
        let answer = Answer::json(status, &body);
        match status {
            401 => answer.with("www-authenticate", where_to_sign_in(context)),
            _ => answer,
        }
    });
    answer
        .with("cache-control", "no-cache")
        .with("date", http_date(now))
        .with("x-ms-correlation-request-id", uuid::Uuid::new_v4().to_string())
        .with("strict-transport-security", "max-age=31536000; includeSubDomains")
        .with("x-content-type-options", "nosniff")
}

/// Who comes without a token is told who gives them.
fn where_to_sign_in(context: Context<'_>) -> String {
    let authority = format!("https://{}/", context.call.host());
    format!("Bearer authorization_uri=\"{authority}\", error=\"invalid_token\"")
}

/// Whether a call is for the resource manager.
pub(crate) fn is_arm(path: &str) -> bool {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    first.eq_ignore_ascii_case("subscriptions") || first.eq_ignore_ascii_case("providers")
}

fn route(context: Context<'_>) -> Result<Answer, Fault> {
    let Context { account, call, .. } = context;
    let token = call.header("authorization").and_then(|header| header.strip_prefix("Bearer "));
    if !token.is_some_and(|token| account.takes(token)) {
        let message = "The token is missing, wrong or over.";
        return Err(Fault::new(401, "AuthenticationFailed", message));
    }
    let parts: Vec<String> = call
        .path
        .trim_matches('/')
        .split('/')
        .map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned())
        .collect();
    if let Some(answer) = subscriptions::answer(context, &parts) {
        return answer;
    }
    let target = Path::of(&parts).ok_or_else(|| Fault::no_resource("The resource"))?;
    if permissions::is_asked(&target) {
        check_subscription(context, &target)?;
        return permissions::answer(context, &target);
    }
    permissions::check(context, &target)?;
    if providers::is_asked(&target) {
        check_subscription(context, &target)?;
        return providers::answer(context, &target);
    }
    context.registry.check(&target.provider)?;
    if let Some(answer) = storage::answer(context, &target) {
        check_subscription(context, &target)?;
        return answer;
    }
    match target.provider.as_str() {
        import_export::PROVIDER => {
            check_version(context, &import_export::VERSIONS)?;
            check_subscription(context, &target)?;
            import_export::answer(context, &target)
        }
        data_box::PROVIDER => {
            check_version(context, &data_box::VERSIONS)?;
            check_subscription(context, &target)?;
            Ok(data_box::answer(context, &target))
        }
        compute::PROVIDER | compute::CLASSIC => {
            check_subscription(context, &target)?;
            compute::answer(context, &target)
        }
        network::PROVIDER => {
            check_subscription(context, &target)?;
            network::answer(context, &target)
        }
        recovery_services::PROVIDER => {
            check_subscription(context, &target)?;
            recovery_services::answer(context, &target)
        }
        _ => {
            let asked = Asked::of(&target).ok_or_else(|| Fault::no_resource("The resource"))?;
            check_version(context, &locks::VERSIONS)?;
            check_subscription(context, &target)?;
            locks::answer(context, &asked)
        }
    }
}

fn check_subscription(context: Context<'_>, target: &Path) -> Result<(), Fault> {
    let own = context.account.subscription.as_str();
    match &target.subscription {
        Some(other) if !other.eq_ignore_ascii_case(own) => {
            let message = format!("The subscription {other} was not found.");
            Err(Fault::new(404, "SubscriptionNotFound", message))
        }
        _ => Ok(()),
    }
}
