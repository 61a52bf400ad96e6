//! Proves the files of the system itself, which others read and the walk through the folders does
//! not: whatever can be known of them without the writer. What other systems change when they use
//! a drive stays free to change as they do it; what is fixed by the format, what stands twice and
//! what must agree with something else is compared.

mod descriptor;
mod fixed;
mod form;
mod index_root;
mod marks;
mod security;
mod site;
mod space;
mod table;
mod tree;

use super::super::bitlocker::unlock::UnlockedVolume;
use super::found::Damage;
use marks::Marks;
use site::Site;

/// What is damaged; nothing more is looked at once somebody wants to stop.
pub(super) fn damages(volume: &UnlockedVolume<'_>, is_stopped: &dyn Fn() -> bool) -> Vec<Damage> {
    let mut site = match Site::open(volume, is_stopped) {
        Ok(site) => site,
        Err(damage) => return vec![damage],
    };
    fixed::check(&mut site);
    let descriptors = security::check(&mut site);
    form::check_names(&mut site);
    let mut taken = Marks::new(site.geometry.clusters());
    let is_whole = table::check(&mut site, descriptors.as_ref(), &mut taken);
    if is_whole {
        space::check(&mut site, &taken);
    }
    site.damages()
}
