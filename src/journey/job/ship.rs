//! A parcel told to the service, after all that can be known was looked at.

use disk_prep::noun::JobName;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::back::warn_of_carrier;
use super::custody::{note, serials};
use super::own_drives::{expect_kept, meant};
use super::sight::seen;
use super::target::MeantJob;
use crate::custody::{Chain, Deed};
use crate::import_job::{Error, Job, JobService, Shipment, Written};
use crate::journey::custody::Logged;
use crate::journey::desk::Desk;
use crate::outcome::{Attendant, Failure, both, chain};
use crate::staging::{ParcelSent, Seed};

/// What a call says of a parcel; what it does not say stays as it is.
#[derive(Debug, Clone, Default)]
pub struct ShipOptions {
    /// Who brings it.
    pub carrier: Option<String>,
    /// Its tracking number.
    pub tracking_number: Option<String>,
    /// When it was handed over.
    pub ship_date: Option<Timestamp>,
    /// Drives in it.
    pub drive_count: Option<usize>,
}

/// The moment at which a day begins.
pub fn moment(date: Date) -> Result<Timestamp, Error> {
    let day = date.to_zoned(TimeZone::UTC);
    day.map(|day| day.timestamp()).map_err(|source| Error::ShipDate { date, source })
}

impl ShipOptions {
    /// The same; what neither the call nor the job says a person is asked for.
    fn asked(&self, job: &Job, attendant: &dyn Attendant) -> Result<Self, Error> {
        let mut own = self.clone();
        let is_known = job.delivery.is_some();
        let lacks = own.carrier.is_none() || own.tracking_number.is_none();
        if is_known || !lacks || !attendant.can_ask() {
            return Ok(own);
        }
        let ask = |question: &str| attendant.ask(question).filter(|text| !text.is_empty());
        own.carrier = own.carrier.or_else(|| ask("Carrier: "));
        own.tracking_number = own.tracking_number.or_else(|| ask("Tracking number: "));
        if own.ship_date.is_none() {
            let today = job.told_at.strftime("%Y-%m-%d").to_string();
            if let Some(text) = ask(&format!("Handed over on [{today}]: ")) {
                let day: Date = text.parse().map_err(|_| Error::NoDay { text })?;
                own.ship_date = Some(moment(day)?);
            }
        }
        Ok(own)
    }
}

/// Keeps the number beside the seed too. The service has it, so a staging path that cannot be
/// written stops nothing.
pub(super) fn keep(target: &MeantJob<'_>, job: &Job, attendant: &dyn Attendant) {
    let (Some((_, staging)), Some(parcel)) = (&target.seed, &job.delivery) else { return };
    let kept = Seed::change(staging, |seed| {
        let parcel = ParcelSent {
            job: job.name.clone(),
            carrier: parcel.carrier.clone(),
            tracking_number: parcel.tracking_number.clone(),
            told_at: job.told_at,
        };
        seed.keep_parcel(parcel);
    });
    if let Err(error) = kept {
        attendant.warn(&format!(
            "the number is with the service; it could not be kept beside the seed: {}",
            chain(&error)
        ));
    }
}

/// How a parcel goes to the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The job has none.
    First,
    /// The job has just this one.
    Known,
    /// The job has another number or carrier.
    Replace,
}

/// What is to be sent.
#[derive(Debug)]
pub struct Step {
    /// The parcel, whole.
    pub shipment: Shipment,
    /// How it goes.
    pub way: Way,
}

impl Step {
    /// The parcel that is replaced, and with what.
    pub fn described(&self, job: &Job) -> String {
        let now = job.delivery.as_ref();
        let (carrier, number) =
            now.map_or(("", ""), |own| (own.carrier.as_str(), own.tracking_number.as_str()));
        let Shipment { carrier: other, tracking_number, .. } = &self.shipment;
        format!("{carrier} {number} of job {} with {other} {tracking_number}", job.name)
    }

    /// Refuses a number that another of these jobs has.
    pub fn check_number(&self, job: &Job, all: &[Job]) -> Result<(), Error> {
        let Some(other) = self.shipment.taken(job, all) else { return Ok(()) };
        let (number, other) = (self.shipment.tracking_number.clone(), other.name.clone());
        Err(Error::TrackingNumberTaken { number, other })
    }
}

