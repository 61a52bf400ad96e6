//! Whether a storage account is as a purpose needs it: kind, firewall, what opens it, what it holds on
//! to. Pure over what Azure answered (`environment-checks` 6).

use disk_prep::noun::{ErrorKind, count, typed};

use super::answer::{Answer, Fault, look};
use super::finding::{Finding, good, problem, unknown, warning};
use super::rights::Purpose;
use crate::azure::{BlobService, Lock, StorageAccount};

const AREA: &str = "account";
/// The lock of the service that copies drives.
const SERVICES_LOCK: &str = "DATABOX_SERVICE";
/// The storage that restores go to (`error-catalogue`, restore).
const RESTORED_TO: [&str; 3] = ["Standard_LRS", "Standard_GRS", "Standard_RAGRS"];
/// Forms of TLS that are broken.
const OLD_TLS: [&str; 2] = ["TLS1_0", "TLS1_1"];

/// What opens the account's blobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenedBy {
    /// Whoever is signed in.
    SignIn,
    /// The account's key, or a signature of it.
    Key,
}

/// What was asked for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The account.
    pub name: String,
    /// Its resource group, if it is known.
    pub group: String,
    /// What for.
    pub purpose: Purpose,
    /// What opens its blobs.
    pub opened_by: OpenedBy,
    /// A container of it.
    pub container: Option<String>,
    /// Below what in it.
    pub prefix: String,
}

/// What is in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Nothing, or nothing below that prefix.
    Nothing,
    /// A repository, or what we keep beside one.
    Ours,
    /// Something else; one of its blobs.
    Foreign(String),
}

/// What Azure answered.
#[derive(Debug)]
pub struct View {
    /// The account.
    pub account: Answer<StorageAccount>,
    /// How its blobs are kept.
    pub blobs: Answer<BlobService>,
    /// Locks on it and on its group.
    pub locks: Answer<Vec<Lock>>,
    /// What is in the container.
    pub content: Answer<Content>,
}

/// What is so.
pub fn findings(wanted: &Wanted, view: &View) -> Vec<Finding> {
    let name = format!("storage account {}", wanted.name);
    let mut all = Vec::new();
    all.extend(look("exists", &view.account, &name, |_| good("exists", name.clone())));
    if let Answer::Known(account) = &view.account {
        all.push(kind(wanted, account));
        all.push(premium_quota(account));
        all.extend(firewall(wanted, account));
        all.extend(keys(wanted, account));
        all.extend(kept(&view.blobs));
        all.extend(locks(&view.locks));
    }
    all.extend(container(wanted, &view.content));
    all.into_iter().map(|own| own.of(AREA)).collect()
}

/// Kinds and forms of accounts that do not go with a purpose (`azure-import-export` 2.4).
pub(super) fn unfit(
    purpose: Purpose,
    (kind, sku): (&str, &str),
    is_of_nfs: bool,
) -> Option<&'static str> {
    let is_premium = sku.starts_with("Premium");
    let is_import = purpose == Purpose::Import;
    if kind.eq_ignore_ascii_case("FileStorage") {
        Some("it holds no blobs")
    } else if is_import && is_premium {
        Some("drives are copied to standard accounts only")
    } else if is_import && is_of_nfs {
        Some("drives are not copied to accounts that are served over NFS")
    } else if purpose == Purpose::DiskBackup && is_premium {
        Some("backups of disks go to standard accounts only")
    } else if purpose == Purpose::Restore
        && !sku.is_empty()
        && !RESTORED_TO.iter().any(|own| own.eq_ignore_ascii_case(sku))
    {
        Some("restores go to Standard with locally or geo-redundant storage only")
    } else {
        None
    }
}

fn kind(wanted: &Wanted, account: &StorageAccount) -> Finding {
    let told = format!("{} {}", account.kind, account.sku());
    let refused = |why: &str, entry: Option<&str>| {
        let found = problem("kind", format!("{told}: {why}"), "use another account");
        let found = found.because(ErrorKind::Refused);
        match entry {
            Some(entry) => found.explained(entry),
            None => found,
        }
    };
    let is_restore = wanted.purpose == Purpose::Restore;
    if let Some(why) = unfit(wanted.purpose, (&account.kind, account.sku()), account.is_of_nfs()) {
        return refused(why, is_restore.then_some("restore-storage-account-unsupported"));
    }
    if wanted.purpose == Purpose::DiskBackup && account.has_folders() {
        return refused("it has folders (a hierarchical namespace), and so no page blobs", None);
    }
    good("kind", told)
}

