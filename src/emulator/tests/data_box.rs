//! The emulated `Microsoft.DataBox`, judged by bare calls over HTTP.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

mod data_box {
    mod changes;
    mod life;
    mod lists;
    mod office;
    mod operations;
    mod places;
    mod refusals;
    mod services;
}
