//! What surrounds the process: its variables, the machine's certificates, the kernel's leave.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use super::{GROUP, TARGET, everything, is_refused, machine, nothing_changed, words};
use crate::support::program::said;

#[test]
fn a_variable_for_azure_that_is_no_text_is_refused_and_not_passed_over() {
    let machine = machine();
    let before = everything(&machine);
    let value = OsStr::from_bytes(b"MARKER\xff");
    let list = format!("job list {GROUP}");
    let create = "vault create --vault office --staging seed --blob-endpoint https://127.0.0.1:1/b";
    for (variable, line) in [
        ("AZSEED_TOKEN", list.as_str()),
        ("AZSEED_TOKEN", create),
        ("AZSEED_ACCOUNT_KEY", create),
        ("AZSEED_SAS", create),
        ("AZURE_CLIENT_SECRET", &list),
        ("AZURE_CLIENT_ID", &list),
        ("AZURE_TENANT_ID", &list),
    ] {
        let mut command = machine.command(&words(line));
        let told = said(command.env(variable, value).output().unwrap());
        is_refused(&told, 2, "variable-not-text", variable);
        assert!(told.stderr.contains(variable), "{}", told.stderr);
        assert!(!told.stderr.contains("MARKER") && told.stdout.is_empty(), "{told:?}");
    }
    nothing_changed(&machine, &before);
}

#[test]
fn a_machine_without_certificate_authorities_reaches_nobody() {
    let machine = machine();
    let mut command = machine.command(&words(&format!("job list {GROUP}")));
    command.env("AZSEED_TOKEN", "token").env("SSL_CERT_FILE", "/dev/null");
    is_refused(&said(command.output().unwrap()), 1, "network-client", "no certificates");
}

/// Forbids the program that it then becomes to make itself undumpable, as a sandbox may: a filter
/// of system calls. Source: seccomp(2), prctl(2).
const SANDBOX: &str = r#"
import ctypes, os, platform, struct, sys
PRCTL = {"x86_64": 157, "aarch64": 167}[platform.machine()]
LOAD, EQUALS, RETURN, ALLOW, NOT_PERMITTED = 0x20, 0x15, 0x06, 0x7fff0000, 0x00050001
rules = [(LOAD, 0, 0, 0), (EQUALS, 0, 3, PRCTL), (LOAD, 0, 0, 16), (EQUALS, 0, 1, 4),
         (RETURN, 0, 0, NOT_PERMITTED), (RETURN, 0, 0, ALLOW)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *rule) for rule in rules))
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]
program = Program(len(rules), ctypes.addressof(code))
libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.byref(program), 0, 0) == 0
os.execv(sys.argv[1], sys.argv[1:])
"#;

#[test]
fn a_process_that_others_may_look_into_takes_in_no_secret() {
    let machine = machine();
    let before = everything(&machine);
    let adopt = format!("stage adopt --source plain --staging new {TARGET}");
    let own = machine.command(&words(&adopt));
    let mut command = Command::new("python3");
    command.args(["-c", SANDBOX]).arg(own.get_program()).args(own.get_args());
    command.current_dir(machine.path(""));
    is_refused(&said(command.output().unwrap()), 1, "process-dumpable", "a sandbox");
    nothing_changed(&machine, &before);
    machine.expect(0, &words(&adopt));
}
