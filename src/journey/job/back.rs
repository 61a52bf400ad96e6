//! Where drives go back to, and with whom.

use std::path::PathBuf;

use disk_prep::noun::{Contact, Diagnose, ErrorKind, ReturnAddress, ReturnCarrier, visible_line};

use super::own_drives::meant;
use super::target::MeantJob;
use crate::import_job::{Error, Job, JobService, Location, Written};
use crate::journey::contact::contact;
use crate::journey::desk::Desk;
use crate::outcome::{Attendant, Failure, MissingFlags, both, chain};

/// What a call says of the return address; what it does not say stays as it is.
#[derive(Debug, Clone, Default)]
pub struct AddressOptions {
    /// A contact file: address and carrier whole.
    pub contact: Option<PathBuf>,
    /// Single fields, in the order of [`FIELDS`].
    pub fields: [Option<String>; FIELDS.len()],
}

/// The lines of an address as a person is asked for them.
pub const FIELDS: [&str; 9] = [
    "Recipient",
    "Street",
    "Second line",
    "City",
    "State or province",
    "Postal code",
    "Country",
    "Phone",
    "E-mail",
];

/// Sets address and carrier from a contact file, or single fields of the address; without either a
/// person is asked.
pub fn set_return(
    target: &MeantJob<'_>,
    options: &AddressOptions,
    desk: &Desk<'_>,
) -> Result<(Job, Written), Failure> {
    let service = target.service(desk)?;
    let (name, job) = meant(target, &*service, desk)?;
    let file = options.contact.as_deref().map(contact).transpose()?;
    let told = file.as_ref().map(|own| &own.return_address);
    let held = told.or(job.return_address.as_ref()).map(values).unwrap_or_default();
    let address = options.over(held, file.is_some(), desk.attendant)?;
    address.check()?;
    address.check_reach()?;
    if let Some(Contact { return_carrier, .. }) = &file {
        check_carrier(&*service, &job, return_carrier, desk)?;
        let contact = Contact {
            return_address: address,
            return_carrier: return_carrier.clone(),
            key_vault: None,
        };
        return Ok((service.set_return(&name, &contact)?, Written::Changed));
    }
    if job.return_address.as_ref() == Some(&address) {
        return Ok((job, Written::Unchanged));
    }
    Ok((service.set_return_address(&name, &address)?, Written::Changed))
}

impl AddressOptions {
    /// The lines that are there with what is said over them; if nothing is, a person is asked.
    fn over(
        &self,
        held: [String; FIELDS.len()],
        has_file: bool,
        attendant: &dyn Attendant,
    ) -> Result<ReturnAddress, MissingFlags> {
        let is_said = has_file || self.fields.iter().any(Option::is_some);
        if !is_said && !attendant.can_ask() {
            return Err(MissingFlags::one("--contact"));
        }
        let mut all = held;
        for (at, label) in FIELDS.iter().enumerate() {
            match &self.fields[at] {
                Some(text) => all[at].clone_from(text),
                None if !is_said => all[at] = asked(label, &all[at], attendant),
                None => {}
            }
        }
        Ok(address(all.map(|text| text.trim().to_owned())))
    }
}

/// Asks for a text; an empty answer leaves what is there.
fn asked(label: &str, held: &str, attendant: &dyn Attendant) -> String {
    let question = match held {
        "" => format!("{label}: "),
        held => format!("{label} [{}]: ", visible_line(held)),
    };
    let answer = attendant.ask(&question).unwrap_or_default();
    if answer.is_empty() { held.to_owned() } else { answer }
}

fn values(own: &ReturnAddress) -> [String; FIELDS.len()] {
    let own = own.clone();
    [
        own.recipient_name,
        own.street_address_1,
        own.street_address_2.unwrap_or_default(),
        own.city,
        own.state_or_province.unwrap_or_default(),
        own.postal_code,
        own.country_or_region,
        own.phone,
        own.email,
    ]
}

