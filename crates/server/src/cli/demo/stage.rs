//! What the demonstration shows: steps as they happen, then what came of them, in boxes.

use console::{measure_text_width, style};

use super::checks::Check;
use crate::cli::fault::Fault;
use crate::cli::output;

/// How wide a box is, borders included; a terminal of 100 columns holds it.
const WIDTH: usize = 96;
/// How wide the word before a step is.
const WORD_WIDTH: usize = 10;

/// Which side of its column a cell is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// For words.
    Left,
    /// For numbers.
    Right,
}

/// Shows the title.
///
/// # Errors
/// If standard output cannot be written.
pub fn title(name: &str, subtitle: &str) -> Result<(), Fault> {
    output::line(format_args!("\n  {}  {}\n", style(name).bold(), style(subtitle).dim()))
}

/// Shows one step.
///
/// # Errors
/// If standard output cannot be written.
pub fn step(word: &str, text: &str) -> Result<(), Fault> {
    output::line(format_args!("  {} {text}", style(format!("{word:WORD_WIDTH$}")).cyan()))
}

/// Shows a box with a table in it; the first row is its header.
///
/// # Errors
/// If standard output cannot be written.
pub fn table(title: &str, sides: &[Side], rows: &[Vec<String>]) -> Result<(), Fault> {
    let mut widths: Vec<usize> = (0..sides.len())
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| measure_text_width(cell)).max().unwrap_or(0)
        })
        .collect();
    let gaps = sides.len().saturating_sub(1).max(1);
    let free = (WIDTH - 4).saturating_sub(widths.iter().sum());
    let gap = (free / gaps).clamp(2, 6);
    // What is left goes to the first column, so that the numbers end where the box does.
    if let Some(first) = widths.first_mut() {
        *first += free.saturating_sub(gap * gaps);
    }
    let mut lines = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(sides).zip(&widths);
        let cells: Vec<String> =
            cells.map(|((cell, side), width)| padded(cell, *side, *width)).collect();
        let line = cells.join(&" ".repeat(gap));
        lines.push(match index {
            0 => style(line).dim().to_string(),
            _ => line,
        });
    }
    boxed(title, &lines)
}

/// Shows a box with checks in it.
///
/// # Errors
/// If standard output cannot be written.
pub fn checks<'a>(title: &str, checks: impl Iterator<Item = &'a Check>) -> Result<(), Fault> {
    let lines: Vec<String> = checks.flat_map(check_lines).collect();
    boxed(title, &lines)
}

fn check_lines(check: &Check) -> Vec<String> {
    let mark = match check.holds {
        true => style("✓").green(),
        false => style("✗").red().bold(),
    };
    let inner = WIDTH - 4;
    let room = inner.saturating_sub(2 + measure_text_width(check.what));
    let evidence_width = measure_text_width(&check.evidence);
    if evidence_width + 2 <= room {
        let fill = " ".repeat(room - evidence_width);
        let evidence = style(&check.evidence).dim();
        return vec![format!("{mark} {}{fill}{evidence}", check.what)];
    }
    let mut lines = vec![format!("{mark} {}", check.what)];
    lines.extend(wrapped(&check.evidence, inner - 4).map(|part| format!("    {part}")));
    lines
}

/// Text in parts of at most `width` characters.
fn wrapped(text: &str, width: usize) -> impl Iterator<Item = String> {
    let letters: Vec<char> = text.chars().collect();
    let parts: Vec<String> = letters.chunks(width).map(|part| part.iter().collect()).collect();
    parts.into_iter()
}

fn boxed(title: &str, lines: &[String]) -> Result<(), Fault> {
    let frame = |text: String| style(text).dim();
    let inner = WIDTH - 4;
    let rule = "─".repeat((WIDTH - 5).saturating_sub(measure_text_width(title)));
    output::line(format_args!(
        "\n{} {} {}",
        frame("╭─".into()),
        style(title).bold(),
        frame(format!("{rule}╮"))
    ))?;
    for line in lines {
        let line = padded(line, Side::Left, inner);
        output::line(format_args!("{0} {line} {0}", frame("│".into())))?;
    }
    output::line(frame(format!("╰{}╯", "─".repeat(WIDTH - 2))))
}

fn padded(text: &str, side: Side, width: usize) -> String {
    let fill = " ".repeat(width.saturating_sub(measure_text_width(text)));
    match side {
        Side::Left => format!("{text}{fill}"),
        Side::Right => format!("{fill}{text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_evidence_wraps_inside_the_box() {
        let check = |evidence: &str| Check {
            holds: true,
            what: "something holds",
            evidence: evidence.into(),
        };
        assert_eq!(check_lines(&check("1 = 1")).len(), 1);
        let long = check_lines(&check(&"x".repeat(200)));
        assert_eq!(long.len(), 4);
        for line in long.iter().chain(&check_lines(&check("1 = 1"))) {
            assert!(measure_text_width(line) <= WIDTH - 4, "{line}");
        }
    }
}
