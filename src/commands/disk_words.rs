//! How `disk-backup protect` is to back a disk up, as it was said.

use super::call::Call;
use crate::cli::{DiffChoice, EngineChoice, FirstChoice, ProtectArgs, TransferChoice};
use crate::journey::disk_bench::{DiffWish, Engine, FirstCopy, Via};
use crate::journey::disk_manner::MannerAsked;

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
