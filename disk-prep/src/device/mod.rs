//! The one way to bytes of a drive: positioned reads, positioned writes, flush. Devices stack
//! (`Recording(Faulty(Image))` in tests). Who may open a writable one is the guard's business
//! (`drive::guard`), not this room's.

mod contract;
mod fault;
mod image;

pub use contract::Device;
pub use fault::Fault;
pub use image::FileDevice;
