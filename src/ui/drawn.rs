//! What is drawn on the terminal now, so that messages stand beside it and not in it.

use std::sync::{Arc, Mutex, Weak};

use disk_prep::sys::hold::hold;
use indicatif::MultiProgress;

/// The bars that are on the screen now; a message makes room among them for itself.
static ON_SCREEN: Mutex<Weak<MultiProgress>> = Mutex::new(Weak::new());

/// Prints while the bars, if there are any, are out of the way.
pub(super) fn beside(print: impl FnOnce()) {
    let screen = hold(&ON_SCREEN).upgrade();
    match screen {
        Some(screen) => screen.suspend(print),
        None => print(),
    }
}

/// Takes the bars off the screen, for a process that ends now.
pub(super) fn clear() {
    let screen = hold(&ON_SCREEN).upgrade();
    if let Some(screen) = screen {
        let _ = screen.clear();
    }
}

/// These bars are on the screen from now on, until they are dropped.
pub(super) fn show(screen: &Arc<MultiProgress>) {
    *hold(&ON_SCREEN) = Arc::downgrade(screen);
}
