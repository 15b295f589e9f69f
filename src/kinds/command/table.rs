//! A table as programs print it for people: columns under a header line.

use serde_json::{Map, Value};

/// The rows under the header, each an object by the names of its columns: lower case, blanks as `_`.
pub(super) fn rows(text: &str) -> Result<Value, String> {
    let mut lines = text.lines().map(strip_frame).filter(|line| !only_draws(line));
    let Some(header) = lines.next() else {
        return Err("it wrote nothing".to_owned());
    };
    let columns = cells(&header);
    if columns.len() < 2 {
        return Err(format!("no columns in its first line: {}", header.trim()));
    }
    let rows = lines.map(|line| Value::Object(row(&columns, &cells(&line))));
    Ok(rows.collect())
}

/// A cell: where it starts, counted in characters, and its text.
type Cell = (usize, String);

fn row(columns: &[Cell], cells: &[Cell]) -> Map<String, Value> {
    let mut row: Map<String, Value> = columns.iter().map(|(_, name)| (key(name), "".into())).collect();
    for (at, (start, text)) in cells.iter().enumerate() {
        // As many cells as columns: each belongs to one, however it is aligned. Else some are empty.
        let column = if cells.len() == columns.len() {
            columns.get(at)
        } else {
            columns
                .iter()
                .rev()
                .find(|(first, _)| first <= start)
                .or(columns.first())
        };
        if let Some((_, name)) = column {
            row.insert(key(name), text.as_str().into());
        }
    }
    row
}

fn key(name: &str) -> String {
    name.to_lowercase().replace(' ', "_")
}

/// What two blanks, or a tab, keep apart.
fn cells(line: &str) -> Vec<Cell> {
    let mut cells: Vec<Cell> = Vec::new();
    let mut blanks = 2;
    for (at, character) in line.chars().enumerate() {
        match character {
            '\t' => blanks = 2,
            ' ' => blanks += 1,
            _ => {
                match cells.last_mut() {
                    Some((_, text)) if blanks < 2 => {
                        text.extend(std::iter::repeat_n(' ', blanks));
                        text.push(character);
                    }
                    _ => cells.push((at, character.to_string())),
                }
                blanks = 0;
            }
        }
    }
    cells
}

/// A line without the frame around its cells.
fn strip_frame(line: &str) -> String {
    let framed = line.trim_start().starts_with(['|', '│', '┃', '║']);
    if framed {
        line.replace(['|', '│', '┃', '║'], "  ")
    } else {
        line.replace(['│', '┃', '║'], "  ")
    }
}

fn only_draws(line: &str) -> bool {
    let drawn = |character: char| " \t-=+_".contains(character) || ('\u{2500}'..='\u{257f}').contains(&character);
    line.chars().all(drawn)
}
