//! The guide: every command of its task pages does what the page says.

use std::path::Path;
use std::process::Command;

use crate::world::{Said, Server};

/// The comment after a command that the page says is refused.
const REFUSED: &str = "   # refused";

#[test]
fn every_command_of_the_guide_works() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide");
    let mut pages = 0;
    for entry in std::fs::read_dir(guide).unwrap() {
        let path = entry.unwrap().path();
        // The first page is about running a server: each test that does so is a test of it.
        if path.file_name().unwrap() == "README.md" {
            continue;
        }
        pages += 1;
        let text = std::fs::read_to_string(&path).unwrap();
        let said = follow(&script(&text));
        assert_eq!(said.code, Some(0), "{}\n{}\n{}", path.display(), said.out, said.err);
    }
    assert!(pages >= 6, "{pages}");
}

/// The commands of a page, each of which must do what the page says.
fn script(page: &str) -> String {
    let mut script = String::from("set -eux\n");
    let mut is_code = false;
    for line in page.lines() {
        match line {
            "```sh" => is_code = true,
            "```" => is_code = false,
            _ if !is_code => {}
            _ => match line.split_once(REFUSED) {
                Some((command, _)) => {
                    script.push_str(&format!("if {command}; then exit 9; fi\n"));
                }
                None => script.push_str(&format!("{line}\n")),
            },
        }
    }
    script
}

/// Runs it beside a server that has a product.
fn follow(script: &str) -> Said {
    let server = Server::new();
    server.json("product create renderer");
    let binary = Path::new(env!("CARGO_BIN_EXE_usance"));
    let path = format!("{}:/usr/bin:/bin", binary.parent().unwrap().display());
    Command::new("sh")
        .args(["-c", script])
        .current_dir(server.dir.path())
        .env_clear()
        .env("PATH", path)
        .env("USANCE_SERVER", format!("http://{}", server.address()))
        .env("USANCE_DATA", "data")
        .output()
        .unwrap()
        .into()
}
