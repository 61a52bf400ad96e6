//! The program: parse, run, exit.

fn main() {
    azseed::run(std::env::args_os()).leave()
}
