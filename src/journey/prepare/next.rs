//! The commands that come after `prep`, as they can be typed.

use std::path::Path;

use disk_prep::noun::{NamedAccount, shell_word};

use super::options::PrepOptions;
use crate::journey::work::Work;

/// What comes next.
#[derive(Debug)]
pub struct Next {
    /// Reads the drives back.
    pub verify: String,
    /// Makes the job.
    pub make: String,
    /// Says with whom they are sent.
    pub ship: String,
    /// Proves the escrow of their keys.
    pub prove: String,
}

impl Next {
    /// After a call with these arguments. What only a person knows stands in capitals.
    pub fn of(options: &PrepOptions, work: &Work) -> Self {
        match &options.work.dataset {
            None => Next::of_staging(options, work),
            Some(_) => Next::of_dataset(options, work),
        }
    }

    fn of_staging(options: &PrepOptions, work: &Work) -> Self {
        let place = flag("--staging", Some(&text(&work.home)), "DIR");
        let target = work.target();
        let mut make = format!("azseed job create{place}");
        if target.is_none_or(|own| own.location.is_none()) {
            make += &flag("--location", options.location.as_ref().map(|own| &own.value), "REGION");
        }
        if target.is_none_or(|own| own.contact.is_none()) {
            let contact = options.contact.as_ref().map(|own| text(&own.value));
            make += &flag("--contact", contact.as_ref(), "FILE");
        }
        Next {
            verify: format!("azseed verify{place} DRIVE…"),
            make,
            ship: format!("azseed job ship{place} --carrier NAME --tracking-number NUMBER"),
            prove: format!("azseed job keys prove{place}"),
        }
    }

    /// A `dataset.csv` has no staging path that another command could be told: the job's name leads
    /// to its journals.
    fn of_dataset(options: &PrepOptions, work: &Work) -> Self {
        let own = &options.work;
        let job = flag("--job", Some(&work.job), "NAME");
        let place = [
            flag("--subscription", own.subscription.as_ref().map(|own| &own.value), "ID"),
            flag("--resource-group", own.resource_group.as_ref().map(|own| &own.value), "NAME"),
        ]
        .concat();
        let service = own.service.as_ref().map(|given| format!(" --service {}", given.value));
        Next {
            verify: "azseed verify DRIVE…".to_owned(),
            make: [
                "azseed job create".to_owned(),
                job.clone(),
                flag(
                    "--storage-account",
                    own.storage_account.as_ref().map(account).as_ref(),
                    "NAME",
                ),
                place.clone(),
                service.unwrap_or_default(),
                known("--location", options.location.as_ref().map(|own| own.value.clone())),
                known("--contact", options.contact.as_ref().map(|own| text(&own.value))),
            ]
            .concat(),
            ship: format!("azseed job ship{job}{place} --carrier NAME --tracking-number NUMBER"),
            prove: format!("azseed job keys prove{job}"),
        }
    }
}

/// A flag with its value; nothing where none is known, which the command then asks for.
fn known(name: &str, value: Option<String>) -> String {
    value.map_or(String::new(), |value| flag(name, Some(&value), ""))
}

fn account(own: &NamedAccount) -> String {
    own.id().map_or(own.to_string(), ToString::to_string)
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// A flag with its value, or with the word that stands for one.
fn flag<T: ToString>(name: &str, value: Option<&T>, missing: &str) -> String {
    match value {
        Some(value) => {
            let value = value.to_string();
            // Behind a blank it would be a flag.
            let mark = if value.starts_with('-') { '=' } else { ' ' };
            format!(" {name}{mark}{}", shell_word(&value))
        }
        None => format!(" {name} {missing}"),
    }
}
