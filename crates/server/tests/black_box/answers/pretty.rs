//! JSON laid out for reading: what fits a line stays on it. Numbers keep their digits and members
//! their order.

const WIDTH: usize = 96;

enum Node<'a> {
    Leaf(&'a str),
    /// An object or array: how it opens, its members with their names, how it closes.
    Group(char, Vec<(Option<&'a str>, Node<'a>)>, char),
}

/// Lays out one document.
pub fn pretty(text: &str) -> String {
    let mut rest = text;
    let node = read(&mut rest);
    assert_eq!(rest, "", "text after the end of {text}");
    let mut out = String::new();
    node.write(0, 0, &mut out);
    out
}

fn read<'a>(rest: &mut &'a str) -> Node<'a> {
    let close = match rest.chars().next() {
        Some('{') => '}',
        Some('[') => ']',
        _ => return Node::Leaf(leaf(rest)),
    };
    let open = rest.chars().next().unwrap();
    *rest = &rest[1..];
    let mut members = Vec::new();
    while !rest.starts_with(close) {
        let name = (close == '}').then(|| {
            let name = leaf(rest);
            *rest = rest.strip_prefix(':').expect("a colon follows a name");
            name
        });
        members.push((name, read(rest)));
        *rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    *rest = &rest[1..];
    Node::Group(open, members, close)
}

/// A string, number, word, or what was put in its place.
fn leaf<'a>(rest: &mut &'a str) -> &'a str {
    let end = match rest.strip_prefix('"') {
        Some(text) => {
            let mut is_escaped = false;
            let is_end = |c: char| {
                let ends = c == '"' && !is_escaped;
                is_escaped = c == '\\' && !is_escaped;
                ends
            };
            text.find(is_end).expect("strings end") + 2
        }
        None => rest.find([',', ':', '}', ']']).unwrap_or(rest.len()),
    };
    let (leaf, after) = rest.split_at(end);
    *rest = after;
    leaf
}

impl Node<'_> {
    fn write(&self, indent: usize, before: usize, out: &mut String) {
        let Self::Group(open, members, close) = self else {
            return self.write_line(out);
        };
        let mut line = String::new();
        self.write_line(&mut line);
        if indent + before + line.chars().count() <= WIDTH {
            return out.push_str(&line);
        }
        out.push(*open);
        for (index, (name, node)) in members.iter().enumerate() {
            out.push_str(if index > 0 { ",\n" } else { "\n" });
            out.push_str(&" ".repeat(indent + 2));
            let name = name.map(|name| format!("{name}: ")).unwrap_or_default();
            out.push_str(&name);
            node.write(indent + 2, name.len(), out);
        }
        out.push('\n');
        out.push_str(&" ".repeat(indent));
        out.push(*close);
    }

    fn write_line(&self, out: &mut String) {
        let (open, members, close) = match self {
            Self::Leaf(text) => return out.push_str(text),
            Self::Group(open, members, close) => (open, members, close),
        };
        out.push(*open);
        for (index, (name, node)) in members.iter().enumerate() {
            if index > 0 {
                out.push_str(", ");
            }
            if let Some(name) = name {
                out.push_str(name);
                out.push_str(": ");
            }
            node.write_line(out);
        }
        out.push(*close);
    }
}
