//! The program: parse, run, exit.

#[global_allocator]
static HEAP: disk_prep::sys::large::LargePages = disk_prep::sys::large::LargePages;

fn main() {
    azseed::run(std::env::args_os()).leave()
}
