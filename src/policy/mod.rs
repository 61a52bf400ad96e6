//! Which points are kept: pure rules over times. Knows no story.

mod retention;

pub use retention::{Origin, Point, Retention, forgettable};