fn address(values: [String; FIELDS.len()]) -> ReturnAddress {
    let line = |text: String| Some(text).filter(|text| !text.is_empty());
    let [recipient_name, street_address_1, second, city, state, postal_code, country, phone, email] =
        values;
    ReturnAddress {
        recipient_name,
        street_address_1,
        street_address_2: line(second),
        city,
        state_or_province: line(state),
        postal_code,
        country_or_region: country,
        phone,
        email,
    }
}

/// What a call says of the return carrier.
#[derive(Debug, Clone, Default)]
pub struct CarrierOptions {
    /// A contact file, of which the carrier counts.
    pub contact: Option<PathBuf>,
    /// Its name.
    pub carrier: Option<String>,
    /// The account with it.
    pub account: Option<String>,
}

/// Sets the carrier; the address stays as it is. What is not said a person is asked for.
pub fn set_return_carrier(
    target: &MeantJob<'_>,
    options: &CarrierOptions,
    desk: &Desk<'_>,
) -> Result<(Job, Written), Failure> {
    let told = options.contact.as_deref().map(contact).transpose()?.map(|own| own.return_carrier);
    let service = target.service(desk)?;
    let (name, job) = meant(target, &*service, desk)?;
    let pick = |said: &Option<String>, told: Option<String>, question: &str, flag| {
        let answer = said.clone().or(told).or_else(|| {
            let may_ask = desk.attendant.can_ask();
            let held = job.return_carrier.as_deref().filter(|_| flag == "--carrier");
            may_ask.then(|| asked(question, held.unwrap_or_default(), desk.attendant))
        });
        (flag, answer)
    };
    let told = told.map(|own| (own.carrier_name, own.carrier_account_number)).unzip();
    let (carrier_name, carrier_account_number) = both(
        pick(&options.carrier, told.0, "Return carrier", "--carrier"),
        pick(&options.account, told.1, "Account with it", "--account"),
    )?;
    let carrier = ReturnCarrier { carrier_name, carrier_account_number };
    carrier.check()?;
    check_carrier(&*service, &job, &carrier, desk)?;
    Ok((service.set_return_carrier(&name, &carrier)?, Written::Changed))
}

/// A region names the carriers that it gives drives to (`azure-import-export` 2.5); another one may
/// have been agreed upon by mail, so a person may say so.
fn check_carrier(
    service: &dyn JobService,
    job: &Job,
    carrier: &ReturnCarrier,
    desk: &Desk<'_>,
) -> Result<(), Failure> {
    let asked = carrier.carrier_name.trim();
    let Some(region) = without(service, job, asked)? else { return Ok(()) };
    let (job, name, all) = (&job.name, &region.name, region.carriers.join(", "));
    let what = format!("Would set {asked} for job {job}, and {name} gives drives only to {all}");
    Ok(desk.attendant.consent(&what)?)
}

/// Before a parcel goes: tells of a return carrier to whom the region gives no drives. It keeps no
/// parcel from being told, as it can be mended until the drives were read.
pub fn warn_of_carrier(service: &dyn JobService, job: &Job, desk: &Desk<'_>) {
    let Some(carrier) = &job.return_carrier else { return };
    let name = &job.name;
    match without(service, job, carrier) {
        Ok(None) => {}
        Ok(Some(region)) => {
            let (place, all) = (&region.name, region.carriers.join(", "));
            desk.attendant.warn(&format!(
                "{carrier} is to bring the drives of job {name} back, and {place} gives drives \
                 only to {all}; `azseed job return-shipping` sets another"
            ));
        }
        Err(error) => desk.attendant.warn(&format!(
            "whether {carrier} can bring the drives of job {name} back is not known: {}",
            chain(&error)
        )),
    }
}

/// The region of a job, if it gives no drives to a carrier.
fn without(service: &dyn JobService, job: &Job, carrier: &str) -> Result<Option<Location>, Error> {
    let region = match service.locations(Some(&job.location)) {
        // A region that the service does not list says nothing of carriers.
        Err(Error::Azure(error)) if error.kind() == ErrorKind::NotFound => return Ok(None),
        all => all?.into_iter().next(),
    };
    let is_it = |own: &String| own.eq_ignore_ascii_case(carrier.trim());
    Ok(region.filter(|own| !own.carriers.is_empty() && !own.carriers.iter().any(is_it)))
}
