//! What the escrow of keys is worth, in words and as records.

use disk_prep::noun::{Diagnose, ErrorKind, Serial};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use crate::journey::escrow::{Escrow, Escrowed, Proof};
use crate::journey::job::Proofs;
use crate::outcome::{Exit, Outcome, chain};

/// What the escrow of a drive's recovery password is worth.
#[derive(Serialize, JsonSchema)]
pub(super) struct EscrowRecord<'a> {
    /// Serial number.
    #[schemars(with = "String")]
    serial: &'a Serial,
    /// `none` (it stands clear in a journal that nobody else reads), `unproven` (what opens it is
    /// not here), `proven`, or `failed`.
    escrow: &'static str,
    /// What it has opened, if it is proven: `drive` (the volume), or `journal` (the key that the
    /// journal keeps, since the drive was not at hand).
    proven_by: Option<&'static str>,
    /// Why it is not proven; `azseed explain` knows it.
    code: Option<&'static str>,
    /// The same in words.
    message: Option<String>,
}

impl Record for EscrowRecord<'_> {
    const TYPE: &'static str = "key-escrow";
}

impl Escrowed {
    /// Why it is not proven, if it is not.
    fn fault(&self) -> Option<&dyn Diagnose> {
        match &self.escrow {
            Escrow::Clear | Escrow::Proven(_) => None,
            Escrow::Unproven(error) => Some(error),
            Escrow::Failed(failure) => Some(failure.0.as_ref()),
        }
    }

    /// The record of it.
    pub(super) fn record(&self) -> Value {
        let (escrow, proven_by) = match &self.escrow {
            Escrow::Clear => ("none", None),
            Escrow::Unproven(_) => ("unproven", None),
            Escrow::Proven(Proof::Drive) => ("proven", Some("drive")),
            Escrow::Proven(Proof::Journal) => ("proven", Some("journal")),
            Escrow::Failed(_) => ("failed", None),
        };
        let fault = self.fault();
        line(&EscrowRecord {
            serial: &self.serial,
            escrow,
            proven_by,
            code: fault.map(Diagnose::code),
            message: fault.map(|error| chain(error)),
        })
    }

    /// What a person reads; `next` is the command that proves it.
    pub(super) fn line(&self, next: Option<&str>) -> String {
        let serial = &self.serial;
        match &self.escrow {
            Escrow::Clear => format!(
                "The key of drive {serial} stands clear in its journal; nothing of it is in escrow"
            ),
            Escrow::Unproven(error) => {
                let next = next.map_or(String::new(), |next| format!("; prove it with `{next}`"));
                format!("The escrow of drive {serial} is unproven: {error}{next}")
            }
            Escrow::Proven(Proof::Drive) => {
                format!(
                    "The escrow of drive {serial} is proven: what came out of it unlocks the drive"
                )
            }
            Escrow::Proven(Proof::Journal) => format!(
                "The escrow of drive {serial} is proven: what came out of it opens the key in the \
                 journal"
            ),
            Escrow::Failed(failure) => {
                let (why, code) = (chain(failure.0.as_ref()), failure.0.code());
                format!("{why}; do not ship it (see `azseed explain {code}`)")
            }
        }
    }

    /// How it ends a run that was asked to prove it.
    pub(super) fn kind(&self) -> Option<ErrorKind> {
        self.fault().map(Diagnose::kind)
    }
}

impl Outcome for Proofs {
    fn lines(&self) -> Vec<String> {
        self.0.iter().map(|own| own.line(None)).collect()
    }

    fn json(&self) -> Vec<Value> {
        self.0.iter().map(Escrowed::record).collect()
    }

    fn exit(&self) -> Exit {
        Exit::of(self.0.iter().filter_map(Escrowed::kind))
    }
}
