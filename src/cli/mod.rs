//! The command line: one table of commands, each in its own file; without a command word, `python3.14`'s own options.

mod run;

/// Runs the command that the arguments name; gives the exit status.
pub fn main(args: Vec<std::ffi::OsString>) -> i32 {
    let args: Vec<String> = args.into_iter().map(|a| a.to_string_lossy().into_owned()).collect();
    run::main(&args)
}
