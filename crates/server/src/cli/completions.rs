//! `usance completions`: what shells want to know.

use clap::Args;
use clap_complete::Shell;

use super::fault::Fault;
use super::output;

/// Print completions for a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  usance completions bash > ~/.local/share/bash-completion/completions/usance
  usance completions zsh > ~/.zfunc/_usance
  usance completions fish > ~/.config/fish/completions/usance.fish")]
pub struct Completions {
    /// Which shell
    shell: Shell,
}

impl Completions {
    /// Prints them.
    ///
    /// # Errors
    /// If standard output cannot be written.
    pub fn run(self) -> Result<(), Fault> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::definition(), "usance", &mut script);
        output::raw(String::from_utf8_lossy(&script))
    }
}
