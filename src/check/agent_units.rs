//! Where units of systemd lie, and those of the VM agent of Linux.

/// From the strongest on.
pub(super) const UNIT_FOLDERS: [&str; 3] =
    ["etc/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"];
/// As distributions name the agent's.
pub const AGENT_UNITS: [&str; 2] = ["walinuxagent.service", "waagent.service"];
