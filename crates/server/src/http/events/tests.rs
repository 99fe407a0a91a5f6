use usance_core::event::{KINDS, THINGS};

const DOCS: &str = include_str!("../../../../../docs/reference/events.md");

#[test]
fn the_documentation_has_every_kind() {
    let documented: Vec<_> = DOCS
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .filter(|word| word.contains('.'))
        .collect();
    assert_eq!(documented, KINDS);
    let things: Vec<_> = THINGS.iter().map(|thing| format!("`{thing}`")).collect();
    let things = things.join(", ");
    assert!(DOCS.contains(&things), "events.md must have {things}");
}
