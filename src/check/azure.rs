//! Whether Azure has all that an import job or a vault needs. Pure over what Azure answered; what
//! could not be looked at, since nobody may list it, is unknown and no fault.

use disk_prep::noun::{ErrorKind, count};

use super::account::unfit;
use super::answer::look;
use super::finding::{Finding, good, problem, warning};
use super::rights::Purpose;

pub use super::answer::{Answer, Fault};

/// A storage account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// `StorageV2`, `Storage`, `BlobStorage`, ….
    pub kind: String,
    /// `Standard_LRS`, ….
    pub sku: String,
    /// Its region, if it says one.
    pub region: Option<String>,
    /// Whether it is served over NFS.
    pub is_of_nfs: bool,
    /// Whether its firewall keeps Azure's own services out.
    pub bars_services: bool,
}

/// How a region takes drives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// Carriers that bring drives back.
    pub carriers: Vec<String>,
    /// Regions that take them in its place.
    pub alternates: Vec<String>,
}

/// What was asked for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The subscription.
    pub subscription: String,
    /// The resource group.
    pub group: String,
    /// The provider that makes the job.
    pub provider: &'static str,
    /// The storage account.
    pub account: String,
    /// The subscription that it is in.
    pub account_subscription: String,
    /// The container.
    pub container: String,
    /// The region of the job.
    pub region: String,
    /// The carrier that is to bring drives back.
    pub carrier: Option<String>,
    /// The job.
    pub job: String,
    /// Whether drives are sent, or the account only holds a vault.
    pub is_import: bool,
}

/// What Azure answered.
#[derive(Debug)]
pub struct View {
    /// Who signed in, in words.
    pub signed_in: Answer<String>,
    /// The application that signs in by itself; `None` if a person does, or a machine.
    pub application: Answer<Option<String>>,
    /// The subscription's state, and whether anything can be made in it.
    pub subscription: Answer<(String, bool)>,
    /// The resource group.
    pub group: Answer<()>,
    /// The provider's state, and whether it can be used.
    pub provider: Answer<(String, bool)>,
    /// The account.
    pub account: Answer<Account>,
    /// The container can be read.
    pub container: Answer<()>,
    /// What keeps blobs of the container from being changed, if it is there.
    pub held: Answer<Option<&'static str>>,
    /// Days that deleted blobs are kept, and whether versions are.
    pub kept: Answer<(Option<u32>, bool)>,
    /// Regions of the subscription, in small letters without blanks.
    pub regions: Answer<Vec<String>>,
    /// The region as the service has it.
    pub region: Answer<Region>,
    /// Names of the job's parts that others have.
    pub taken: Answer<Vec<String>>,
}

impl Default for View {
    fn default() -> Self {
        View {
            signed_in: Answer::Unasked,
            application: Answer::Unasked,
            subscription: Answer::Unasked,
            group: Answer::Unasked,
            provider: Answer::Unasked,
            account: Answer::Unasked,
            container: Answer::Unasked,
            held: Answer::Unasked,
            kept: Answer::Unasked,
            regions: Answer::Unasked,
            region: Answer::Unasked,
            taken: Answer::Unasked,
        }
    }
}

/// A region's name as services compare it.
pub fn plain(region: &str) -> String {
    region.replace(' ', "").to_ascii_lowercase()
}

/// What is so, in the order in which it is to be mended.
pub fn findings(wanted: &Wanted, view: &View) -> Vec<Finding> {
    let mut all = Vec::new();
    all.extend(look("signin", &view.signed_in, "nobody", |who| good("signin", who.clone())));
    all.extend(app_rights(wanted, view));
    all.extend(subscription(wanted, view));
    let group = format!("resource group {}", wanted.group);
    all.extend(look("group", &view.group, &group, |()| good("group", group.clone())));
    all.extend(provider(wanted, view));
    let account = format!("storage account {}", wanted.account);
    all.extend(look("account", &view.account, &account, |_| good("account", account.clone())));
    if let Answer::Known(account) = &view.account {
        all.push(one_subscription(&wanted.subscription, &wanted.account_subscription));
        all.extend(kind(wanted, account));
        all.extend(firewall(wanted, account));
    }
    let container = format!("container {} can be read, or can be made", wanted.container);
    all.extend(look("container", &view.container, "", |()| good("container", container.clone())));
    all.extend(held(wanted, view));
    all.extend(kept(view));
    all.extend(region(wanted, view));
    all.extend(taken(wanted, view));
    all.into_iter().map(|finding| Finding { area: "azure", ..finding }).collect()
}