/// Unmanaged disks on premium storage: the service copied their snapshots within the account, so half
/// of it had to stay free (`error-catalogue`, UserErrorBCMPremiumStorageQuotaError).
fn premium_quota(account: &StorageAccount) -> Finding {
    let is_premium = account.sku().starts_with("Premium");
    let has_pages = ["Storage", "StorageV2"].iter().any(|own| account.kind == *own);
    if !(is_premium && has_pages) {
        return good("premium-quota", "it is no premium storage for unmanaged disks");
    }
    let facts = "premium storage for page blobs: virtual machines on such unmanaged disks no longer \
                 start since 30 September 2025; while they did, half of the account (17.5 TB) had to \
                 stay free for their backups, and each snapshot counts";
    let action = "move a disk to a managed one, then protect its machine; the blobs can still be \
                  backed up with `azseed disk-backup protect`";
    warning("premium-quota", facts, action).explained("UserErrorBCMPremiumStorageQuotaError")
}

/// The line that changes one thing about the account.
fn update(wanted: &Wanted, flag: &str, value: &str) -> String {
    let own = ["-g", &wanted.group, "-n", &wanted.name, flag, value];
    typed(["az", "storage", "account", "update"].into_iter().chain(own))
}

fn firewall(wanted: &Wanted, account: &StorageAccount) -> Vec<Finding> {
    let Wanted { name, group, purpose, .. } = wanted;
    let mut all = Vec::new();
    if *purpose == Purpose::Import && account.bars_services() {
        let facts = "the firewall keeps the service out that copies drives";
        let found = problem("firewall", facts, "let trusted Microsoft services through");
        all.push(found.because(ErrorKind::Refused).next(update(
            wanted,
            "--bypass",
            "AzureServices",
        )));
    }
    let is_own = matches!(purpose, Purpose::Vault | Purpose::DiskBackup);
    match account.let_in() {
        _ if !account.is_public() && is_own => {
            let facts = "it cannot be reached from the Internet, only by private endpoints";
            let action = "run this where the private endpoint is, or open the account";
            all.push(warning("firewall", facts, action).next("azseed check network"));
        }
        Some(let_in) if let_in.is_empty() && is_own => {
            let facts = "the firewall lets nobody in, so not this machine either";
            let found = problem("firewall", facts, "let the address of this machine in");
            all.push(found.because(ErrorKind::Refused).next(typed([
                "az",
                "storage",
                "account",
                "network-rule",
                "add",
                "-g",
                group,
                "--account-name",
                name,
                "--ip-address",
                "ADDRESS",
            ])));
        }
        Some(let_in) if is_own => {
            let facts = format!(
                "the firewall lets in {}; whether this machine is among them shows --container",
                let_in.join(", ")
            );
            all.push(unknown("firewall", facts));
        }
        _ if all.is_empty() => all.push(good("firewall", "it lets in who is needed")),
        _ => {}
    }
    all
}

fn keys(wanted: &Wanted, account: &StorageAccount) -> Vec<Finding> {
    let mut all = vec![match (account.takes_keys(), wanted.opened_by) {
        (true, _) => good("keys", "it takes keys, and signatures of keys"),
        (false, OpenedBy::SignIn) => good("keys", "it takes no keys, and none is given"),
        (false, OpenedBy::Key) => {
            let facts = "a key or a signature is given, and the account takes neither";
            let action = "leave them out and sign in";
            problem("keys", facts, action).because(ErrorKind::NotAllowed).next("az login")
        }
    }];
    let old = account.least_tls().filter(|own| OLD_TLS.contains(own));
    all.extend(old.map(|own| {
        let facts = format!("it still takes {}", own.replace("TLS1_", "TLS 1."));
        warning("keys", facts, "have it take TLS 1.2 at least").next(update(
            wanted,
            "--min-tls-version",
            "TLS1_2",
        ))
    }));
    all
}

