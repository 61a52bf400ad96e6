//! Management locks of storage accounts (`azure-import-export` 1C.1): the one that the service
//! puts on the account for which a job lives, so that nobody deletes it in the meantime.

use hyper::Method;
use serde_json::{Value, json};

use super::call::{Context, Path};
use super::fault::Fault;
use crate::http::Answer;
use crate::jobs::key::Service;

/// The versions of the resource manager's locks.
pub(super) const VERSIONS: [&str; 2] = ["2016-09-01", "2020-05-01"];

const NAME: &str = "DATABOX_SERVICE";

/// What a call asks for: the locks of this account, or one of them by its name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked {
    account: String,
    name: Option<String>,
}

impl Asked {
    /// `None` if the call is not about locks of a storage account.
    pub fn of(target: &Path) -> Option<Self> {
        let words: Vec<String> = target.rest.iter().map(|part| part.to_lowercase()).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let ["storageaccounts", _, "providers", "microsoft.authorization", "locks", name @ ..] =
            words.as_slice()
        else {
            return None;
        };
        if target.provider != "microsoft.storage" || name.len() > 1 {
            return None;
        }
        let (subscription, group) = (target.subscription.as_ref()?, target.group.as_ref()?);
        let account = format!(
            "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Storage/storageAccounts/{}",
            target.rest[1]
        );
        Some(Asked { account, name: name.first().map(|name| (*name).to_owned()) })
    }
}

/// Answers a call about locks.
pub(super) fn answer(context: Context<'_>, asked: &Asked) -> Result<Answer, Fault> {
    if context.call.method != Method::GET {
        return Err(Fault::new(405, "MethodNotAllowed", "The resource does not take this method."));
    }
    let is_locked = context.book.all().iter().any(|job| {
        job.key.service == Service::DataBox
            && !job.state.is_final()
            && job.storage_account.eq_ignore_ascii_case(&asked.account)
    });
    let lock = is_locked.then(|| body(&asked.account));
    match &asked.name {
        None => Ok(Answer::json(200, &json!({ "value": Vec::from_iter(lock) }))),
        Some(name) => {
            let lock = lock.filter(|_| name.eq_ignore_ascii_case(NAME));
            lock.map(|lock| Answer::json(200, &lock)).ok_or_else(|| Fault::no_resource("The lock"))
        }
    }
}

fn body(account: &str) -> Value {
    json!({
        "id": format!("{account}/providers/Microsoft.Authorization/locks/{NAME}"),
        "type": "Microsoft.Authorization/locks",
        "name": NAME,
        "properties": {
            "level": "CanNotDelete",
            "notes": "The Data Box service copies data from drives to this account.",
        },
    })
}
