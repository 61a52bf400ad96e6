//! The one page of `status`, in words that fit 80 columns and as one record.

use disk_prep::journal::CopyState;
use disk_prep::noun::{ByteSize, ErrorKind, count, shell_word};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::job::{JobRecord, record};
use super::path_text::PathText;
use super::record::{Record, line};
use super::standing::yours;
use super::text::wrapped;
use super::vault::{LastRunRecord, failed, last_run_record};
use super::vault_run::due_text;
use crate::import_job::{Deadline, Job};
use crate::journey::job::Remembered;
use crate::journey::overview::{Asked, Found, Overview, SeedSight, VaultFound, VaultSight};
use crate::journey::standing::Sequel;
use crate::outcome::{Exit, Outcome};
use crate::schedule::Due;
use crate::staging::{ParcelSent, Seed, SeedKind, SeedState};
use crate::vault::VaultState;

/// A drive of a seed.
#[derive(Serialize, JsonSchema)]
struct DriveState<'a> {
    /// Serial number.
    serial: &'a str,
    /// How far it is: `begun`, `labelled`, `filled`, `sealed`, `set-aside` or `released`.
    state: &'static str,
}

/// A job as it was seen last, when the service is not heard.
#[derive(Serialize, JsonSchema)]
struct RememberedJob<'a> {
    /// Its name.
    name: &'a str,
    /// Its state then, in the service's word.
    state: &'a str,
    /// When the clock ends that ran then; null if none did.
    until: Option<Timestamp>,
}

/// A seed with its drives and its jobs.
#[derive(Serialize, JsonSchema)]
struct SeedStanding<'a> {
    /// The staging path; of a `dataset.csv` the folder with its journals.
    staging: PathText<'a>,
    /// The seed's own name, a GUID; null if there is none, or it cannot be looked at.
    id: Option<String>,
    /// Name of its import job; null if the path cannot be looked at.
    name: Option<&'a str>,
    /// `repository` or `files`; null if the path cannot be looked at.
    kind: Option<&'static str>,
    /// `unfinished`, `finished` or `cleared`; null if there is no seed.
    state: Option<&'static str>,
    /// Why the path cannot be looked at; null if it can.
    away: Option<&'a str>,
    /// Its drives.
    drives: Vec<DriveState<'a>>,
    /// Whether the service was asked for the jobs, and answered.
    asked: bool,
    /// Why it did not answer; null if it did or was not asked.
    unreached: Option<&'a str>,
    /// Its jobs.
    jobs: Vec<JobRecord<'a>>,
    /// Its jobs as this machine saw them last, if the service was not heard.
    remembered: Vec<RememberedJob<'a>>,
    /// What is next.
    next: Vec<String>,
    /// Until when; null if nothing is lost by waiting, or it is not known.
    until: Option<Timestamp>,
}

/// A vault.
#[derive(Serialize, JsonSchema)]
struct VaultStanding<'a> {
    /// Its name.
    name: &'a str,
    /// How far it is: `awaiting-seed`, `seed-in-transit`, `ingesting` or `protected`; null if that
    /// is not known.
    #[schemars(with = "Option<String>")]
    state: Option<VaultState>,
    /// Why it is not known; null if it is.
    unreached: Option<&'a str>,
    /// How the last run ended that did or tried something; null before.
    last_run: Option<LastRunRecord<'a>>,
    /// When the next increment is due; null if none is.
    next_run: Option<Timestamp>,
    /// What is next; null if that is not known.
    next: Option<String>,
}

/// All that this machine knows, on one page.
#[derive(Serialize, JsonSchema)]
pub(super) struct StatusRecord<'a> {
    /// The seeds.
    seeds: Vec<SeedStanding<'a>>,
    /// The vaults.
    vaults: Vec<VaultStanding<'a>>,
    /// Why records of seeds and vaults cannot be read.
    unread: &'a [String],
}

impl Record for StatusRecord<'_> {
    const TYPE: &'static str = "status";
}

const fn state_word(state: CopyState) -> &'static str {
    match state {
        CopyState::Begun => "begun",
        CopyState::Labelled => "labelled",
        CopyState::Filled => "filled",
        CopyState::Sealed => "sealed",
        CopyState::SetAside => "set-aside",
        CopyState::Released => "released",
    }
}

