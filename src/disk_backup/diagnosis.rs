//! What is told of what goes wrong with a disk's backup: its code, its kind, and what to do.

use std::io;
use std::path::Path;

use disk_prep::limits::PAGE_BLOB_BYTES;
use disk_prep::noun::{Diagnose, ErrorKind, Hint, VaultName, typed};

use super::error::Error;
use super::fault::SnapshotRule;

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// The line that makes a plain image of one in another form.
fn converted(path: &Path) -> Hint {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let to = path.with_file_name(format!("{stem}-fixed.vhd"));
    let (from, to) = (path.to_string_lossy(), to.to_string_lossy());
    let convert = ["qemu-img", "convert", "-O", "vpc", "-o", "subformat=fixed,force_size=on"];
    let line = typed(convert.into_iter().chain([&*from, &*to]));
    Hint::new(format!("make a fixed VHD of it with `{line}`, and name that"))
}

/// What to do with a disk that was begun of a point that is not what it was.
fn half_made(made: &str, backup: Option<&VaultName>) -> Hint {
    let forget = match backup {
        Some(name) => {
            let line = typed(["azseed", "disk-backup", "release", name.as_str()]);
            format!(", and forget its backup with `{line}`")
        }
        None => String::new(),
    };
    Hint::new(format!(
        "restore another point; `azseed disk-backup verify NAME --all` tells which are whole. Delete \
         {made}{forget}"
    ))
}

/// The backup that an error is about, if it says so.
fn backup(error: &Error) -> Option<&VaultName> {
    match error {
        Error::Asked { name, .. }
        | Error::Kept { name, .. }
        | Error::Replaced { name, .. }
        | Error::CopyGone { name, .. }
        | Error::PointsGone { name, .. }
        | Error::NoPoint { name, .. }
        | Error::NoPointYet { name }
        | Error::PointWrong { name, .. }
        | Error::OfImage { name }
        | Error::OfManaged { name }
        | Error::RestoredOther { backup: name, .. } => Some(name),
        _ => None,
    }
}

