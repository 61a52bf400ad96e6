//! `man`: the man pages.

use std::path::PathBuf;

use disk_prep::noun::{Diagnose, ErrorKind};
use disk_prep::sys::durable::{self, Access};

use crate::cli::{ManArgs, command};
use crate::manual;
use crate::outcome::Ended;
use crate::report::text::Text;

#[derive(Debug, thiserror::Error)]
#[error("Cannot write man pages into {path}")]
struct ManError {
    path: PathBuf,
    #[source]
    source: std::io::Error,
}

impl Diagnose for ManError {
    fn code(&self) -> &'static str {
        "man-pages"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Failed
    }
}

/// Runs `man`.
pub fn run(args: &ManArgs) -> Ended {
    let failed = |source| ManError { path: args.folder.clone(), source };
    std::fs::create_dir_all(&args.folder).map_err(failed)?;
    for (name, page) in manual::pages(command()).map_err(failed)? {
        durable::write(&args.folder.join(name), &page, Access::Public).map_err(failed)?;
    }
    let text = format!("The man pages are in {}", args.folder.display());
    Ok(Box::new(Text::Man(text)))
}
