//! The only room that prints. Three faces, chosen once: bars on a terminal, plain lines otherwise,
//! or JSON Lines; each may be quiet. Results go to standard output, everything else to standard
//! error.

mod bar_line;
mod bars;
mod drawn;
mod faults;
mod json_lines;
mod log;
mod progress;
mod screen;
mod service_manager;
mod signals;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use disk_prep::monitor::Monitor;
use disk_prep::noun::{Diagnose, ErrorKind};
use disk_prep::stop::StopFlag;
use disk_prep::sys::hold::hold;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use secrecy::SecretString;

use crate::cli::Global;
use crate::outcome::{Attendant, Exit, Heard, NoConsent, Outcome, Teller, causes, chain};
use crate::report::said;
use faults::{OutputLost, WrongCall};
use screen::{eprint, print, print_json, tell_json};

pub use log::LogFileError;

/// How things are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Face {
    Terminal,
    Plain,
    Json,
}

/// How little is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loudness {
    /// All.
    Loud,
    /// What was asked for, and what makes the exit code another than 0.
    Asked,
    /// The latter alone.
    Troubles,
}

/// The screen.
#[derive(Debug)]
pub struct Ui {
    face: Face,
    loudness: Loudness,
    /// Warnings of a quiet run, for when it ends badly.
    kept: Arc<Mutex<Vec<String>>>,
    stop: StopFlag,
    /// Whether somebody looks at `stop`.
    is_heard: Arc<AtomicBool>,
    /// Whether questions may be asked where a person is.
    may_ask: bool,
    /// Whether plain questions were answered beforehand.
    says_yes: bool,
    /// Whether it is shown how far the work is.
    has_progress: bool,
    /// Whether the terminal can draw over what stands there.
    can_draw: bool,
    /// Where the work is.
    spot: progress::Spot,
    /// What goes on after a stop.
    again: signals::Again,
}

impl Ui {
    /// The face that the flags and the terminal ask for; `is_question` says whether the command's
    /// result is what somebody wants to read.
    pub fn new(global: &Global, is_question: bool) -> Self {
        let face = match global.json {
            true => Face::Json,
            false if io::stderr().is_terminal() => Face::Terminal,
            false => Face::Plain,
        };
        let loudness = match (global.quiet, is_question) {
            (false, _) => Loudness::Loud,
            (true, true) => Loudness::Asked,
            (true, false) => Loudness::Troubles,
        };
        let (is_heard, spot) = (Arc::default(), progress::Spot::default());
        let again = signals::Again::default();
        let last = signals::Last {
            is_json: global.json,
            is_work: !is_question,
            spot: Arc::clone(&spot),
            again: Arc::clone(&again),
        };
        service_manager::tell(&spot);
        Ui {
            face,
            loudness,
            kept: Arc::default(),
            stop: signals::stop_when_asked(Arc::clone(&is_heard), last),
            is_heard,
            may_ask: true,
            says_yes: global.yes,
            has_progress: !global.no_progress,
            can_draw: std::env::var_os("TERM").is_some_and(|own| own != "dumb"),
            spot,
            again,
        }
    }

    /// The same screen for work that asks nothing, whoever sits before it.
    pub fn unattended(&self) -> Self {
        let Ui { face, loudness, kept, stop, is_heard, has_progress, can_draw, .. } = self;
        Ui {
            face: *face,
            loudness: *loudness,
            kept: Arc::clone(kept),
            stop: stop.clone(),
            is_heard: Arc::clone(is_heard),
            may_ask: false,
            says_yes: true,
            has_progress: *has_progress,
            can_draw: *can_draw,
            spot: Arc::clone(&self.spot),
            again: Arc::clone(&self.again),
        }
    }

    /// For what goes wrong before the flags are known; the word `--json` among the arguments counts.
    pub fn early(args: &[OsString]) -> Self {
        std::panic::set_hook(Box::new(screen::on_panic));
        let is_json = args.iter().take_while(|arg| *arg != "--").any(|arg| arg == "--json");
        let face = if is_json { Face::Json } else { Face::Plain };
        Ui {
            face,
            loudness: Loudness::Loud,
            kept: Arc::default(),
            stop: StopFlag::default(),
            is_heard: Arc::default(),
            may_ask: false,
            says_yes: false,
            has_progress: true,
            can_draw: false,
            spot: Arc::default(),
            again: Arc::default(),
        }
    }

    /// What is never repeated in a message of this process.
    pub fn hide(hidden: impl IntoIterator<Item = (SecretString, String)>) {
        hidden.into_iter().for_each(|(text, name)| screen::hide(text, name));
    }

    /// Sends what the program logs to standard error, as often as `-v` was said, and to a file.
    pub fn log(&self, verbose: u8, file: Option<&Path>) -> Result<(), LogFileError> {
        log::log(verbose, file)
    }

