//! azseed
fn main() {}
