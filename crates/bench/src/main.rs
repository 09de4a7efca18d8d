//! `wattwacht-bench`.

fn main() -> anyhow::Result<()> {
    bench::cli::main()
}
