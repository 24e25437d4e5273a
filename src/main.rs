//! Arguments to command to exit code.

fn main() {
    std::process::exit(taipan::cli::main(std::env::args_os().collect()));
}