    /// A line for the file of the log alone.
    pub fn log_only(&self, text: &str) {
        tracing::info!(target: log::TOLD, "{text}");
    }

    /// Shows why a command could not be done.
    pub fn fail(&self, error: &dyn Diagnose) -> Exit {
        tracing::error!(target: log::TOLD, "{}; code: {}", chain(error), error.code());
        self.tell_kept();
        if self.face == Face::Json {
            tell_json(said::failure(error));
        }
        // Where standard output takes nothing, it takes no error either.
        if self.face != Face::Json || screen::is_lost() {
            eprint(&explain(error));
        }
        Exit::Failed(error.kind())
    }

    /// Shows a wrong call, or the help that was asked for.
    pub fn refuse(&self, error: &clap::Error) -> Exit {
        if self.face == Face::Json && error.use_stderr() {
            return self.fail(&WrongCall::new(error));
        }
        let plain = error.render().to_string();
        let shown = screen::message(&plain);
        let done = match error.use_stderr() {
            _ if shown == plain => error.print(),
            true => io::stderr().write_all(shown.as_bytes()),
            false => io::stdout().write_all(shown.as_bytes()),
        };
        if !error.use_stderr() {
            screen::note(done);
            return Exit::Done;
        }
        eprint(&format!("\n{}", code_line(WrongCall::new(error).code())));
        Exit::Failed(ErrorKind::Usage)
    }

    /// How a run ends whose results may not all have been written.
    pub fn ended(&self, exit: Exit) -> Exit {
        let Some(source) = screen::lost() else { return exit };
        let failed = self.fail(&OutputLost { source });
        if exit == Exit::Done { failed } else { exit }
    }
}

impl Ui {
    fn is_quiet(&self) -> bool {
        self.loudness != Loudness::Loud
    }

    /// Tells what a quiet run kept back, since it ends badly.
    fn tell_kept(&self) {
        for text in std::mem::take(&mut *hold(&self.kept)) {
            self.tell_warning(&text);
        }
    }

    fn tell_warning(&self, text: &str) {
        match self.face {
            Face::Json => tell_json(said::warning(text)),
            Face::Terminal | Face::Plain => eprint(&format!("warning: {}\n", sentence(text))),
        }
    }
}

impl Attendant for Ui {
    fn monitor(&self) -> Arc<dyn Monitor> {
        let has_bars = self.has_progress && self.can_draw && !self.is_quiet();
        let shown: Arc<dyn Monitor> = match self.face {
            Face::Terminal if has_bars => Arc::new(bars::Bars::new()),
            Face::Terminal | Face::Plain => Arc::new(progress::Lines::new()),
            Face::Json => Arc::new(json_lines::JsonLines::new()),
        };
        let shown: Arc<dyn Monitor> = match (self.is_quiet(), self.has_progress) {
            (true, _) => Arc::new(progress::Troubles(shown)),
            (false, true) => shown,
            (false, false) => Arc::new(progress::Steps(shown)),
        };
        Arc::new(progress::Placed(Arc::new(progress::Logged(shown)), Arc::clone(&self.spot)))
    }

    fn stop_flag(&self) -> StopFlag {
        self.is_heard.store(true, Ordering::Relaxed);
        self.stop.clone()
    }

    fn goes_on_by(&self, command: String) {
        *hold(&self.again) = Some(command);
    }

    fn can_ask(&self) -> bool {
        self.may_ask && self.face == Face::Terminal && !self.is_quiet() && io::stdin().is_terminal()
    }