/// Microsoft's own tool made an application at the first sign-in, which takes a right in the directory
/// that few have. No sign-in of ours makes one.
fn app_rights(wanted: &Wanted, view: &View) -> Option<Finding> {
    let Answer::Known(application) = &view.application else { return None };
    let facts = match application {
        Some(own) => format!("application {own} signs in, and is there already"),
        None => "this sign-in needs no application of its own".to_owned(),
    };
    let facts = format!("{facts}: no right to make one in the directory is needed");
    wanted.is_import.then(|| good("app-rights", facts))
}

/// Whether the account is in the subscription of what is to be made; the pages of the service say both
/// that it must be and that it need not.
pub(crate) fn one_subscription(own: &str, of_account: &str) -> Finding {
    match own.eq_ignore_ascii_case(of_account) {
        true => good("subscription-match", format!("the account is in subscription {own}, too")),
        false => warning(
            "subscription-match",
            format!("the account is in subscription {of_account}, and all else in {own}"),
            "if the service refuses it, use an account of the same subscription",
        ),
    }
}

fn subscription(wanted: &Wanted, view: &View) -> Option<Finding> {
    let name = format!("subscription {} for whoever is signed in", wanted.subscription);
    let finding = look("subscription", &view.subscription, &name, |(state, is_usable)| {
        let facts = format!("subscription {} is {state}", wanted.subscription);
        match is_usable {
            true => good("subscription", facts),
            false => {
                let action = "name another, or have its owner enable it";
                problem("subscription", facts, action).because(ErrorKind::Refused)
            }
        }
    })?;
    let is_absent = view.subscription == Answer::Absent;
    Some(if is_absent { finding.next("azseed subscriptions list") } else { finding })
}

fn provider(wanted: &Wanted, view: &View) -> Option<Finding> {
    let Wanted { provider, subscription, .. } = wanted;
    look("provider", &view.provider, &format!("provider {provider}"), |(state, is_registered)| {
        let facts = format!("{provider} is {state}");
        if *is_registered {
            return good("provider", facts);
        }
        let command =
            format!("azseed provider register {provider} --subscription {subscription} --wait");
        problem("provider", facts, "register it; this takes minutes")
            .because(ErrorKind::Refused)
            .next(command)
            .explained("MissingSubscriptionRegistration")
    })
}

/// What speaks against copying drives to an account.
fn kind(wanted: &Wanted, account: &Account) -> Option<Finding> {
    let purpose = if wanted.is_import { Purpose::Import } else { Purpose::Vault };
    let Account { kind, sku, is_of_nfs, .. } = account;
    let facts = [kind.as_str(), sku.as_str()].join(" ");
    match unfit(purpose, (kind, sku), *is_of_nfs) {
        Some(why) => {
            let facts = format!("{}: {why}", facts.trim());
            let found = problem("account-kind", facts, "use another account");
            Some(found.because(ErrorKind::Refused))
        }
        None => (!kind.is_empty()).then(|| good("account-kind", facts)),
    }
}

fn firewall(wanted: &Wanted, account: &Account) -> Option<Finding> {
    (wanted.is_import && account.bars_services).then(|| {
        let action = "let trusted Microsoft services through the account's firewall";
        let facts = "the account's firewall keeps the service out that copies drives";
        problem("account-firewall", facts, action).because(ErrorKind::Refused)
    })
}

/// Whether the container is there, and lets its blobs be changed. One that is not there is made.
fn held(wanted: &Wanted, view: &View) -> Option<Finding> {
    let Wanted { container: name, .. } = wanted;
    match &view.held {
        Answer::Absent => {
            Some(good("container-held", format!("container {name} is not there yet, and is made")))
        }
        answer => look("container-held", answer, "", |own| match own {
            None => good("container-held", format!("container {name} is there")),
            Some(why) => {
                let facts = format!("container {name} has {why}: its blobs stay as they are");
                let action = "`job repair` and `cleanup` cannot change or delete them; use another \
                              container";
                warning("container-held", facts, action)
            }
        }),
    }
}

/// Deleted blobs that are kept are paid for ("Soft delete for blobs").
fn kept(view: &View) -> Option<Finding> {
    let Answer::Known((days, keeps_versions)) = &view.kept else { return None };
    let facts = match (days, keeps_versions) {
        (None, false) => return Some(good("account-kept", "deleted blobs go at once".to_owned())),
        (Some(days), false) => {
            format!("deleted blobs are kept for {}", count(u64::from(*days), "day"))
        }
        (_, true) => "overwritten and deleted blobs stay as versions".to_owned(),
    };
    Some(warning("account-kept", facts, "what `cleanup` deletes is paid for until then"))
}

