//! Which points are kept: pure rules over times. Knows no story.

mod calendar;
mod ground;
mod retention;
mod rules;
mod simulate;
mod spans;
mod template;
#[cfg(test)]
mod tests;

pub use ground::Ground;
pub use retention::{Judged, Origin, Point, judged};
pub use rules::Policy;
pub use simulate::{Simulation, simulate};
pub use spans::Retention;
pub use template::{FileFault, TEMPLATES, Template};
