//! Management locks of storage accounts (`azure-import-export` 1C.1): the one that the service
//! puts on the account for which a job lives, so that nobody deletes it in the meantime; and those
//! that were declared, on accounts and on groups.

use hyper::Method;
use serde_json::{Value, json};

use super::call::{Context, Path};
use super::fault::Fault;
use crate::http::Answer;
use crate::jobs::key::Service;

/// The versions of the resource manager's locks.
pub(super) const VERSIONS: [&str; 2] = ["2016-09-01", "2020-05-01"];

const NAME: &str = "DATABOX_SERVICE";

/// A lock that was declared.
const OWN_NAME: &str = "declared";

/// What a call asks for: the locks of this account, or one of them by its name; or those of a group.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Account { scope: String, name: Option<String> },
    Group { scope: String, group: String },
}

impl Asked {
    /// `None` if the call is not about locks of a storage account.
    pub fn of(target: &Path) -> Option<Self> {
        let words: Vec<String> = target.rest.iter().map(|part| part.to_lowercase()).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if let ("microsoft.authorization", ["locks"]) = (target.provider.as_str(), &words[..]) {
            let (subscription, group) = (target.subscription.as_ref()?, target.group.clone()?);
            let scope = format!("/subscriptions/{subscription}/resourceGroups/{group}");
            return Some(Asked::Group { scope, group });
        }
        let ["storageaccounts", _, "providers", "microsoft.authorization", "locks", name @ ..] =
            words.as_slice()
        else {
            return None;
        };
        if target.provider != "microsoft.storage" || name.len() > 1 {
            return None;
        }
        let (subscription, group) = (target.subscription.as_ref()?, target.group.as_ref()?);
        let scope = format!(
            "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Storage/storageAccounts/{}",
            target.rest[1]
        );
        Some(Asked::Account { scope, name: name.first().map(|name| (*name).to_owned()) })
    }
}

/// Answers a call about locks.
pub(super) fn answer(context: Context<'_>, asked: &Asked) -> Result<Answer, Fault> {
    if context.call.method != Method::GET {
        return Err(Fault::new(405, "MethodNotAllowed", "The resource does not take this method."));
    }
    let (scope, asked) = match asked {
        Asked::Group { scope, group } => {
            let world = context.world.read();
            let own = world.locks.iter().filter(|own| own.group.eq_ignore_ascii_case(group));
            let all: Vec<Value> = own.map(|own| body(scope, OWN_NAME, &own.level)).collect();
            return Ok(Answer::json(200, &json!({ "value": all })));
        }
        Asked::Account { scope, name } => (scope, name),
    };
    let is_locked = context.book.all().iter().any(|job| {
        job.key.service == Service::DataBox
            && !job.state.is_final()
            && job.storage_account.eq_ignore_ascii_case(scope)
    });
    let name = scope.rsplit('/').next().unwrap_or_default();
    let world = context.world.read();
    let held = world.accounts.iter().find(|own| own.name.eq_ignore_ascii_case(name));
    let level = held.and_then(|own| own.rules.lock.as_ref());
    let mut all = Vec::new();
    all.extend(is_locked.then(|| (NAME, body(scope, NAME, "CanNotDelete"))));
    all.extend(level.map(|level| (OWN_NAME, body(scope, OWN_NAME, level))));
    match asked {
        None => {
            let all: Vec<Value> = all.into_iter().map(|(_, own)| own).collect();
            Ok(Answer::json(200, &json!({ "value": all })))
        }
        Some(asked) => {
            let lock = all.into_iter().find(|(name, _)| asked.eq_ignore_ascii_case(name));
            let none = || Fault::no_resource("The lock");
            lock.map(|(_, lock)| Answer::json(200, &lock)).ok_or_else(none)
        }
    }
}

fn body(scope: &str, name: &str, level: &str) -> Value {
    let notes = match name {
        NAME => "The Data Box service copies data from drives to this account.",
        _ => "Declared.",
    };
    json!({
        "id": format!("{scope}/providers/Microsoft.Authorization/locks/{name}"),
        "type": "Microsoft.Authorization/locks",
        "name": name,
        "properties": { "level": level, "notes": notes },
    })
}
