//! The emulated resource manager, judged by bare calls: jobs, refusals, clocks, places, sign-in.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

mod support;

mod arm {
    mod clocks;
    mod doors;
    mod jobs;
    mod lists;
    mod office;
    mod refusals;
}
