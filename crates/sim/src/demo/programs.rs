//! The programs of the demo.

use std::path::{Path, PathBuf};

/// A program is not where it should be.
#[derive(Debug, thiserror::Error)]
#[error("`{name}` is not in `{dir}`: build all programs first (`make build`), or say with --bin-dir where it is", dir = dir.display())]
pub struct MissingProgram {
    name: &'static str,
    dir: PathBuf,
}

/// Where the programs are.
#[derive(Debug, Clone)]
pub struct Programs {
    /// This program.
    pub sim: PathBuf,
    /// The agent.
    pub agent: PathBuf,
    /// The collector.
    pub collector: PathBuf,
}

impl Programs {
    /// Those in a folder.
    ///
    /// # Errors
    /// If one is not there.
    pub fn find(dir: &Path) -> Result<Self, MissingProgram> {
        let program = |name: &'static str| {
            let path = dir.join(name);
            if path.is_file() { Ok(path) } else { Err(MissingProgram { name, dir: dir.to_owned() }) }
        };
        Ok(Self {
            sim: program("wattwacht-sim")?,
            agent: program("wattwacht-agent")?,
            collector: program("wattwacht-collector")?,
        })
    }
}