fn region(wanted: &Wanted, view: &View) -> Vec<Finding> {
    let mut all = Vec::new();
    let own = plain(&wanted.region);
    let is_known = |regions: &Vec<String>| regions.contains(&own);
    if matches!(&view.regions, Answer::Known(regions) if !is_known(regions)) {
        let facts = format!("the subscription has no region {}", wanted.region);
        let action = "name the region of the storage account with `--location`";
        return vec![problem("region", facts, action).because(ErrorKind::Usage)];
    }
    let home = match &view.account {
        Answer::Known(account) => account.region.as_deref(),
        _ => None,
    };
    if let Some(home) = home.filter(|home| wanted.is_import && plain(home) != own) {
        let (account, region) = (&wanted.account, &wanted.region);
        let facts = format!("the job is for {region}, and account {account} is in {home}");
        let action = format!("name the account's region: `--location {}`", plain(home));
        all.push(problem("account-region", facts, &action).because(ErrorKind::Usage));
    }
    let name = format!("region of the service called {}", wanted.region);
    all.extend(look("region", &view.region, &name, |region| takes(wanted, region)));
    all
}

/// Whether drives for a region are taken, and where.
fn takes(wanted: &Wanted, region: &Region) -> Finding {
    let Wanted { region: own, carrier, .. } = wanted;
    if !region.alternates.is_empty() {
        let facts = format!("drives for {own} are taken in {}", region.alternates.join(", "));
        return warning("region", facts, "send the parcel to the address that the job names");
    }
    let has =
        |carrier: &String| region.carriers.iter().any(|own| own.eq_ignore_ascii_case(carrier));
    match carrier {
        Some(carrier) if !region.carriers.is_empty() && !has(carrier) => {
            let all = region.carriers.join(", ");
            let facts = format!("{own} sends drives back with {all}, not with {carrier}");
            let action = "name one of these carriers in the contact";
            problem("region", facts, action).because(ErrorKind::Refused)
        }
        _ => good("region", format!("{own} takes drives")),
    }
}

