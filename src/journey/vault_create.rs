//! How a vault is made, and made again: what a call asks otherwise of one that is there is refused,
//! each thing with the command that changes it; what it does not say stays.

use std::fmt::Display;

use disk_prep::noun::{AccountName, ContainerName, Schedule, typed};

use super::settings::{Given, settle};
use super::vault_password::PasswordGiven;
use crate::outcome::Attendant;
use crate::vault::{Error, Vault};

/// How a vault is made.
#[derive(Debug, Clone)]
pub struct CreateOptions {
    /// The account that it is kept in, if it is not the seed's.
    pub account: Option<Given<AccountName>>,
    /// The container that it is kept in.
    pub container: Option<Given<ContainerName>>,
    /// Whether it is the imported container itself, where the seed stays as it is imported.
    pub is_adopted: bool,
    /// When increments are due.
    pub schedule: Given<Schedule>,
    /// Of how many days, weeks, months and years snapshots are kept.
    pub keep: [Option<Given<u16>>; 4],
}

/// The known vault, if the call asks for nothing else. `asked` is what it would have made.
pub(super) fn go_on(
    known: Vault,
    asked: &Vault,
    create: &CreateOptions,
    password: &PasswordGiven,
    attendant: &dyn Attendant,
) -> Result<Vault, Error> {
    let mut again = Again { known: &known, attendant, differences: Vec::new() };
    again.compare_seed(asked);
    again.compare_place(asked, create);
    again.compare_times(create);
    again.compare_password(asked, password);
    let (differences, name) = (again.differences, known.name.clone());
    if differences.is_empty() { Ok(known) } else { Err(Error::Exists { name, differences }) }
}

struct Again<'a> {
    known: &'a Vault,
    attendant: &'a dyn Attendant,
    differences: Vec<String>,
}

impl Again<'_> {
    /// What is given, if anything is, must be what is held. With its value and the vault's name behind
    /// them `change` are the words that change it; none of them: nothing does.
    fn compare<T: Display>(&mut self, asked: Option<Given<T>>, held: &str, change: &[&str]) {
        let Some(asked) = asked.map(|own| own.map(|value| value.to_string())) else { return };
        let (name, value) = (self.known.name.as_str(), asked.value.clone());
        let record = format!("vault {name} has");
        let settled = settle(Some(asked), Some(held.to_owned()), &record, self.attendant);
        let Err(difference) = settled else { return };
        let line = typed(change.iter().copied().chain([value.as_str(), "--vault", name]));
        self.differences.push(match change {
            [] => difference.to_string(),
            _ => format!("{difference} (`{line}` changes it)"),
        });
    }

    fn compare_seed(&mut self, asked: &Vault) {
        // A share may be mounted elsewhere by now: a seed is known by its id.
        let id = |own: &Vault| own.seed.as_ref().map(|link| link.id);
        if id(self.known) != id(asked) {
            let [held, asked] = [self.known, asked].map(|own| match &own.seed {
                Some(link) => format!("the one in {}", link.staging.display()),
                None => "none".to_owned(),
            });
            self.differences.push(format!("its seed is {held}, not {asked}"));
        }
    }

    fn compare_place(&mut self, asked: &Vault, create: &CreateOptions) {
        let known = self.known;
        self.compare(create.account.clone(), known.storage_account.as_str(), &[]);
        self.compare(create.container.clone(), known.container.as_str(), &[]);
        let place =
            |own: &Vault| format!("{}/{}/{}", own.storage_account, own.container, own.prefix);
        if create.is_adopted && place(known) != place(asked) {
            let told =
                format!("--adopt means {}, and it is kept in {}", place(asked), place(known));
            self.differences.push(told);
        }
    }

    fn compare_times(&mut self, create: &CreateOptions) {
        let known = self.known;
        let (schedule, held) = (Some(create.schedule.clone()), known.schedule.to_string());
        self.compare(schedule, &held, &["azseed", "vault", "schedule"]);
        let kept = known.retention;
        let held = [kept.daily, kept.weekly, kept.monthly, kept.yearly];
        for (asked, held) in create.keep.clone().into_iter().zip(held) {
            let held = held.map_or("none".to_owned(), |count| count.to_string());
            let flag = asked.as_ref().map(|own| own.name.clone()).unwrap_or_default();
            self.compare(asked, &held, &["azseed", "vault", "policy", "set", &flag]);
        }
    }

    fn compare_password(&mut self, asked: &Vault, password: &PasswordGiven) {
        let known = self.known;
        let set = ["azseed", "vault", "set"];
        if let (Some(given), Some(path)) = (&password.file, &asked.password_file) {
            let path = given.clone().map(|_| path.display().to_string());
            let held = known.password_file.as_ref().map(|own| own.display().to_string());
            let held = held.unwrap_or_else(|| "no such file".to_owned());
            self.compare(Some(path), &held, &[&set[..], &["--password-file"]].concat());
        }
        if let (Some(given), Some(_)) = (&password.command, &asked.password_command) {
            let held = known.password_command.as_ref().map(ToString::to_string);
            let held = held.unwrap_or_else(|| "no such program".to_owned());
            self.compare(Some(given.clone()), &held, &[&set[..], &["--password-command"]].concat());
        }
    }
}
