//! Where the disks of `disk-backup` are, and how `protect` is to back one up, as it was said.

use super::call::Call;
use super::flags::{azure, blobs};
use crate::cli::{
    DiffChoice, DiskBackupArgs, EngineChoice, FirstChoice, ProtectArgs, TransferChoice, VhdChoice,
};
use crate::journey::disk_bench::{DiffWish, DiskOptions, Engine, FirstCopy, VhdForm, Via};
use crate::journey::disk_manner::MannerAsked;
use crate::journey::settings::one_of;
use crate::outcome::Failure;

/// Where Azure is, and what opens both accounts.
pub(super) fn options(args: &DiskBackupArgs, call: &Call<'_>) -> Result<DiskOptions, Failure> {
    let own = args.source.clone();
    let key = call.given("source_account_key_file", own.source_account_key_file);
    let sas = call.given("source_sas_file", own.source_sas_file);
    let (source_key_file, source_sas_file) = one_of(key, sas, call.ui)?;
    let (azure, blobs) = (azure(&args.azure), blobs(&args.blobs, call)?);
    Ok(DiskOptions { azure, blobs, source_key_file, source_sas_file })
}

/// The words of the call, with where each comes from.
pub(super) fn manner(args: &ProtectArgs, call: &Call<'_>) -> MannerAsked {
    let first = match args.first {
        FirstChoice::Auto => FirstCopy::Auto,
        FirstChoice::Copy => FirstCopy::Copy,
        FirstChoice::Stream => FirstCopy::Stream,
        FirstChoice::Drive => FirstCopy::Drive,
    };
    let diff = match args.diff {
        DiffChoice::Auto => DiffWish::Auto,
        DiffChoice::Service => DiffWish::Service,
        DiffChoice::Client => DiffWish::Client,
    };
    let transfer = match args.transfer {
        TransferChoice::Client => Via::Client,
        TransferChoice::Server => Via::Server,
    };
    let engine = match args.engine {
        EngineChoice::Diff => Engine::Diff,
        EngineChoice::IncrementalCopy => Engine::IncrementalCopy,
        EngineChoice::FullCopy => Engine::FullCopy,
    };
    MannerAsked {
        first: call.said("first", first),
        diff: call.said("diff", diff),
        transfer: call.said("transfer", transfer),
        engine: call.said("engine", engine),
    }
}

/// How an image becomes a VHD.
pub(super) fn vhd(choice: VhdChoice) -> VhdForm {
    match choice {
        VhdChoice::AsIs => VhdForm::AsIs,
        VhdChoice::Add => VhdForm::Add,
        VhdChoice::None => VhdForm::None,
    }
}
