//! Other people's clients of Azure, as the test command installed them below the target folder; one
//! that is missing is a failure, never a skip.

use std::path::{Path, PathBuf};

/// Where they are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("../clients")
}

fn there(path: PathBuf) -> PathBuf {
    assert!(path.exists(), "{} is missing: run `tests/run --setup`", path.display());
    path
}

/// The Python that has them.
pub fn python() -> PathBuf {
    there(folder().join("python/bin/python"))
}

/// rclone.
pub fn rclone() -> PathBuf {
    there(folder().join("python/bin/rclone"))
}

/// The folder of Node.js's modules.
pub fn modules() -> PathBuf {
    there(folder().join("node/node_modules"))
}

/// azcopy.
pub fn azcopy() -> PathBuf {
    let own = "@azure-tools/azcopy-linux/dist/bin/azcopy_linux_amd64";
    there(modules().join(own))
}

/// A program of the caller's own path.
pub fn which(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let mut found = std::env::split_paths(&path).map(|folder| folder.join(name));
    found.find(|path| path.exists()).unwrap_or_else(|| panic!("there is no {name}"))
}