/// Deleted blobs that are kept are paid for ("Soft delete for blobs").
fn kept(answer: &Answer<BlobService>) -> Option<Finding> {
    const WHAT: &str = "soft-delete";
    let own = match answer {
        Answer::Known(own) => own,
        other => return look(WHAT, other, "", |_| good(WHAT, "")).filter(|_| is_told(other)),
    };
    let days = |days: Option<u32>, what: &str| {
        days.map(|days| format!("deleted {what} are kept for {}", count(u64::from(days), "day")))
    };
    let mut facts: Vec<String> = Vec::new();
    facts.extend(days(own.kept_days(), "blobs"));
    facts.extend(days(own.kept_container_days(), "containers"));
    facts.extend(own.keeps_versions().then(|| "what is overwritten stays as versions".to_owned()));
    Some(match facts.is_empty() {
        true => good(WHAT, "what is deleted goes at once"),
        false => {
            let action = "what `cleanup` and `prune` delete is paid for until then";
            warning(WHAT, facts.join("; "), action)
        }
    })
}

/// What does not exist is no fault where only what is kept is asked for.
fn is_told<T>(answer: &Answer<T>) -> bool {
    matches!(answer, Answer::Unknown(_) | Answer::Failed(_))
}

fn locks(answer: &Answer<Vec<Lock>>) -> Vec<Finding> {
    const WHAT: &str = "locks";
    let own = match answer {
        Answer::Known(own) => own,
        Answer::Unknown(why) => return vec![unknown(WHAT, format!("not known: {why}"))],
        Answer::Failed(Fault { facts, .. }) => return vec![unknown(WHAT, facts.clone())],
        Answer::Absent | Answer::Unasked => return Vec::new(),
    };
    if own.is_empty() {
        return vec![good(WHAT, "none")];
    }
    let finding = |own: &Lock| {
        let Lock { name, level, .. } = own;
        if name.eq_ignore_ascii_case(SERVICES_LOCK) {
            let facts = format!("{name}: the service's own, as long as an import job lives");
            return good(WHAT, facts);
        }
        if level.eq_ignore_ascii_case("ReadOnly") {
            let facts = format!("{name} lets nothing be changed (ReadOnly)");
            let found = problem(WHAT, facts, "have its owner take it away");
            return found
                .because(ErrorKind::Refused)
                .next(typed(["az", "lock", "delete", "--ids", &own.id]));
        }
        good(WHAT, format!("{name}: the account cannot be deleted, its blobs can ({level})"))
    };
    own.iter().map(finding).collect()
}

