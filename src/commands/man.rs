//! `man`: the man pages.

use std::path::PathBuf;

use disk_prep::noun::{Diagnose, ErrorKind};

use crate::cli::{ManArgs, command};
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
    clap_mangen::generate_to(command(), &args.folder).map_err(failed)?;
    let text = format!("The man pages are in {}", args.folder.display());
    Ok(Box::new(Text::Man(text)))
}
