//! The line to type that makes a vault.

use disk_prep::noun::{ResourceGroup, typed};

/// The line that makes a vault in a region; the name is to be chosen, and the group where none is meant.
pub fn create_line(group: Option<&ResourceGroup>, region: &str) -> String {
    let group = group.map_or("GROUP", ResourceGroup::as_str);
    let words = ["azseed", "vm", "vault", "create", "NAME", "--resource-group", group];
    typed(words.into_iter().chain(["--location", region]))
}
