//! A service manager that listens, as systemd does, is told that the program is alive; where its work is
//! comes later than these calls last.
#![allow(clippy::disallowed_methods, reason = "tests start programs and write no state files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use crate::support::program::{Machine, said};

/// All that was told.
fn told(socket: &UnixDatagram) -> String {
    let (mut all, mut piece) = (String::new(), [0; 4096]);
    while let Ok(bytes) = socket.recv(&mut piece) {
        all += std::str::from_utf8(&piece[..bytes]).unwrap();
    }
    all
}

#[test]
fn it_is_told_that_the_program_is_alive() {
    let machine = Machine::new();
    let place = machine.path("notify");
    let socket = UnixDatagram::bind(&place).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let mut command = machine.command(&["drive", "list"]);
    command.env("NOTIFY_SOCKET", &place).env("WATCHDOG_USEC", "2000000");
    let done = said(command.output().unwrap());
    assert_eq!(done.code, 0, "{}", done.stderr);
    let told = told(&socket);
    assert!(told.contains("WATCHDOG=1\n") && told.contains("STATUS=At work\n"), "{told:?}");
}

#[test]
fn one_that_cannot_be_told_and_a_watchdog_that_is_none_change_nothing() {
    let machine = Machine::new();
    for (socket, watchdog) in [("/none/notify", "0"), ("no socket", "soon"), ("", "-1")] {
        let mut command = machine.command(&["job", "list"]);
        let plain = said(command.output().unwrap());
        command.env("NOTIFY_SOCKET", socket).env("WATCHDOG_USEC", watchdog);
        let told = said(command.output().unwrap());
        assert_eq!((told.code, &told.stdout), (plain.code, &plain.stdout), "{}", told.stderr);
    }
}
