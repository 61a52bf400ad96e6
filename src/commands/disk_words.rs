//! Where the disks of `disk-backup` are, and how `protect` is to back one up, as it was said.

use super::call::Call;
use super::flags::{azure, blobs};
use crate::cli::{
    DiffChoice, DiskBackupArgs, EngineChoice, FirstChoice, ProtectArgs, TransferChoice,
};
use crate::journey::disk_bench::{DiffWish, DiskOptions, Engine, FirstCopy, Via};
use crate::journey::disk_manner::MannerAsked;

/// Where Azure is, and what opens both accounts.
pub(super) fn options(args: &DiskBackupArgs) -> DiskOptions {
    DiskOptions {
        azure: azure(&args.azure),
        blobs: blobs(&args.blobs),
        source_key_file: args.source.source_account_key_file.clone(),
        source_sas_file: args.source.source_sas_file.clone(),
    }
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