fn container(wanted: &Wanted, answer: &Answer<Content>) -> Option<Finding> {
    const WHAT: &str = "container";
    let name = wanted.container.as_deref().unwrap_or_default();
    let place = match wanted.prefix.trim_matches('/') {
        "" => name.to_owned(),
        prefix => format!("{name}/{prefix}"),
    };
    match answer {
        Answer::Unknown(why) if why.contains("AuthorizationFailure") => {
            let facts = format!("the firewall keeps this machine out of {place}");
            let found = problem(WHAT, facts, "have the address of this machine let in");
            Some(found.because(ErrorKind::NotAllowed))
        }
        answer => look(WHAT, answer, "", |own| match own {
            Content::Nothing => good(WHAT, format!("nothing is in {place} yet")),
            Content::Ours => good(WHAT, format!("{place} has a repository")),
            Content::Foreign(blob) => {
                let facts = format!("{place} has blobs that are none of ours, such as {blob}");
                warning(WHAT, facts, "use a container or a prefix of your own")
            }
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::finding::Grade;

    fn account(text: &str) -> StorageAccount {
        serde_json::from_str(text).unwrap()
    }

    fn wanted(purpose: Purpose) -> Wanted {
        Wanted {
            name: "account1".to_owned(),
            group: "rg".to_owned(),
            purpose,
            opened_by: OpenedBy::SignIn,
            container: Some("c".to_owned()),
            prefix: "repo/".to_owned(),
        }
    }

    fn view(text: &str) -> View {
        View {
            account: Answer::Known(account(text)),
            blobs: Answer::Known(BlobService::default()),
            locks: Answer::Known(Vec::new()),
            content: Answer::Unasked,
        }
    }

    fn told(wanted: &Wanted, view: &View) -> Vec<String> {
        let all = findings(wanted, view).into_iter().filter(|own| own.grade != Grade::Good);
        all.map(|own| format!("{} {}", own.id(), own.grade.word())).collect()
    }

    const PLAIN: &str = r#"{"kind":"StorageV2","sku":{"name":"Standard_LRS"}}"#;

    #[test]
    fn a_plain_account_is_good_for_everything() {
        for purpose in [Purpose::Import, Purpose::Vault, Purpose::DiskBackup, Purpose::Restore] {
            assert_eq!(told(&wanted(purpose), &view(PLAIN)), Vec::<String>::new());
            assert_eq!(findings(&wanted(purpose), &view(PLAIN)).len(), 7);
        }
    }

    #[test]
    fn kinds_are_judged_by_what_they_are_for() {
        use Purpose::{DiskBackup, Import, Restore, Vault};
        let bad = "account-kind problem";
        for (text, refused) in [
            (
                r#"{"kind":"FileStorage","sku":{"name":"Premium_LRS"}}"#,
                vec![Import, Vault, DiskBackup, Restore],
            ),
            (
                r#"{"kind":"BlockBlobStorage","sku":{"name":"Premium_LRS"}}"#,
                vec![Import, DiskBackup, Restore],
            ),
            (r#"{"kind":"StorageV2","sku":{"name":"Standard_ZRS"}}"#, vec![Restore]),
            (
                r#"{"kind":"StorageV2","sku":{"name":"Standard_LRS"},"properties":{"isHnsEnabled":true}}"#,
                vec![DiskBackup],
            ),
            (
                r#"{"kind":"StorageV2","sku":{"name":"Standard_LRS"},"properties":{"isNfsV3Enabled":true}}"#,
                vec![Import],
            ),
        ] {
            for purpose in [Import, Vault, DiskBackup, Restore] {
                let is = told(&wanted(purpose), &view(text)).contains(&bad.to_owned());
                assert_eq!(is, refused.contains(&purpose), "{purpose:?} {text}");
            }
        }
    }

    #[test]
    fn who_is_kept_out_and_what_is_held_on_to_is_told() {
        let closed = r#"{"kind":"StorageV2","sku":{"name":"Standard_LRS"},"properties":{
            "allowSharedKeyAccess":false,"minimumTlsVersion":"TLS1_0",
            "networkAcls":{"defaultAction":"Deny","bypass":"None","ipRules":[]}}}"#;
        let import = told(&wanted(Purpose::Import), &view(closed));
        assert_eq!(import, ["account-firewall problem", "account-keys warning"]);
        let keyed = Wanted { opened_by: OpenedBy::Key, ..wanted(Purpose::Vault) };
        let vault = told(&keyed, &view(closed));
        let all = ["account-firewall problem", "account-keys problem", "account-keys warning"];
        assert_eq!(vault, all);
        let some = closed.replace("\"ipRules\":[]", "\"ipRules\":[{\"value\":\"203.0.113.7\"}]");
        let found = told(&wanted(Purpose::Vault), &view(&some));
        assert!(found.contains(&"account-firewall unknown".to_owned()), "{found:?}");
        let lock = |name: &str, level: &str| Lock {
            id: "/l".to_owned(),
            name: name.to_owned(),
            level: level.to_owned(),
        };
        let mut own = view(PLAIN);
        own.locks = Answer::Known(vec![
            lock("DATABOX_SERVICE", "CanNotDelete"),
            lock("mine", "CanNotDelete"),
            lock("frozen", "ReadOnly"),
        ]);
        own.content = Answer::Known(Content::Foreign("x".to_owned()));
        let found = told(&wanted(Purpose::Vault), &own);
        assert_eq!(found, ["account-locks problem", "account-container warning"]);
        own.content = Answer::Unknown("AuthorizationFailure".to_owned());
        let found = told(&wanted(Purpose::Vault), &own);
        assert_eq!(found[1], "account-container problem");
        let gone = View { account: Answer::Absent, ..view(PLAIN) };
        assert_eq!(told(&wanted(Purpose::Vault), &gone), ["account-exists problem"]);
    }
}
