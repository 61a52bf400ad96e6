//! The commands that come after `prep`, as they can be typed.

use std::path::Path;

use disk_prep::drive::DriveName;
use disk_prep::noun::shell_word;

use super::options::{NamedDrives, PrepOptions};
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
}

impl Next {
    /// After a call with these arguments. What only a person knows stands in capitals.
    pub fn of(options: &PrepOptions, work: &Work) -> Self {
        match &options.work.dataset {
            None => Next::of_staging(options, work),
            Some(csv) => Next::of_dataset(options, work, csv),
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
        }
    }

    /// A `dataset.csv` has no staging path that another command could be told: the same call makes
    /// the job.
    fn of_dataset(options: &PrepOptions, work: &Work, csv: &Path) -> Self {
        let own = &options.work;
        let job = flag("--job", Some(&work.job), "NAME");
        let place = [
            flag("--subscription", own.subscription.as_ref(), "ID"),
            flag("--resource-group", own.resource_group.as_ref(), "NAME"),
        ]
        .concat();
        let drives = match &options.drives {
            NamedDrives::Rows(csv) => flag("--driveset", Some(&text(csv)), "CSV"),
            NamedDrives::These(names) => {
                names.iter().map(|name| flag("--drive", Some(&dev(name)), "DEV")).collect()
            }
        };
        let contact = options.contact.as_ref().map(|own| text(&own.value));
        Next {
            verify: "azseed verify DRIVE…".to_owned(),
            make: [
                "azseed prep".to_owned(),
                flag("--dataset", Some(&text(csv)), "CSV"),
                job.clone(),
                drives,
                flag("--storage-account", own.storage_account.as_ref(), "NAME"),
                place.clone(),
                flag("--location", options.location.as_ref().map(|own| &own.value), "REGION"),
                flag("--contact", contact.as_ref(), "FILE"),
            ]
            .concat(),
            ship: format!("azseed job ship{job}{place} --carrier NAME --tracking-number NUMBER"),
        }
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// A flag with its value, or with the word that stands for one.
fn flag<T: ToString>(name: &str, value: Option<&T>, missing: &str) -> String {
    match value {
        Some(value) => format!(" {name} {}", shell_word(&value.to_string())),
        None => format!(" {name} {missing}"),
    }
}

/// A drive as it can be named again, now that its image is there.
fn dev(name: &DriveName) -> String {
    match name {
        DriveName::Serial(serial) => serial.to_string(),
        DriveName::Path { path, serial, .. } => {
            let serial = serial.as_ref().map(|serial| format!(",serial={serial}"));
            // A path without a slash may look like a serial once its image is gone.
            format!(
                "{}{}",
                std::path::absolute(path).as_deref().unwrap_or(path).display(),
                serial.unwrap_or_default()
            )
        }
    }
}