    fn ask(&self, question: &str) -> Option<String> {
        let mut stderr = io::stderr().lock();
        stderr
            .write_all(screen::message(question).as_bytes())
            .and_then(|()| stderr.flush())
            .ok()?;
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).ok()?;
        Some(line.trim().to_owned())
    }

    fn listen(&self, patience: Duration) -> Heard {
        let stdin = io::stdin();
        let mut wait = [PollFd::new(&stdin, PollFlags::IN)];
        let patience = Timespec { tv_sec: 0, tv_nsec: patience.subsec_nanos().into() };
        // A signal ends the wait early, which does no harm.
        if !poll(&mut wait, Some(&patience)).is_ok_and(|ready| ready > 0) {
            return Heard::Silence;
        }
        let mut line = String::new();
        match stdin.lock().read_line(&mut line) {
            Ok(bytes) if bytes > 0 => Heard::Line(line.trim().to_owned()),
            _ => Heard::End,
        }
    }

    fn say(&self, text: &str) {
        if !self.is_quiet() {
            eprint(&format!("{}\n", sentence(text)));
        }
    }

    fn warn(&self, text: &str) {
        tracing::warn!(target: log::TOLD, "{text}");
        match self.is_quiet() {
            true => hold(&self.kept).push(text.to_owned()),
            false => self.tell_warning(text),
        }
    }

    fn teller(&self) -> Teller {
        let own = self.unattended();
        Arc::new(move |text| own.warn(text))
    }

    fn show(&self, outcome: &dyn Outcome) -> Exit {
        let exit = outcome.exit();
        if exit != Exit::Done {
            self.tell_kept();
        } else if self.loudness == Loudness::Troubles {
            return exit;
        }
        match self.face {
            Face::Json => outcome.json().into_iter().for_each(print_json),
            Face::Terminal | Face::Plain => print(&outcome.lines()),
        }
        exit
    }

    fn is_read(&self) -> bool {
        let stdout = io::stdout();
        let mut ends = [PollFd::new(&stdout, PollFlags::empty())];
        match poll(&mut ends, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) {
            Ok(_) => !ends[0].revents().intersects(PollFlags::ERR | PollFlags::HUP),
            Err(_) => true,
        }
    }

    fn tell_unused(&self, text: &str) {
        static TOLD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
        let mut told = hold(&TOLD);
        if !self.is_quiet() && told.insert(text.to_owned()) {
            eprint(&format!("warning: {}\n", sentence(text)));
        }
    }

    fn consent(&self, what: &str) -> Result<(), NoConsent> {
        if self.says_yes {
            return Ok(());
        }
        let what = what.to_owned();
        if !self.can_ask() {
            return Err(NoConsent::Unasked { what });
        }
        let answer =
            self.ask(&format!("{}. Go on? [y/N] ", screen::line(&what))).unwrap_or_default();
        if matches!(answer.to_lowercase().as_str(), "y" | "yes") {
            Ok(())
        } else {
            Err(NoConsent::Refused { what })
        }
    }

    fn hide(&self, text: SecretString, name: String) {
        screen::hide(text, name);
    }
}

/// The sentence, the chain of causes, the next command, the code.
fn explain(error: &dyn Diagnose) -> String {
    let mut text = format!("error: {}\n", sentence(&error.to_string()));
    for cause in causes(error) {
        let _ = writeln!(text, "  caused by: {}", paragraph(&cause.to_string()));
    }
    if let Some(hint) = error.hint() {
        let _ = writeln!(text, "  hint: {}", sentence(&hint.to_string()));
    }
    text + &code_line(error.code())
}

fn code_line(code: &str) -> String {
    format!("  code: {code}  (see `azseed explain {code}`)\n")
}

/// Words that begin a line of ours.
const LABELS: [&str; 5] = ["error:", "warning:", "caused by:", "hint:", "code:"];

/// A sentence of ours, with a list below it if it has one. Our lists begin their lines with two
/// blanks; any other line end is in somebody's name, and so is one before a word of ours.
fn sentence(text: &str) -> String {
    let mut lines = text.split("\n  ").map(screen::line);
    let first = lines.next().unwrap_or_default().into_owned();
    lines.fold(first, |text, line| match is_forged(&line) {
        true => format!("{text}\\n  {line}"),
        false => format!("{text}\n  {line}"),
    })
}

/// Whether a line looks like one of ours and is none.
fn is_forged(line: &str) -> bool {
    LABELS.iter().any(|label| line.trim_start().starts_with(label))
}

/// What others say, its further lines below the first. None of them may look like one of ours.
fn paragraph(text: &str) -> String {
    let mut lines = text.split('\n').map(screen::line);
    let first = lines.next().unwrap_or_default().into_owned();
    lines.fold(first, |text, line| match is_forged(&line) {
        true => format!("{text}\\n{line}"),
        false if line.starts_with(' ') || line.is_empty() => format!("{text}\n{line}"),
        false => format!("{text}\n    {line}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_line_end_begins_no_line_of_ours() {
        assert_eq!(sentence("of a:\n  b\n  c"), "of a:\n  b\n  c");
        assert_eq!(sentence("a\nb\x1b[2J\n"), "a\\nb\\x1b[2J\\n");
        assert_eq!(paragraph("of a:\n  b\n  c"), "of a:\n  b\n  c");
        assert_eq!(paragraph("a\nb\x1b[2J"), "a\n    b\\x1b[2J");
        for label in LABELS {
            assert_eq!(paragraph(&format!("a\n {label} x")), format!("a\\n {label} x"));
            assert_eq!(sentence(&format!("a\n   {label} x")), format!("a\\n   {label} x"));
        }
    }

    #[test]
    fn an_error_is_shown_with_its_causes_its_hint_and_its_code() {
        let source = io::Error::from_raw_os_error(16);
        let error = disk_prep::drive::Error::Open { path: "/dev/sdx".into(), source };
        assert_eq!(
            explain(&error),
            "error: Cannot open /dev/sdx\n  caused by: Device or resource busy (os error 16)\n  \
             code: drive-open-failed  (see `azseed explain drive-open-failed`)\n"
        );
    }
}