fn taken(wanted: &Wanted, view: &View) -> Option<Finding> {
    look("job", &view.taken, "", |taken| match taken.as_slice() {
        [] => good("job", format!("the name {} is free, or ours", wanted.job)),
        taken => {
            let facts = format!("there is a job {} with other drives", taken.join(", "));
            let action = format!(
                "if they were given up, end it with `azseed job cancel --job {0}` and `azseed job \
                 delete --job {0}`; else choose another name for the job",
                taken[0]
            );
            problem("job", facts, &action).because(ErrorKind::Refused)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::finding::Grade;

    fn wanted() -> Wanted {
        Wanted {
            subscription: "s".to_owned(),
            group: "rg".to_owned(),
            provider: "Microsoft.DataBox",
            account: "account1".to_owned(),
            account_subscription: "S".to_owned(),
            container: "seed".to_owned(),
            region: "West US".to_owned(),
            carrier: Some("fedex".to_owned()),
            job: "job-1".to_owned(),
            is_import: true,
        }
    }

    fn account() -> Account {
        Account {
            kind: "StorageV2".to_owned(),
            sku: "Standard_GRS".to_owned(),
            region: Some("westus".to_owned()),
            is_of_nfs: false,
            bars_services: false,
        }
    }

    fn sound() -> View {
        let region = Region { carriers: vec!["FedEx".to_owned()], alternates: Vec::new() };
        View {
            signed_in: Answer::Known("by token".to_owned()),
            application: Answer::Known(None),
            subscription: Answer::Known(("Enabled".to_owned(), true)),
            group: Answer::Known(()),
            provider: Answer::Known(("Registered".to_owned(), true)),
            account: Answer::Known(account()),
            container: Answer::Known(()),
            held: Answer::Known(None),
            kept: Answer::Known((None, false)),
            regions: Answer::Known(vec!["eastus".to_owned(), "westus".to_owned()]),
            region: Answer::Known(region),
            taken: Answer::Known(Vec::new()),
        }
    }

    /// What is not good of it.
    fn bad(view: &View) -> Vec<(String, Grade)> {
        let all = findings(&wanted(), view);
        let bad = all.into_iter().filter(|finding| finding.grade != Grade::Good);
        bad.map(|finding| (finding.id(), finding.grade)).collect()
    }

    #[test]
    fn what_is_as_it_must_be_is_good() {
        assert_eq!(bad(&sound()), []);
        assert_eq!(findings(&wanted(), &sound()).len(), 13);
        let signed = View { application: Answer::Known(Some("app-1".to_owned())), ..sound() };
        let all = findings(&wanted(), &signed);
        let own = all.iter().find(|own| own.id() == "azure-app-rights").unwrap();
        assert!(own.facts.starts_with("application app-1 signs in"), "{own:?}");
        let apart = Wanted { account_subscription: "other".to_owned(), ..wanted() };
        let all = findings(&apart, &sound());
        let bad: Vec<_> = all.iter().filter(|own| own.grade != Grade::Good).collect();
        assert_eq!(
            bad.iter().map(|own| (own.id(), own.grade)).collect::<Vec<_>>(),
            [("azure-subscription-match".to_owned(), Grade::Warning)]
        );
        assert!(findings(&wanted(), &View::default()).is_empty());
    }

    #[test]
    fn each_thing_that_is_wrong_is_one_problem_with_its_reason() {
        use ErrorKind::{NotAllowed, Refused, Usage};
        let fault = Fault {
            kind: NotAllowed,
            facts: "no".to_owned(),
            action: "sign in".to_owned(),
            code: "not-signed-in",
        };
        let with = |change: fn(&mut Account)| {
            let mut own = account();
            change(&mut own);
            View { account: Answer::Known(own), ..sound() }
        };
        let region = |carriers: &[&str], alternates: &[&str]| {
            let own = |words: &[&str]| words.iter().map(ToString::to_string).collect();
            let region = Region { carriers: own(carriers), alternates: own(alternates) };
            View { region: Answer::Known(region), ..sound() }
        };
        let problem = |id: &str, kind| vec![(format!("azure-{id}"), Grade::Problem(kind))];
        for (view, expected) in [
            (View { signed_in: Answer::Failed(fault), ..sound() }, problem("signin", NotAllowed)),
            (View { subscription: Answer::Absent, ..sound() }, problem("subscription", Usage)),
            (
                View { subscription: Answer::Known(("Disabled".to_owned(), false)), ..sound() },
                problem("subscription", Refused),
            ),
            (View { group: Answer::Absent, ..sound() }, problem("group", Usage)),
            (
                View { provider: Answer::Known(("NotRegistered".to_owned(), false)), ..sound() },
                problem("provider", Refused),
            ),
            (View { account: Answer::Absent, ..sound() }, problem("account", Usage)),
            (with(|own| own.kind = "FileStorage".to_owned()), problem("account-kind", Refused)),
            (with(|own| own.sku = "Premium_LRS".to_owned()), problem("account-kind", Refused)),
            (with(|own| own.is_of_nfs = true), problem("account-kind", Refused)),
            (with(|own| own.bars_services = true), problem("account-firewall", Refused)),
            (with(|own| own.region = Some("East US".into())), problem("account-region", Usage)),
            (with(|own| own.region = None), vec![]),
            (View { regions: Answer::Known(Vec::new()), ..sound() }, problem("region", Usage)),
            (View { region: Answer::Absent, ..sound() }, problem("region", Usage)),
            (region(&["DHL"], &[]), problem("region", Refused)),
            (region(&[], &[]), vec![]),
            (
                View { held: Answer::Known(Some("a legal hold")), ..sound() },
                vec![("azure-container-held".to_owned(), Grade::Warning)],
            ),
            (View { held: Answer::Absent, ..sound() }, vec![]),
            (
                View { kept: Answer::Known((Some(7), false)), ..sound() },
                vec![("azure-account-kept".to_owned(), Grade::Warning)],
            ),
            (
                View { kept: Answer::Known((None, true)), ..sound() },
                vec![("azure-account-kept".to_owned(), Grade::Warning)],
            ),
            (region(&["DHL"], &["westeurope"]), vec![("azure-region".to_owned(), Grade::Warning)]),
            (
                View { taken: Answer::Known(vec!["job-1".to_owned()]), ..sound() },
                problem("job", Refused),
            ),
        ] {
            assert_eq!(bad(&view), expected, "{view:?}");
        }
    }

    #[test]
    fn what_may_not_be_listed_is_unknown_and_no_fault() {
        let why = || "AuthorizationFailed".to_owned();
        let view = View {
            subscription: Answer::Unknown(why()),
            group: Answer::Unknown(why()),
            provider: Answer::Unknown(why()),
            account: Answer::Unknown(why()),
            container: Answer::Unknown(why()),
            held: Answer::Unknown(why()),
            kept: Answer::Unknown(why()),
            regions: Answer::Unknown(why()),
            region: Answer::Unknown(why()),
            taken: Answer::Unknown(why()),
            ..sound()
        };
        let bad = bad(&view);
        assert_eq!(bad.len(), 8);
        assert!(bad.iter().all(|(_, grade)| *grade == Grade::Unknown), "{bad:?}");
        let checked = super::super::finding::Checked(findings(&wanted(), &view));
        assert_eq!(checked.worst(), None);
    }

    #[test]
    fn a_vault_minds_no_drives() {
        let mut own = account();
        own.sku = "Premium_LRS".to_owned();
        own.bars_services = true;
        let view = View { account: Answer::Known(own), ..View::default() };
        let vault = Wanted { is_import: false, ..wanted() };
        let all = findings(&vault, &view);
        assert!(all.iter().all(|finding| finding.grade == Grade::Good), "{all:?}");
    }
}