/// What is to be sent of a parcel, if it may be; nothing is sent.
pub fn step(
    service: &dyn JobService,
    name: &JobName,
    job: &Job,
    parcel: &ShipOptions,
) -> Result<Step, Failure> {
    let now = job.delivery.as_ref();
    let carrier = parcel.carrier.clone().or(now.map(|own| own.carrier.clone()));
    let number = parcel.tracking_number.clone().or(now.map(|own| own.tracking_number.clone()));
    let (carrier, number) = both(("--carrier", carrier), ("--tracking-number", number))?;
    let mut shipment = Shipment {
        carrier: carrier.trim().to_owned(),
        tracking_number: number.trim().to_owned(),
        ship_date: job.told_at,
        drive_count: parcel.drive_count,
    };
    let is_known = shipment.is_known(job);
    let held = now.and_then(|own| own.ship_date.as_deref()?.parse().ok());
    shipment.ship_date = parcel.ship_date.or(held).unwrap_or(shipment.ship_date);
    let is_same = is_known && parcel.ship_date.is_none_or(|date| Some(date) == held);
    shipment.check(job, name)?;
    if !is_same || !job.state.stage.is_sent() {
        service.shippable(name, job, &shipment)?;
    }
    // What stands there already was looked at when it was told.
    if !is_same {
        shipment.check_date(job, name)?;
    }
    let way = match now {
        Some(_) if is_same => Way::Known,
        Some(_) if !is_known => Way::Replace,
        _ => Way::First,
    };
    Ok(Step { shipment, way })
}

/// Sends it; a parcel that the service has, of a job that is on its way, is not sent again.
pub fn send(
    service: &dyn JobService,
    name: &JobName,
    job: Job,
    step: Step,
) -> Result<(Job, Written), Failure> {
    // A number alone leaves a job of the classic service where it was.
    if step.way == Way::Known && job.state.stage.is_sent() {
        return Ok((job, Written::Unchanged));
    }
    let after = service.ship(name, &step.shipment)?;
    let is_same = (&after.delivery, &after.state) == (&job.delivery, &job.state);
    Ok((after, if is_same { Written::Unchanged } else { Written::Changed }))
}

/// A parcel that can be sent.
pub(super) struct Ready {
    /// Its job's service.
    pub service: Box<dyn JobService>,
    /// Its job's name, as it was asked for.
    pub name: JobName,
    /// Its job.
    pub job: Job,
    /// What is to be sent.
    pub step: Step,
}

/// Looks whether the parcel of a job can be sent.
fn ready(target: &MeantJob<'_>, parcel: &ShipOptions, desk: &Desk<'_>) -> Result<Ready, Failure> {
    let service = target.service(desk)?;
    let (name, job) = meant(target, &*service, desk)?;
    expect_kept(target, &job, desk)?;
    let step = step(&*service, &name, &job, &parcel.asked(&job, desk.attendant)?)?;
    step.check_number(&job, &target.of_subscription(desk)?)?;
    Ok(Ready { service, name, job, step })
}

/// A parcel that would be sent.
#[derive(Debug)]
pub struct ParcelForeseen {
    /// Its job.
    pub job: Job,
    /// What would be sent.
    pub step: Step,
}

/// Parcels that would be sent.
#[derive(Debug)]
pub struct ParcelsForeseen(pub Vec<ParcelForeseen>);

impl ParcelsForeseen {
    pub(super) fn of(ready: impl IntoIterator<Item = Ready>) -> Self {
        let foreseen = |Ready { job, step, .. }| ParcelForeseen { job, step };
        ParcelsForeseen(ready.into_iter().map(foreseen).collect())
    }
}

/// Says what would be told of the parcel of a job.
pub fn foresee_ship(
    target: &MeantJob<'_>,
    parcel: &ShipOptions,
    desk: &Desk<'_>,
) -> Result<ParcelsForeseen, Failure> {
    Ok(ParcelsForeseen::of([ready(target, parcel, desk)?]))
}

/// Says with whom the parcel of a job is on its way.
pub fn ship(
    target: &MeantJob<'_>,
    parcel: &ShipOptions,
    desk: &Desk<'_>,
) -> Result<((Job, Written), Logged), Failure> {
    let Ready { service, name, job, step } = ready(target, parcel, desk)?;
    if step.way == Way::Replace {
        desk.attendant.consent(&format!("Would replace {}", step.described(&job)))?;
    }
    warn_of_carrier(&*service, &job, desk);
    let (mut job, written) = send(&*service, &name, job, step)?;
    keep(target, &job, desk.attendant);
    seen(&mut job, desk);
    let logged = note_shipped(target, &job, desk);
    Ok(((job, written), logged))
}

/// Leaves an entry on a parcel that the service was told of, once for each number.
pub fn note_shipped(target: &MeantJob<'_>, job: &Job, desk: &Desk<'_>) -> Logged {
    let Some(parcel) = &job.delivery else { return Logged(None) };
    let deed = Deed::Shipped {
        job: job.name.clone(),
        carrier: parcel.carrier.clone(),
        tracking_number: parcel.tracking_number.clone(),
        drives: serials(job),
    };
    let choose = |chain: &Chain| {
        let is_told = chain.links.iter().any(|link| link.entry.deed == deed);
        if is_told { Vec::new() } else { vec![deed] }
    };
    note(target, job, choose, desk)
}
