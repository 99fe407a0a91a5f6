//! Tables on standard output, for people or for a Markdown file.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

/// How tables are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drawing {
    Plain,
    Markdown,
}

/// Prints a table; columns from `numbers_from` on are numbers and lean to the right.
pub fn print(drawing: Drawing, header: &[&str], rows: Vec<Vec<String>>, numbers_from: usize) {
    let mut table = Table::new();
    table.load_preset(match drawing {
        Drawing::Plain => presets::NOTHING,
        Drawing::Markdown => presets::ASCII_MARKDOWN,
    });
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    table.add_rows(rows);
    for column in table.column_iter_mut().skip(numbers_from) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{}\n", table.trim_fmt());
}

/// Prints a heading.
pub fn heading(drawing: Drawing, text: &str) {
    match drawing {
        Drawing::Plain => println!("{text}\n"),
        Drawing::Markdown => println!("## {text}\n"),
    }
}

/// A whole number with its thousands set apart.
pub fn whole(number: f64) -> String {
    let digits = format!("{:.0}", number.round().max(0.0));
    let mut spaced = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            spaced.push(' ');
        }
        spaced.push(digit);
    }
    spaced
}

/// A ratio, or a dash where there is nothing to compare with.
pub fn ratio(number: Option<f64>) -> String {
    number.map_or_else(|| "-".to_owned(), |number| format!("{number:.2}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        for (number, expected) in [(0.0, "0"), (999.6, "1 000"), (1e6, "1 000 000"), (12.0, "12")] {
            assert_eq!(whole(number), expected);
        }
    }
}
