//! A Linux VM of Azure is brought to its proxy: the two files are changed that say so. Nothing else is written, and each file is kept as it was beside itself.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use disk_prep::noun::{Diagnose, ErrorKind, Hint, bare_addresses};
use disk_prep::sys::beneath::Folder;
use disk_prep::sys::durable::Access;
use jiff::Zoned;
use rustix::fs::fchown;
use rustix::process::{Gid, Uid};

use crate::check::proxy::{
    AGENT_FILE, ENVIRONMENT_FILE, Edit, Place, agent_file, environment_file, has_proxy,
};

/// No such file is larger.
const MOST_BYTES: u64 = 1 << 20;

/// What is to be done.
#[derive(Debug)]
pub struct ApplyOptions {
    /// The folder with the machine's files.
    pub root: PathBuf,
    /// The proxy; without one it is taken out.
    pub proxy: Option<Place>,
    /// Nothing is written.
    pub is_dry: bool,
}

/// What was done, or would be.
#[derive(Debug)]
pub struct Applied {
    /// Each file.
    pub files: Vec<FileChange>,
    /// Nothing was written.
    pub is_dry: bool,
    /// What makes the agent read it.
    pub restart: String,
}

/// One file.
#[derive(Debug)]
pub struct FileChange {
    /// Its path, below the folder.
    pub path: PathBuf,
    /// Lines that are no longer there, without whom a proxy lets through.
    pub removed: Vec<String>,
    /// Lines that are new.
    pub added: Vec<String>,
    /// Where it stands as it was; nowhere if nothing was written, or there was none.
    pub copy: Option<PathBuf>,
}

impl FileChange {
    /// Whether the file is another.
    pub fn is_changed(&self) -> bool {
        !(self.removed.is_empty() && self.added.is_empty())
    }
}

const FILES: [(&str, Edit); 2] = [(AGENT_FILE, agent_file), (ENVIRONMENT_FILE, environment_file)];

/// Changes both files, or says how. Both are read before the first is written.
pub fn apply(options: &ApplyOptions) -> Result<Applied, ProxyError> {
    apply_at(options, &Zoned::now())
}

fn apply_at(options: &ApplyOptions, now: &Zoned) -> Result<Applied, ProxyError> {
    let fault = |path: &Path| {
        let path = options.root.join(path);
        move |source| ProxyError { path, source }
    };
    let root = Folder::open(&options.root).map_err(fault(Path::new("")))?;
    let mut drafts = Vec::new();
    for (path, edit) in FILES {
        let path = Path::new(path);
        let (file, before) = read(&root, path).map_err(fault(path))?;
        let former = match options.proxy {
            Some(_) => None,
            None => former(&root, path).map_err(fault(path))?,
        };
        let after = edit(&before, options.proxy.as_ref(), former.as_deref());
        drafts.push((path, file, before, after));
    }
    let mut files = Vec::new();
    for (path, file, before, after) in drafts {
        let change = FileChange {
            path: options.root.join(path),
            removed: apart(&before, &after)
                .iter()
                .map(|own| bare_addresses(own).into_owned())
                .collect(),
            added: apart(&after, &before),
            copy: None,
        };
        let writes = before != after && !options.is_dry;
        let copy = match writes {
            true => replace(&root, path, (file, &before), &after, now).map_err(fault(path))?,
            false => None,
        };
        files.push(FileChange { copy: copy.map(|own| options.root.join(own)), ..change });
    }
    let unit = root.find(Path::new("usr/lib/systemd/system/waagent.service"));
    let is_waagent = unit.is_ok_and(|found| found.is_some());
    let unit = if is_waagent { "waagent" } else { "walinuxagent" };
    Ok(Applied { files, is_dry: options.is_dry, restart: format!("systemctl restart {unit}") })
}

/// A file and its text; no file is an empty one.
fn read(root: &Folder, path: &Path) -> io::Result<(Option<File>, String)> {
    let folder = path.parent().unwrap_or(Path::new(""));
    if root.find(folder)?.is_none() || root.find(path)?.is_none() {
        return Ok((None, String::new()));
    }
    let file = root.file(path)?;
    let text = String::from_utf8(root.read(path, MOST_BYTES)?);
    Ok((Some(file), text.map_err(|_| io::ErrorKind::InvalidData)?))
}

/// What stands between a file's name and the time at which a copy of it was kept.
const COPY: &str = ".azseed-";

