//! The agent's configuration.

use std::sync::LazyLock;

use agent::config::{Config, ConfigError, Folders};
use profile::Library;

use crate::throw::fuzz;

static LIBRARY: LazyLock<Library> = LazyLock::new(|| Library::built_in().unwrap());

fn configs(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    // Mutations are not to open files of the machine.
    if text.contains("\"/") || text.contains("'/") || text.contains("..") {
        return;
    }
    let base = std::path::Path::new("/nonexistent/agent.toml");
    match Config::parse_with("x.toml", &text, &Folders::of(base, None), LIBRARY.clone()) {
        Ok(config) => assert!(!config.devices.is_empty()),
        Err(ConfigError::Mistakes(mistakes)) => assert!(!mistakes.0.is_empty()),
        Err(error) => panic!("{error}"),
    }
}

fuzz!(a_configuration_is_taken_whole_or_its_mistakes_are_named, "agent_config", configs);