const fn seed_word(state: SeedState) -> &'static str {
    match state {
        SeedState::Unfinished => "unfinished",
        SeedState::Finished => "finished",
        SeedState::Cleared => "cleared",
    }
}

impl SeedSight {
    fn seed(&self) -> Option<&Seed> {
        match &self.found {
            Found::Seed(seed) => Some(seed),
            Found::Dataset(_) | Found::Away(_) => None,
        }
    }

    /// The parcels of the seed that the service was told of.
    fn sent(&self) -> &[ParcelSent] {
        self.seed().map_or(&[], |seed| &seed.parcels)
    }

    fn jobs(&self) -> &[Job] {
        match &self.jobs {
            Asked::Told(jobs) => jobs,
            Asked::Unasked | Asked::Unreached(_) => &[],
        }
    }

    fn drives_in(&self, is_meant: impl Fn(CopyState) -> bool) -> usize {
        self.drives.iter().filter(|(_, state)| is_meant(*state)).count()
    }

    /// What is next, a sentence each.
    fn next(&self) -> Vec<String> {
        let staging = shell_word(&self.path.display().to_string()).into_owned();
        let seed = match &self.found {
            Found::Seed(seed) => seed,
            Found::Dataset(job) => {
                return vec![match (self.remembered.is_empty(), self.was_sent) {
                    // Where a job was seen last is known here.
                    (false, _) => format!("`azseed job status --job {job}` asks for its job"),
                    (true, true) => "nothing: its job is at its end".to_owned(),
                    (true, false) => format!(
                        "`azseed job create --job {job} --storage-account NAME --subscription ID \
                         --resource-group NAME --location REGION --contact FILE` makes its job"
                    ),
                }];
            }
            Found::Away(_) => return vec!["look whether the staging path is mounted".to_owned()],
        };
        let sealed = self.drives_in(|state| state == CopyState::Sealed);
        let begun = self.drives_in(|state| {
            matches!(state, CopyState::Begun | CopyState::Labelled | CopyState::Filled)
        });
        let one = |text: String| vec![text];
        match (seed.state, &self.jobs) {
            (SeedState::Unfinished, _) => {
                one("the backup is not whole: run the same `azseed stage` again".to_owned())
            }
            (SeedState::Cleared, _) => one(match seed.kind {
                SeedKind::Repository => "nothing: the vault has all of it".to_owned(),
                SeedKind::Files => "nothing: all of it is where it was sent to".to_owned(),
            }),
            _ if begun > 0 => one(format!(
                "{} not finished: run the same `azseed prep` again",
                if begun == 1 { "1 drive is".to_owned() } else { format!("{begun} drives are") }
            )),
            _ if sealed == 0 => one(format!(
                "`azseed plan --staging {staging} --drive-size 4T` says how many drives are needed"
            )),
            (_, Asked::Told(jobs)) if jobs.is_empty() && !self.sent().is_empty() => {
                one(match &self.sequel {
                    Sequel::Awaited(vault) => {
                        format!("`azseed vault run --vault {vault}` takes in what has arrived")
                    }
                    Sequel::TakenIn(vault) => {
                        format!("`azseed cleanup --vault {vault}` clears what the vault has all of")
                    }
                    Sequel::NoVault => format!(
                        "`azseed job reconcile --staging {staging}` says whether all has arrived"
                    ),
                })
            }
            (_, Asked::Told(jobs)) if jobs.is_empty() => {
                one(format!("`azseed job create --staging {staging}` makes the job"))
            }
            (_, Asked::Told(jobs)) => {
                jobs.iter().map(|job| of_job(job, (seed, &self.sequel), &staging)).collect()
            }
            (_, Asked::Unasked | Asked::Unreached(_)) => {
                one(format!("`azseed job status --staging {staging}`, where Azure can be reached"))
            }
        }
    }

    fn until(&self) -> Option<Timestamp> {
        let told = self.jobs().iter().filter_map(Job::deadline);
        let all = told.chain(self.remembered.iter().filter_map(|own| own.deadline));
        all.filter(|own| own.clock.is_ours()).map(|own| own.at).min()
    }

