//! Arguments of `explain`.

use clap::{Args, ValueEnum};

/// Arguments of `explain`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  azseed explain drive-not-blank\n  azseed explain Shipping\n  \
                        azseed explain tracking number\n  azseed explain --section restore\n  \
                        azseed explain snapshot-sql-vss-delay --fix-script > fix.cmd")]
pub struct ExplainArgs {
    /// A code, as an error prints it, a state, or words to look for; without any,
    /// all codes are listed
    #[arg(value_name = "CODE|WORDS")]
    pub words: Vec<String>,
    /// List the codes, which is also done without words
    #[arg(long, conflicts_with = "words")]
    pub list: bool,
    /// List a section of the catalogue of VM backup
    #[arg(long, value_name = "SECTION", conflicts_with = "words")]
    pub section: Option<String>,
    /// Print a script for Windows that does what the entry says: for the command
    /// prompt, for the registry editor, or the way back
    #[arg(
        long,
        value_name = "FORM",
        value_enum,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "cmd",
        requires = "words"
    )]
    pub fix_script: Option<ScriptFormArg>,
}

/// Forms of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ScriptFormArg {
    /// For the command prompt of an administrator
    Cmd,
    /// For the registry editor
    Reg,
    /// The way back, for the command prompt
    Undo,
}