/// A file as it was before it named a proxy, by the newest of its copies that names none.
fn former(root: &Folder, path: &Path) -> io::Result<Option<String>> {
    let folder = path.parent().unwrap_or(Path::new(""));
    if root.find(folder)?.is_none() {
        return Ok(None);
    }
    let own = format!("{}{COPY}", path.file_name().unwrap_or_default().display());
    let names = root.folder(folder)?.names()?;
    let when = |name: OsString| {
        let time = name.to_str()?.strip_prefix(&own)?;
        let (time, number) = time.split_once('-').unwrap_or((time, "1"));
        Some(((time.to_owned(), number.parse::<u32>().ok()?), folder.join(&name)))
    };
    let mut copies: Vec<_> = names.into_iter().filter_map(when).collect();
    copies.sort();
    for (_, copy) in copies.into_iter().rev() {
        // One that is no text any more tells nothing.
        if let Ok((_, text)) = read(root, &copy)
            && !has_proxy(&text)
        {
            return Ok(Some(text));
        }
    }
    Ok(None)
}

/// Writes a file anew with the mode and owner that it had, after a copy of it.
fn replace(
    root: &Folder,
    path: &Path,
    (file, before): (Option<File>, &str),
    after: &str,
    now: &Zoned,
) -> io::Result<Option<PathBuf>> {
    let about = file.map(|file| file.metadata()).transpose()?;
    let fill = |file: &mut File, text: &str| {
        file.write_all(text.as_bytes())?;
        if let Some(own) = &about {
            file.set_permissions(std::fs::Permissions::from_mode(own.mode() & 0o7777))?;
            let owner = (Uid::from_raw(own.uid()), Gid::from_raw(own.gid()));
            fchown(file, Some(owner.0), Some(owner.1))?;
        }
        Ok(())
    };
    let copy = match about.is_some() {
        true => Some(keep(root, path, now, |file| fill(file, before))?),
        false => None,
    };
    root.write_by(path, Access::Public, |file| fill(file, after))?;
    Ok(copy)
}