impl Diagnose for Error {
    fn code(&self) -> &'static str {
        match self {
            Error::Blob { source, .. } | Error::Closed { source, .. } => source.code(),
            Error::NoSource { .. } => "disk-source-missing",
            Error::NoPages { .. } => "disk-no-page-blob",
            Error::Foreign { .. } => "disk-target-foreign",
            Error::OfOther { .. } | Error::OfTwo { .. } => "disk-target-of-other",
            Error::Itself { .. } => "disk-target-is-source",
            Error::NotServed { .. } => "disk-service-without",
            Error::NoEngine { .. } => "disk-engine-source",
            Error::PremiumTarget { .. } => "disk-target-premium",
            Error::FoldersTarget { .. } => "disk-target-folders",
            Error::TooLong { .. } => "disk-source-too-long",
            Error::BaselineLost { .. } => "disk-baseline-lost",
            Error::NoDifference { .. } => "disk-difference-refused",
            Error::List { .. } => "disk-pages-impossible",
            Error::Copy { .. } => "disk-copy-failed",
            Error::ReadBack { .. } => "disk-read-back",
            Error::Transport { .. } => "disk-transport",
            Error::KeepsNothing { .. } => "disk-keeps-nothing",
            Error::Busy { .. } | Error::RecordBusy { .. } => "disk-backup-busy",
            Error::Unknown { .. } => "disk-backup-unknown",
            Error::Asked { .. }
            | Error::NotFree { .. }
            | Error::Kept { .. }
            | Error::Replaced { .. }
            | Error::OtherHost { .. }
            | Error::RestoredOther { .. } => "disk-backup-other",
            Error::Record { .. } => "disk-record-damaged",
            Error::NewerRecord { .. } => "disk-record-newer",
            Error::State(source) => source.code(),
            Error::LeaseLost { .. } => "disk-lease-lost",
            Error::Stopped => "disk-round-stopped",
            Error::Taken { .. } => "disk-restore-taken",
            Error::CopyChanged { .. } => "disk-copy-changed",
            Error::CopyGone { .. } => "disk-copy-gone",
            Error::PointsGone { .. } => "disk-points-gone",
            Error::PointDiffers { .. } | Error::PointWrong { .. } | Error::PointHalf { .. } => {
                "disk-point-differs"
            }
            Error::PointGone { .. } => "disk-point-gone",
            Error::NotTaken { .. } => "disk-snapshot-missing",
            Error::NoPoint { .. } | Error::NoPointYet { .. } => "disk-point-missing",
            Error::InUse { .. } => "disk-in-use",
            Error::Promoting { .. } => "disk-promote-unfinished",
            Error::Restoring { .. } => "disk-restore-unfinished",
            Error::ImageThere { .. } => "disk-image-there",
            Error::ImageBegun { .. } | Error::ImageNote { .. } => "disk-image-begun",
            Error::Image { source, .. } if is_full(source) => "disk-image-full",
            Error::Image { .. } => "disk-image-file",
            Error::NoImage { .. } => "disk-image-none",
            Error::ImageForm { .. } => "disk-image-form",
            Error::ImageVhd { .. } => "disk-image-vhd",
            Error::ImageLength { .. } => "disk-image-length",
            Error::ImageMoved { .. } => "disk-image-moved",
            Error::OtherDevice { .. } => "disk-image-other",
            Error::ImageShrunk { .. } => "disk-image-shrunk",
            Error::OfBackup { .. } => "disk-snapshot-needed",
            Error::NoJournals { .. } => "disk-seed-journals",
            Error::OfImage { .. } => "disk-of-image",
            Error::OfManaged { .. } => "disk-of-managed",
            Error::NoDisk { .. } => "disk-no-vhd",
            Error::UploadEnded { .. } => "disk-upload-ended",
            Error::RunLog { .. } => "disk-run-log",
            Error::NoTable { .. } => "disk-table-missing",
            Error::Table { .. } => "disk-table-damaged",
            Error::NoSnapshot { rule: SnapshotRule::Rate, .. } => "disk-snapshot-rate",
            Error::NoSnapshot { rule: SnapshotRule::Count, .. } => "disk-snapshot-count",
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Error::Blob { source, .. } | Error::Closed { source, .. } => source.kind(),
            Error::NoSource { .. } | Error::Unknown { .. } => ErrorKind::NotFound,
            Error::NoPages { .. } | Error::Foreign { .. } => ErrorKind::Guard,
            Error::OfOther { .. } | Error::OfTwo { .. } => ErrorKind::Guard,
            Error::Itself { .. } | Error::Asked { .. } | Error::NoEngine { .. } => ErrorKind::Usage,
            Error::Kept { .. } | Error::Replaced { .. } | Error::NotFree { .. } => ErrorKind::Usage,
            Error::OtherHost { .. } | Error::RestoredOther { .. } => ErrorKind::Usage,
            Error::KeepsNothing { .. } => ErrorKind::Usage,
            Error::Record { .. } | Error::NewerRecord { .. } => ErrorKind::Guard,
            Error::State(source) => source.kind(),
            Error::NotServed { .. } => ErrorKind::Refused,
            Error::PremiumTarget { .. } | Error::FoldersTarget { .. } | Error::TooLong { .. } => {
                ErrorKind::Guard
            }
            Error::BaselineLost { .. } | Error::NoDifference { .. } => ErrorKind::Resumable,
            Error::CopyChanged { .. } => ErrorKind::Resumable,
            Error::CopyGone { .. } | Error::PointsGone { .. } => ErrorKind::NotFound,
            Error::PointDiffers { .. } | Error::PointWrong { .. } | Error::PointHalf { .. } => {
                ErrorKind::Difference
            }
            Error::List { .. } | Error::Transport { .. } => ErrorKind::Failed,
            Error::Copy { .. } | Error::NoSnapshot { .. } => ErrorKind::Refused,
            Error::ReadBack { .. } => ErrorKind::Difference,
            Error::Busy { .. } | Error::RecordBusy { .. } | Error::LeaseLost { .. } => {
                ErrorKind::Busy
            }
            Error::Stopped => ErrorKind::Interrupted,
            Error::Taken { .. } | Error::InUse { .. } | Error::ImageThere { .. } => {
                ErrorKind::Guard
            }
            Error::PointGone { .. } | Error::NoPoint { .. } | Error::NoTable { .. } => {
                ErrorKind::NotFound
            }
            Error::NoPointYet { .. } => ErrorKind::NotFound,
            Error::NoJournals { .. } | Error::NotTaken { .. } => ErrorKind::NotFound,
            Error::Promoting { .. } | Error::Restoring { .. } => ErrorKind::Resumable,
            Error::NoImage { .. } | Error::ImageForm { .. } | Error::ImageVhd { .. } => {
                ErrorKind::Guard
            }
            Error::ImageLength { .. } | Error::OfImage { .. } | Error::OfBackup { .. } => {
                ErrorKind::Guard
            }
            Error::OfManaged { .. } | Error::NoDisk { .. } | Error::UploadEnded { .. } => {
                ErrorKind::Guard
            }
            Error::ImageMoved { .. } | Error::ImageShrunk { .. } => ErrorKind::LeftOut,
            Error::OtherDevice { .. } => ErrorKind::Guard,
            Error::RunLog { source, .. } if is_full(source) => ErrorKind::Resumable,
            Error::RunLog { .. } => ErrorKind::Failed,
            Error::ImageBegun { .. } | Error::ImageNote { .. } => ErrorKind::Usage,
            Error::Image { source, .. } if is_full(source) => ErrorKind::Resumable,
            Error::Image { .. } => ErrorKind::Failed,
            Error::Table { .. } => ErrorKind::Difference,
        }
    }

    fn hint(&self) -> Option<Hint> {
        let text = match self {
            Error::Blob { source, .. } => return source.hint(),
            Error::Closed { source, .. } => {
                let more = "the account of the disk, where it is another, is opened by \
                            `--source-account-key-file` or `--source-sas-file`";
                let hint = source.hint().map(|hint| format!("{hint}; "));
                return Some(Hint::new(hint.unwrap_or_default() + more));
            }
            Error::ImageForm { path, .. } => return Some(converted(path)),
            Error::OfTwo { .. } => {
                "choose the one that goes on; of the other, `azseed disk-backup release` on each \
                 machine that has it, and then delete its `azseed/disks/NAME/record.json` beside the \
                 copy"
            }
            Error::NotTaken { line, .. } => {
                return Some(Hint::new(format!(
                    "`{line}` shows those that there are, with all their digits"
                )));
            }
            Error::NotFree { flag, .. } => {
                return Some(Hint::new(format!("name another with `{flag}`")));
            }
            Error::OfOther { owner, line, .. } => {
                return Some(Hint::new(format!(
                    "`{line}` goes on with {owner}; another backup of the same disk needs another \
                     blob, with `--to ACCOUNT/CONTAINER/BLOB`"
                )));
            }
            Error::NoImage { .. } => "name a file or a whole block device, as `image:PATH`",
            Error::ImageVhd { .. } => {
                "`protect` names the form with `--vhd`: `as-is` for a fixed VHD, `add` for the plain \
                 bytes of a disk, `none` to keep them as they are. A backup keeps the form that it \
                 began with; an image that is in another one by now needs a backup of another name"
            }
            Error::ImageLength { bytes: 0, .. } => {
                "it holds nothing; name the file or the device that has the disk"
            }
            Error::ImageLength { bytes, .. } if *bytes > PAGE_BLOB_BYTES => {
                "a page blob has 8 TiB at most; a disk that long can only be backed up in parts"
            }
            Error::ImageLength { .. } => {
                "a page blob has a multiple of 512 bytes; `--vhd add` fills up to a whole number of \
                 MiB"
            }
            Error::ImageMoved { .. } => {
                "take the image from a machine that is stopped, or from a snapshot, as LVM makes \
                 one; then run the same command again, it goes on"
            }
            Error::NoJournals { .. } => {
                "run it where the drive was made, or bring that machine's `jobs/JOB/journals` into \
                 the state directory of this one; if they are lost, delete that blob and protect the \
                 image with `--first stream`"
            }
            Error::OfBackup { .. } => {
                "it is left alone; what killed runs have left goes with `azseed disk-backup prune`"
            }
            Error::OfImage { .. } => {
                "make a new image of the point with `azseed disk-backup restore NAME --at TIME --to image:PATH`"
            }
            Error::OfManaged { .. } => {
                "make a new disk of the point with `azseed disk-backup restore NAME --at TIME --to managed-disk:ID`, \
                 and have the machine swap its disk for that"
            }
            Error::NoDisk { .. } => {
                "restore it with `--to image:PATH` or `--to page-blob:…`; an image that is protected \
                 with `--vhd add` gets a footer"
            }
            Error::UploadEnded { .. } => {
                "delete that disk or name another with `--to`, then run the same command again"
            }
            Error::RunLog { .. } => {
                "check room and rights of the state directory, then run the same command again, it \
                 goes on"
            }
            Error::NoSource { .. } => {
                "check where the source is: account, container and name, the resource id, or the path of \
                 an image"
            }
            Error::NoPages { .. } => "only page blobs have snapshots that tell what changed",
            Error::Foreign { .. } => {
                "name another blob with `--to ACCOUNT/CONTAINER/BLOB`; this one is left alone. If it \
                 is the copy and lost its metadata, `azseed disk-backup run NAME --full` makes a \
                 whole new one"
            }
            Error::NotServed { .. } => {
                "use `--transfer client` and `--engine diff`, which need no more than any service has"
            }
            Error::NoEngine { .. } => {
                "leave `--engine` out; the service copies incrementally from page blobs only, and an \
                 image is compared with what it was"
            }
            Error::PremiumTarget { .. } => {
                "name a standard account with `--to`: a general-purpose v2 one keeps as many points \
                 as the rules ask for"
            }
            Error::FoldersTarget { .. } => {
                "name an account without a hierarchical namespace with `--to`: snapshots of page \
                 blobs are not known to work in the other kind"
            }
            Error::TooLong { .. } => "a disk that long can only be backed up in parts",
            Error::Itself { .. } => "name another account, container or blob with `--to`",
            Error::KeepsNothing { .. } => "keep at least one of a kind, such as `--keep-last 14`",
            Error::OtherDevice { line, .. } => {
                return Some(Hint::new(format!(
                    "no point was made; another disk needs a backup of another name; if this backup is \
                     to go on with it, type `{line}`"
                )));
            }
            Error::ImageShrunk { .. } => {
                "if that is another disk, give it a backup of another name and keep this one's points \
                 as long as they are needed; if it was made smaller, nothing is left to do"
            }
            Error::PointsGone { .. } => {
                "find out who deleted them: an account with soft delete has them back; `azseed \
                 disk-backup run NAME --full` makes a whole new copy"
            }
            Error::CopyGone { .. } => {
                "find out who deleted it: an account with soft delete has it back; `azseed \
                 disk-backup run NAME --full` makes a whole new copy"
            }
            Error::PointDiffers { .. } | Error::PointWrong { .. } => {
                "restore another point; `azseed disk-backup verify NAME --all` tells which are whole"
            }
            Error::PointHalf { made, backup, .. } => return Some(half_made(made, backup.as_ref())),
            Error::BaselineLost { .. } | Error::NoDifference { .. } | Error::CopyChanged { .. } => {
                "`azseed disk-backup run NAME --full` makes a whole new copy beside the old one, \
                 whose points stay"
            }
            Error::Copy { .. } => "run the same command again, it begins the copy anew",
            Error::ReadBack { .. } | Error::Transport { .. } | Error::List { .. } => {
                "run the same command again; no point was made of it"
            }
            Error::Busy { .. } => return Some(Hint::OtherRun),
            Error::RecordBusy { .. } => "run the same command again in a minute",
            Error::Unknown { .. } => "`azseed disk-backup list` names those that are there",
            Error::Asked { .. } => {
                "leave the flag out; `azseed disk-backup set NAME` changes how often a point is made and \
                 what is kept. All else stays as it was begun: a backup of another name, with \
                 another copy, can have it otherwise"
            }
            Error::Kept { .. } => {
                "leave out what differs, and change how often a point is made and what is kept with \
                 `azseed disk-backup set NAME` afterwards. All else stays as it was begun: a backup \
                 of another name, with another copy, can have it otherwise"
            }
            Error::Replaced { .. } => {
                "`azseed disk-backup release NAME` forgets the former one; the same \
                 `disk-backup protect` takes over what is there"
            }
            Error::OtherHost { .. } => {
                "another disk needs a backup of another name; if this machine was renamed or replaces \
                 that one, run the same `disk-backup protect` with `--yes`"
            }
            Error::RestoredOther { .. } => {
                "leave the flag out; `azseed disk-backup release NAME` forgets the backup of the new \
                 disk"
            }
            Error::Record { .. } => {
                "`azseed disk-backup release NAME` forgets it, and the same `disk-backup protect` takes \
                 the backup over from its container; no point is lost"
            }
            Error::NewerRecord { .. } => "use the azseed that wrote it, or a newer one",
            Error::State(source) => return source.hint(),
            Error::LeaseLost { .. } | Error::Stopped => {
                "nothing was written since; run the same command again, it goes on"
            }
            Error::Taken { .. } => "name another place with `--to`; this one is left alone",
            Error::NoPointYet { .. } => {
                "`azseed disk-backup status NAME` says how it stands, and `azseed disk-backup run \
                 NAME` makes the first"
            }
            Error::PointGone { .. } | Error::NoPoint { .. } => {
                "`azseed disk-backup list NAME` shows the points that there are"
            }
            Error::InUse { .. } => {
                "stop the virtual machine and detach the disk, then run the same command again"
            }
            Error::Promoting { .. } => {
                "run `azseed disk-backup promote` with the same point again, it goes on; until then \
                 no point is made of a disk that is half one and half the other"
            }
            Error::Restoring { .. } => {
                "run the same `azseed disk-backup restore` again, it goes on"
            }
            Error::ImageThere { .. } => {
                "name another file with `--to image:PATH`, or move this one"
            }
            Error::ImageBegun { .. } => {
                "restore that point again, or delete the file's `.part` and `.part.json` first"
            }
            Error::ImageNote { .. } => {
                "delete it and the file's `.part`, and run the same command again"
            }
            Error::Image { source, .. } if is_full(source) => {
                "free space, then run the same command again, it goes on"
            }
            Error::Image { .. } => "check the file, its folder and the rights of both",
            Error::NoTable { .. } => {
                "a table is written when a point is compared with the disk, by `verify` or by \
                 `run --verify full`, while it is the newest one"
            }
            Error::NoSnapshot { rule: SnapshotRule::Rate, .. } => {
                "run the same command again in ten minutes; a snapshot that a killed run has taken \
                 is used"
            }
            Error::NoSnapshot { rule: SnapshotRule::Count, .. } => {
                "delete snapshots of the disk that nobody needs, then run the same command again"
            }
            Error::Table { .. } => {
                "the table was changed or damaged, so it proves nothing; delete it, and the point \
                 can be restored and looked at"
            }
        };
        Some(match backup(self) {
            Some(name) => Hint::new(text.replace(" NAME", &format!(" {name}"))),
            None => Hint::new(text),
        })
    }
}