    fn lines(&self) -> Vec<String> {
        let mut told = Vec::new();
        match &self.found {
            Found::Seed(seed) => {
                let what = match seed.kind {
                    SeedKind::Repository => "a repository",
                    SeedKind::Files => "files",
                };
                let totals = &seed.totals;
                let size = format!("{}, {}", count(totals.files, "file"), ByteSize(totals.bytes));
                let state = seed_word(seed.state);
                told.extend(wrapped(
                    "Seed",
                    &format!("{}, {what}, {state}: {size}", seed.target.job),
                ));
            }
            Found::Dataset(job) => told.extend(wrapped("Data set", &format!("of job {job}"))),
            Found::Away(why) => {
                told.extend(wrapped("Seed", &format!("cannot be looked at: {why}")));
            }
        }
        told.extend(wrapped("  Path", &self.path.display().to_string()));
        if !self.drives.is_empty() {
            let drive =
                |(serial, state): &(_, CopyState)| format!("{serial} {}", state_word(*state));
            let drives: Vec<String> = self.drives.iter().map(drive).collect();
            told.extend(wrapped("  Drives", &drives.join(", ")));
        }
        for job in self.jobs() {
            let parcel = job.delivery.as_ref();
            let parcel = parcel.map(|own| format!(", {} {}", own.carrier, own.tracking_number));
            let state = format!("{} ({}) {}, {} %", job.name, job.service, job.state, job.percent);
            told.extend(wrapped("  Job", &format!("{state}{}", parcel.unwrap_or_default())));
            told.extend(until_lines(job.deadline()));
        }
        for own in &self.remembered {
            let state = format!("{} ({}) was {}", own.name, own.service, own.state);
            told.extend(wrapped("  Job", &format!("{state} when it was seen last")));
            told.extend(until_lines(own.deadline));
        }
        if let (Some(seed), Asked::Unasked | Asked::Unreached(_)) = (self.seed(), &self.jobs) {
            for own in &seed.parcels {
                let day = own.told_at.strftime("%Y-%m-%d");
                let parcel = format!("{}: {} {}", own.job, own.carrier, own.tracking_number);
                told.extend(wrapped("  Parcel", &format!("{parcel}, told on {day}")));
            }
        }
        match &self.jobs {
            Asked::Unreached(why) => {
                told.extend(wrapped("  Job", &format!("not known, Azure did not answer: {why}")));
            }
            Asked::Unasked if self.seed().is_some() => {
                told.extend(wrapped("  Job", "not known, Azure was not asked"));
            }
            Asked::Told(jobs) if jobs.is_empty() => told.extend(match self.sent() {
                [] => wrapped("  Job", "not made yet"),
                sent => {
                    let parcel = |own: &ParcelSent| {
                        format!("{} was sent with {} {}", own.job, own.carrier, own.tracking_number)
                    };
                    let all: Vec<String> = sent.iter().map(parcel).collect();
                    wrapped("  Job", &format!("{}; Azure has it no more", all.join(", ")))
                }
            }),
            Asked::Told(_) | Asked::Unasked => {}
        }
        told.extend(self.next().iter().flat_map(|text| wrapped("  Next", text)));
        told
    }
}

fn until_lines(deadline: Option<Deadline>) -> Vec<String> {
    deadline.map_or_else(Vec::new, |own| {
        wrapped("  Until", &format!("{}: {own}", own.at.strftime("%Y-%m-%d")))
    })
}

/// What a job needs, with its command as it can be typed.
fn of_job(job: &Job, (seed, sequel): (&Seed, &Sequel), staging: &str) -> String {
    let which = format!("--staging {staging} --job {}", job.name);
    yours(job, (Some(seed.kind), sequel), &which)
}

impl VaultSight {
    fn next(&self) -> Option<String> {
        let VaultFound::Known(state, due) = &self.sight else { return None };
        Some(match (state, due) {
            (VaultState::AwaitingSeed | VaultState::SeedInTransit, _) => {
                "nothing before its seed has arrived".to_owned()
            }
            (VaultState::Ingesting, _) => {
                format!("`azseed vault run --vault {}` takes the seed in", self.vault.name)
            }
            (VaultState::Protected, Some(due)) => due_text(due),
            (VaultState::Protected, None) => "nothing".to_owned(),
        })
    }

