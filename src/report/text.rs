//! Small texts that several reports share: durations, counts, and what a server sent made safe to show.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

/// `340 ms`, `1.9 s`, `2 min 5 s`.
pub(super) fn duration(duration: Duration) -> String {
    let millis = (duration + Duration::from_micros(500)).as_millis();
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..59_950 => format!("{:.1} s", duration.as_secs_f64()),
        _ => {
            let seconds = (millis + 500) / 1_000;
            match (seconds / 60, seconds % 60) {
                (minutes, 0) => format!("{minutes} min"),
                (minutes, rest) => format!("{minutes} min {rest} s"),
            }
        }
    }
}

/// `1 check`, `3 checks`.
pub(super) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// The text with its middle left out where it has more than `most` characters.
pub(super) fn shorten(text: &str, most: usize) -> Cow<'_, str> {
    let length = text.chars().count();
    if length <= most {
        return Cow::Borrowed(text);
    }
    let head = most * 2 / 3;
    let tail = most - head;
    let at = |index: usize| text.char_indices().nth(index).map_or(text.len(), |(at, _)| at);
    let (start, end) = (at(head), at(length - tail));
    Cow::Owned(format!(
        "{} … {} left out … {}",
        &text[..start],
        count(length - most, "character"),
        &text[end..]
    ))
}

/// On one line, and nothing in it moves the cursor, changes colours or the direction of writing: what a server sends must
/// not drive the reader's terminal.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(unseen) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for char in text.chars() {
        match char {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if unseen(char) && char.is_ascii() => {
                let _ = write!(out, "\\x{:02x}", char as u32);
            }
            _ if unseen(char) => {
                let _ = write!(out, "\\u{{{:x}}}", char as u32);
            }
            _ => out.push(char),
        }
    }
    Cow::Owned(out)
}

/// Control characters, and the format characters that hide or reorder text.
fn unseen(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The text without terminal escape sequences, for readers that are no terminal.
pub(super) fn without_ansi(text: &str) -> Cow<'_, str> {
    if !text.contains('\u{1b}') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        out.push_str(&rest[..at]);
        rest = behind_sequence(&rest[at + 1..]);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// What follows the escape sequence whose escape character stood before `text`.
fn behind_sequence(text: &str) -> &str {
    if let Some(control) = text.strip_prefix('[') {
        let end = control.trim_start_matches(|char| matches!(char, '\u{20}'..='\u{3f}'));
        return end
            .strip_prefix(|char| matches!(char, '\u{40}'..='\u{7e}'))
            .unwrap_or(control);
    }
    if let Some(command) = text.strip_prefix(']') {
        let bell = command.find('\u{7}').map(|at| (at, 1));
        let end = command.find("\u{1b}\\").map(|at| (at, 2));
        return match bell.into_iter().chain(end).min() {
            Some((at, length)) => &command[at + length..],
            None => command,
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_humane() {
        let shown = |micros| duration(Duration::from_micros(micros));
        assert_eq!(shown(0), "0 ms");
        assert_eq!(shown(340_200), "340 ms");
        assert_eq!(shown(999_600), "1.0 s");
        assert_eq!(shown(1_900_000), "1.9 s");
        assert_eq!(shown(59_949_000), "59.9 s");
        assert_eq!(shown(59_960_000), "1 min");
        assert_eq!(shown(125_000_000), "2 min 5 s");
    }

    #[test]
    fn long_values_lose_their_middle() {
        assert_eq!(shorten("äöü", 3), "äöü");
        assert_eq!(shorten("äöüäöüäöü", 3), "äö … 6 characters left out … ü");
    }

    #[test]
    fn what_could_drive_a_terminal_is_shown() {
        assert_eq!(
            visible("a\u{1b}[31mb\r\nc\u{202e}d\u{9b}"),
            "a\\x1b[31mb\\r\\nc\\u{202e}d\\u{9b}"
        );
        assert!(matches!(visible("größe 🦀 │"), Cow::Borrowed(_)));
    }

    #[test]
    fn escape_sequences_are_removed() {
        assert_eq!(
            without_ansi("\u{1b}[1;31mred\u{1b}[0m \u{1b}]8;;http://x\u{7}link\u{1b}]8;;\u{1b}\\."),
            "red link."
        );
        assert_eq!(without_ansi("cut \u{1b}["), "cut ");
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text in any::<String>(), most in 0_usize..40) {
            prop_assert!(!visible(&text).chars().any(unseen));
            prop_assert!(shorten(&text, most).chars().count() <= most + 40);
            prop_assert!(!without_ansi(&text).chars().any(|char| char == '\x1b'));
        }
    }
}