/// Copies a file beside itself, under the time and a number if that name is taken: what was kept before
/// may be the only one with the lines that a person wrote.
fn keep(
    root: &Folder,
    path: &Path,
    now: &Zoned,
    fill: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<PathBuf> {
    let time = now.strftime("%Y%m%dT%H%M%S");
    for number in 1u32.. {
        let mut name = path.as_os_str().to_owned();
        name.push(format!("{COPY}{time}"));
        if number > 1 {
            name.push(format!("-{number}"));
        }
        let copy = PathBuf::from(name);
        let mut file = match root.create_new(&copy, Access::Private) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            made => made?,
        };
        if let Err(error) = fill(&mut file).and_then(|()| file.sync_all()) {
            // Half a copy is none; the first error is the one to tell.
            let _ = root.remove_file(&copy);
            return Err(error);
        }
        return Ok(copy);
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Lines of a text that the other has not, each as often as it has it more.
fn apart(text: &str, other: &str) -> Vec<String> {
    let mut left: Vec<&str> = other.lines().collect();
    let is_new = |line: &&str| match left.iter().position(|own| own == line) {
        Some(at) => {
            left.swap_remove(at);
            false
        }
        None => true,
    };
    text.lines().filter(is_new).map(str::to_owned).collect()
}

/// A file that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("The proxy's lines of {} cannot be set", path.display())]
pub struct ProxyError {
    path: PathBuf,
    source: io::Error,
}

impl Diagnose for ProxyError {
    fn code(&self) -> &'static str {
        "proxy-file"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Failed
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new(match self.source.kind() {
            io::ErrorKind::PermissionDenied => "run it as root",
            _ => "it is a plain file of text below the folder of `--root`; see what stands there",
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn now() -> Zoned {
        "2026-11-29T08:30:00[UTC]".parse().unwrap()
    }

    fn options(root: &Path) -> ApplyOptions {
        let proxy = Some(Place { host: "proxy".to_owned(), port: 3128 });
        ApplyOptions { root: root.to_owned(), proxy, is_dry: false }
    }

    #[test]
    fn a_file_keeps_its_mode_and_a_copy_and_the_second_time_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let etc = folder.path().join("etc");
        std::fs::create_dir(&etc).unwrap();
        std::fs::write(etc.join("waagent.conf"), "Lib.Dir=x\n").unwrap();
        std::fs::set_permissions(etc.join("waagent.conf"), PermissionsExt::from_mode(0o640))
            .unwrap();
        let text = |name: &str| std::fs::read_to_string(etc.join(name)).unwrap();
        let dry =
            apply_at(&ApplyOptions { is_dry: true, ..options(folder.path()) }, &now()).unwrap();
        assert_eq!(dry.files[0].added, ["HttpProxy.Host=proxy", "HttpProxy.Port=3128"]);
        assert_eq!(text("waagent.conf"), "Lib.Dir=x\n");
        let done = apply_at(&options(folder.path()), &now()).unwrap();
        assert!(done.files.iter().all(FileChange::is_changed));
        assert_eq!(text("waagent.conf"), "Lib.Dir=x\nHttpProxy.Host=proxy\nHttpProxy.Port=3128\n");
        assert_eq!(text("waagent.conf.azseed-20261129T083000"), "Lib.Dir=x\n");
        let mode = |name: &str| std::fs::metadata(etc.join(name)).unwrap().mode() & 0o7777;
        assert_eq!(
            (mode("waagent.conf"), mode("waagent.conf.azseed-20261129T083000")),
            (0o640, 0o640)
        );
        assert_eq!(mode("environment"), 0o644);
        let again = apply_at(&options(folder.path()), &now()).unwrap();
        assert!(!again.files.iter().any(FileChange::is_changed));
        assert_eq!(std::fs::read_dir(&etc).unwrap().count(), 3);
        // In the same second, and the copy of what the owner wrote stays.
        let out = ApplyOptions { proxy: None, ..options(folder.path()) };
        let gone = apply_at(&out, &now()).unwrap();
        assert_eq!(text("waagent.conf.azseed-20261129T083000"), "Lib.Dir=x\n");
        let kept = folder.path().join("etc/waagent.conf.azseed-20261129T083000-2");
        assert_eq!(gone.files[0].copy.as_deref(), Some(kept.as_path()));
        assert!(text("waagent.conf.azseed-20261129T083000-2").ends_with("HttpProxy.Port=3128\n"));
        assert_eq!(gone.files[0].removed, ["HttpProxy.Host=proxy", "HttpProxy.Port=3128"]);
        assert_eq!(text("waagent.conf"), "Lib.Dir=x\n");
    }

    #[test]
    fn the_way_back_leads_to_the_lines_that_said_that_there_is_no_proxy() {
        let folder = tempfile::tempdir().unwrap();
        let etc = folder.path().join("etc");
        std::fs::create_dir(&etc).unwrap();
        let own = "HttpProxy.Host=None\nLogs.Verbose=n\nHttpProxy.Port=None\n";
        std::fs::write(etc.join("waagent.conf"), own).unwrap();
        std::fs::write(etc.join("environment"), "http_proxy=\n").unwrap();
        let text = |name: &str| std::fs::read_to_string(etc.join(name)).unwrap();
        let second = Some(Place { host: "other".to_owned(), port: 1 });
        for proxy in [options(folder.path()).proxy, second] {
            apply_at(&ApplyOptions { proxy, ..options(folder.path()) }, &now()).unwrap();
        }
        assert!(text("waagent.conf").contains("HttpProxy.Host=other\n"));
        let out = ApplyOptions { proxy: None, ..options(folder.path()) };
        let gone = apply_at(&out, &now()).unwrap();
        assert_eq!(
            (text("waagent.conf").as_str(), text("environment").as_str()),
            (own, "http_proxy=\n")
        );
        assert_eq!(gone.files[0].added, ["HttpProxy.Host=None", "HttpProxy.Port=None"]);
        assert!(!apply_at(&out, &now()).unwrap().files.iter().any(FileChange::is_changed));
    }

    #[test]
    fn a_link_is_not_followed_and_then_neither_file_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let etc = folder.path().join("etc");
        std::fs::create_dir(&etc).unwrap();
        std::fs::write(folder.path().join("outside"), "a\n").unwrap();
        symlink("../outside", etc.join("environment")).unwrap();
        let refused = apply_at(&options(folder.path()), &now()).unwrap_err();
        assert_eq!(refused.code(), "proxy-file");
        assert_eq!(std::fs::read_to_string(folder.path().join("outside")).unwrap(), "a\n");
        assert!(!etc.join("waagent.conf").exists());
        let none = apply_at(&options(&folder.path().join("none")), &now()).unwrap_err();
        assert_eq!(none.code(), "proxy-file");
    }
}
