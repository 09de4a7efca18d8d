//! `wattwacht-agent`.

fn main() -> std::process::ExitCode {
    agent::cli::main()
}
