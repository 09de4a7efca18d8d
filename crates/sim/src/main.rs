//! `wattwacht-sim`: simulated data centres, and the demo of all programs together.

fn main() -> std::process::ExitCode {
    sim::cli::main()
}
