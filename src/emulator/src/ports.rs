//! Where the emulator listens: the resource manager and the blobs, each on a port of its own. Free
//! ports that were picked are kept beside the data, so that an emulator that is started again is
//! where it was.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use disk_prep::sys::durable::{self, Access};
use serde::{Deserialize, Serialize};

use super::error::Error;

/// The two ports.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    version: u32,
    arm: u16,
    blob: u16,
}

/// The two listeners.
#[derive(Debug)]
pub(super) struct Doors {
    pub arm: TcpListener,
    pub blob: TcpListener,
}

/// Listens at both addresses. Port 0 is the port of last time, or a free one if another program
/// has that by now.
pub(super) fn open(meta: &Path, arm: SocketAddr, blob: SocketAddr) -> Result<Doors, Error> {
    let path = meta.join("ports.json");
    let folder = |source| Error::Folder { path: path.clone(), source };
    let kept: Kept = match std::fs::read(&path) {
        // A list that is not understood is as good as none: ports are picked anew.
        Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Kept::default(),
        Err(source) => return Err(folder(source)),
    };
    let doors = Doors { arm: listen(arm, kept.arm)?, blob: listen(blob, kept.blob)? };
    let port = |door: &TcpListener| door.local_addr().map(|address| address.port());
    let kept = Kept {
        version: 1,
        arm: port(&doors.arm).map_err(folder)?,
        blob: port(&doors.blob).map_err(folder)?,
    };
    let text = serde_json::to_vec(&kept).expect("numbers can be written");
    durable::write(&path, &text, Access::Private).map_err(folder)?;
    Ok(doors)
}

fn listen(address: SocketAddr, kept: u16) -> Result<TcpListener, Error> {
    let bind = |port| {
        let listener = TcpListener::bind(SocketAddr::new(address.ip(), port))?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    let bound = match (address.port(), kept) {
        (0, kept) if kept != 0 => match bind(kept) {
            Err(error) if is_taken(&error) => bind(0),
            bound => bound,
        },
        (port, _) => bind(port),
    };
    bound.map_err(|source| Error::Listen { address, source })
}

/// Whether another program has the port, or only root may use it.
fn is_taken(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any() -> SocketAddr {
        "127.0.0.1:0".parse().unwrap()
    }

    fn ports(doors: &Doors) -> [u16; 2] {
        [&doors.arm, &doors.blob].map(|door| door.local_addr().unwrap().port())
    }

    #[test]
    fn ports_that_were_picked_are_picked_again() {
        let folder = tempfile::tempdir().unwrap();
        let first = ports(&open(folder.path(), any(), any()).unwrap());
        assert_ne!(first[0], first[1]);
        assert_eq!(ports(&open(folder.path(), any(), any()).unwrap()), first);
    }

    #[test]
    fn a_port_that_another_program_has_by_now_is_left_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let first = open(folder.path(), any(), any()).unwrap();
        let [arm, blob] = ports(&first);
        let second = ports(&open(folder.path(), any(), any()).unwrap());
        assert!(second[0] != arm && second[1] != blob, "{second:?}");
        let asked = SocketAddr::new(any().ip(), arm);
        let refused = open(folder.path(), asked, any()).unwrap_err();
        assert!(matches!(refused, Error::Listen { .. }), "what was asked for is not exchanged");
    }
}
