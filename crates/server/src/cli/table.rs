//! Tables for people: boxes on a terminal, bare columns on a pipe.

use comfy_table::{CellAlignment, ContentArrangement, Table as Grid, presets};
use console::Term;

use super::connection::Form;
use super::fault::Fault;
use super::json::Object;
use super::output;

/// A column of a table, or a line of a description.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    member: &'static str,
    title: &'static str,
    side: Side,
    absent: &'static str,
    left_out: bool,
    computed: Option<fn(&Object) -> String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// Where a table is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A terminal so many columns wide.
    Terminal(u16),
    /// A file, or another program.
    Pipe,
}

impl Column {
    /// A member as text.
    #[must_use]
    pub const fn text(member: &'static str) -> Self {
        Self {
            member,
            title: member,
            side: Side::Left,
            absent: "-",
            left_out: false,
            computed: None,
        }
    }

    /// A member as a number.
    #[must_use]
    pub const fn number(member: &'static str) -> Self {
        Self { side: Side::Right, ..Self::text(member) }
    }

    /// Something made of several members.
    #[must_use]
    pub const fn computed(title: &'static str, computed: fn(&Object) -> String) -> Self {
        Self { computed: Some(computed), ..Self::text(title) }
    }

    /// With another title than the member's name.
    #[must_use]
    pub const fn titled(self, title: &'static str) -> Self {
        Self { title, ..self }
    }

    /// With another text for what is absent.
    #[must_use]
    pub const fn absent(self, absent: &'static str) -> Self {
        Self { absent, ..self }
    }

    /// Without a line in a description where it is absent.
    #[must_use]
    pub const fn if_there(self) -> Self {
        Self { left_out: true, ..self }
    }

    fn is_shown(&self, thing: &Object) -> bool {
        !self.left_out || self.value(thing).is_some()
    }

    fn value(&self, row: &Object) -> Option<String> {
        match self.computed {
            Some(computed) => Some(computed(row)).filter(|text| !text.is_empty()),
            None => row.text(self.member),
        }
    }

    fn cell(&self, row: &Object) -> String {
        let shown = self.value(row);
        // A name from elsewhere shall not move the cursor of this terminal.
        shown.map_or_else(
            || self.absent.to_owned(),
            |text| text.replace(char::is_control, "\u{fffd}"),
        )
    }
}

impl Place {
    /// Where standard output goes.
    #[must_use]
    pub fn of_stdout() -> Self {
        let terminal = Term::stdout();
        if terminal.is_term() { Self::Terminal(terminal.size().1) } else { Self::Pipe }
    }
}

/// Rows under titles.
#[must_use]
pub fn list(columns: &[Column], rows: &[Object], place: Place) -> String {
    let mut grid = grid(place);
    grid.set_header(columns.iter().map(|column| column.title));
    for row in rows {
        grid.add_row(columns.iter().map(|column| column.cell(row)));
    }
    for (index, column) in columns.iter().enumerate() {
        if column.side == Side::Right
            && let Some(cells) = grid.column_mut(index)
        {
            cells.set_cell_alignment(CellAlignment::Right);
        }
    }
    finished(&grid, place)
}

/// One thing, a line for each of its members.
#[must_use]
pub fn details(columns: &[Column], thing: &Object, place: Place) -> String {
    let mut grid = grid(place);
    for column in columns.iter().filter(|column| column.is_shown(thing)) {
        grid.add_row([column.title.to_owned(), column.cell(thing)]);
    }
    finished(&grid, place)
}

/// Prints a thing as the server answered it, or as a description.
///
/// # Errors
/// If it is not understood, or standard output cannot be written.
pub fn print_details(form: Form, answer: &str, columns: &[Column]) -> Result<(), Fault> {
    if form == Form::Programs {
        return output::line(answer.trim_end());
    }
    output::line(details(columns, &Object::parse(answer)?, Place::of_stdout()))
}

/// Prints the list in this member as the server answered it, or as a table.
///
/// # Errors
/// As [`print_details`].
pub fn print_list(form: Form, answer: &str, columns: &[Column], member: &str) -> Result<(), Fault> {
    if form == Form::Programs {
        return output::line(answer.trim_end());
    }
    let rows = Object::parse(answer)?.objects(member);
    if rows.is_empty() {
        output::talk("There are none.");
        return Ok(());
    }
    output::line(list(columns, &rows, Place::of_stdout()))
}

fn grid(place: Place) -> Grid {
    let mut grid = Grid::new();
    match place {
        Place::Terminal(width) => {
            grid.load_preset(presets::UTF8_FULL_CONDENSED)
                .set_content_arrangement(ContentArrangement::Dynamic)
                .set_width(width);
        }
        Place::Pipe => {
            grid.load_preset(presets::NOTHING);
        }
    }
    grid
}

fn finished(grid: &Grid, place: Place) -> String {
    match place {
        Place::Terminal(_) => grid.to_string(),
        Place::Pipe => {
            // Each cell is padded, also the first and the last.
            let lines: Vec<String> = grid
                .lines()
                .map(|line| line.trim_end().strip_prefix(' ').unwrap_or(&line).to_owned())
                .collect();
            lines.join("\n")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[
        Column::text("code"),
        Column::number("total"),
        Column::number("allowed").absent("unlimited"),
    ];

    fn rows() -> Vec<Object> {
        [
            r#"{"code": "frames", "total": 42, "allowed": 1000}"#,
            r#"{"code": "core-hours", "total": 0.25, "allowed": null}"#,
        ]
        .iter()
        .map(|row| Object::parse(row).unwrap())
        .collect()
    }

    #[test]
    fn a_pipe_gets_bare_columns() {
        assert_eq!(
            list(COLUMNS, &rows(), Place::Pipe),
            "\
code        total    allowed
frames         42       1000
core-hours   0.25  unlimited"
        );
    }

    #[test]
    fn a_terminal_gets_a_box_that_fits() {
        let shown = list(COLUMNS, &rows(), Place::Terminal(60));
        assert_eq!(
            shown,
            "\
┌────────────┬───────┬───────────┐
│ code       ┆ total ┆   allowed │
╞════════════╪═══════╪═══════════╡
│ frames     ┆    42 ┆      1000 │
│ core-hours ┆  0.25 ┆ unlimited │
└────────────┴───────┴───────────┘"
        );
        let narrow = list(COLUMNS, &rows(), Place::Terminal(24));
        assert!(narrow.lines().all(|line| line.chars().count() <= 24), "{narrow}");
    }

    #[test]
    fn details_are_lines_and_names_move_no_cursor() {
        let thing = Object::parse(r#"{"code": "a\u001b[2Jb"}"#).unwrap();
        assert_eq!(details(&COLUMNS[..2], &thing, Place::Pipe), "code   a\u{fffd}[2Jb\ntotal  -");
    }
}