    fn lines(&self) -> Vec<String> {
        let name = &self.vault.name;
        let mut told = match &self.sight {
            VaultFound::Known(state, _) => wrapped("Vault", &format!("{name}: {}", state.word())),
            VaultFound::Unknown(why) => wrapped("Vault", &format!("{name}: not known, {why}")),
        };
        let failed = self.vault.last_run.as_ref().and_then(failed);
        told.extend(failed.map(|text| wrapped("  Failed", &text)).into_iter().flatten());
        told.extend(self.next().map(|text| wrapped("  Next", &text)).into_iter().flatten());
        told
    }
}

impl Outcome for Overview {
    fn lines(&self) -> Vec<String> {
        if self.seeds.is_empty() && self.vaults.is_empty() && self.unread.is_empty() {
            let mut told = wrapped("Seed", "none that this machine knows");
            told.extend(wrapped(
                "Next",
                "`azseed rehearse --source DIR` goes through the whole journey here; \
                 `azseed stage --help` says how to begin",
            ));
            return told;
        }
        let seeds = self.seeds.iter().map(SeedSight::lines);
        let unread = self.unread.iter().map(|why| wrapped("Not read", why));
        let all: Vec<Vec<String>> =
            seeds.chain(self.vaults.iter().map(VaultSight::lines)).chain(unread).collect();
        all.join(&String::new())
    }

    fn json(&self) -> Vec<Value> {
        let seeds = self.seeds.iter().map(seed_standing).collect();
        let vaults = self.vaults.iter().map(|own| {
            let (state, next_run, unreached) = match &own.sight {
                VaultFound::Known(state, Some(Due::At(at))) => {
                    (Some(*state), Some(at.timestamp()), None)
                }
                VaultFound::Known(state, _) => (Some(*state), None, None),
                VaultFound::Unknown(why) => (None, None, Some(why.as_str())),
            };
            let (name, next) = (own.vault.name.as_str(), own.next());
            let last_run = own.vault.last_run.as_ref().map(last_run_record);
            VaultStanding { name, state, unreached, last_run, next_run, next }
        });
        vec![line(&StatusRecord { seeds, vaults: vaults.collect(), unread: &self.unread })]
    }

    fn exit(&self) -> Exit {
        let is_open =
            |own: &&SeedSight| own.seed().is_none_or(|own| own.state != SeedState::Cleared);
        let open = self.seeds.iter().filter(is_open);
        let alarms = open.flat_map(|own| {
            let told = own.jobs().iter().filter_map(Job::alarm);
            told.chain(own.remembered.iter().filter_map(Remembered::alarm))
        });
        Exit::of(alarms.chain(self.unread.iter().map(|_| ErrorKind::LeftOut)))
    }
}

fn seed_standing(own: &SeedSight) -> SeedStanding<'_> {
    let seed = own.seed();
    SeedStanding {
        staging: PathText(&own.path),
        id: seed.map(|seed| seed.id.to_string()),
        name: match &own.found {
            Found::Seed(seed) => Some(seed.target.job.as_str()),
            Found::Dataset(job) => Some(job.as_str()),
            Found::Away(_) => None,
        },
        kind: match &own.found {
            Found::Seed(seed) if seed.kind == SeedKind::Repository => Some("repository"),
            Found::Seed(_) | Found::Dataset(_) => Some("files"),
            Found::Away(_) => None,
        },
        state: seed.map(|seed| seed_word(seed.state)),
        away: match &own.found {
            Found::Away(why) => Some(why),
            Found::Seed(_) | Found::Dataset(_) => None,
        },
        drives: own
            .drives
            .iter()
            .map(|(serial, state)| DriveState {
                serial: serial.as_str(),
                state: state_word(*state),
            })
            .collect(),
        asked: matches!(own.jobs, Asked::Told(_)),
        unreached: match &own.jobs {
            Asked::Unreached(why) => Some(why),
            Asked::Told(_) | Asked::Unasked => None,
        },
        jobs: own.jobs().iter().map(|job| record(job, None)).collect(),
        remembered: own
            .remembered
            .iter()
            .map(|own| RememberedJob {
                name: own.name.as_str(),
                state: &own.state,
                until: own.deadline.map(|own| own.at),
            })
            .collect(),
        next: own.next(),
        until: own.until(),
    }
}
