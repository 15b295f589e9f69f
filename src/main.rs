//! Arguments in, exit code out.

fn main() -> std::process::ExitCode {
    smoke::commands::main()
}
