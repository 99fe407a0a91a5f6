//! demo
use super::fault::Fault;
/// Demo
#[derive(Debug, clap::Args)]
#[command(after_help = "Example")]
pub struct Demo {}
impl Demo {
    /// x
    pub fn run(self) -> Result<(), Fault> {
        Ok(())
    }
}
