//! Arguments that say what of the sources is left out, as restic's users know them.

use std::path::PathBuf;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use disk_prep::noun::ByteSize;

/// What of the sources is left out.
#[derive(Debug, Clone, Default, Args)]
pub struct LeftOutArgs {
    /// Leave out what matches, as restic does; repeat for more
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,
    /// The same, whether letters are large or small
    #[arg(long, value_name = "GLOB", value_parser = NonEmptyStringValueParser::new())]
    pub iexclude: Vec<String>,
    /// A file with patterns for --exclude, one a line; repeat for more
    #[arg(long, value_name = "FILE")]
    pub exclude_file: Vec<PathBuf>,
    /// Leave out what lies in a folder with a file of this name (NAME, or
    /// NAME:HEADER if it must begin so); repeat for more
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub exclude_if_present: Vec<String>,
    /// Leave out files that are larger
    #[arg(long, value_name = "SIZE")]
    pub exclude_larger_than: Option<ByteSize>,
    /// Leave out what lies in cache folders, which have a CACHEDIR.TAG
    #[arg(long)]
    pub exclude_caches: bool,
    /// Leave out other file systems that are mounted below a source
    #[arg(long)]
    pub one_file_system: bool,
}

/// Flags that say what of the sources is left out.
pub const FILTER_FLAGS: [&str; 7] = [
    "exclude",
    "iexclude",
    "exclude_file",
    "exclude_if_present",
    "exclude_larger_than",
    "exclude_caches",
    "one_file_system",
];
