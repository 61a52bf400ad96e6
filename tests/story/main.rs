//! What people meet on the way from a folder to an imported parcel, told with the real program:
//! the copy machine, its drives and shares, keys, papers on the screen, and whoever comes later.

mod agents;
mod codes;
mod config;
mod custody;
mod environment;
mod escrow;
mod explain;
mod follow;
mod guest;
mod held_keys;
mod hostile_drives;
mod journey;
mod kill;
mod loop_device;
mod many_drives;
mod modes;
mod names;
mod next;
mod old_forms;
mod rehearse;
mod screen;
mod sealed_keys;
mod secrets;
mod shares;
mod shortages;
mod side_files;
mod sources;
mod stage;
mod stage_asked;
mod stage_at_once;
mod stage_set;
mod staging_path;
#[path = "../support/mod.rs"]
mod support;
mod terminal;
mod together;
mod tool_journals;
mod transcripts;
mod two_machines;
mod verbose;
mod vm;
mod watch;
mod wrong_drives;
