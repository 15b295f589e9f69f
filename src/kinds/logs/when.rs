//! When a line was written, as it says itself.

use std::sync::LazyLock;

use jiff::Timestamp;
use regex::Regex;
use serde_json::{Map, Value};

/// Which lines were written before `start`: a line that does not say when belongs to the one before it. None where no line
/// says when.
pub(super) fn older(lines: &[&str], start: Timestamp) -> Option<Vec<bool>> {
    let mut dated = false;
    let mut is_older = false;
    let older = lines.iter().map(|line| {
        if let Some(at) = written(line) {
            (dated, is_older) = (true, at < start);
        }
        is_older
    });
    let older: Vec<bool> = older.collect();
    (dated || lines.is_empty()).then_some(older)
}

/// A date with a time as ISO 8601 has it, in UTC unless it says otherwise; or a JSON field with milliseconds or seconds
/// since 1970 (pino's `time`).
fn written(line: &str) -> Option<Timestamp> {
    static ISO: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))? ?(Z|[+-]\d\d:?\d\d)?").ok()
    });
    if let Some(found) = ISO.as_ref().and_then(|iso| iso.captures(line)) {
        let fraction = found.get(3).map_or("0", |fraction| fraction.as_str());
        let zone = found.get(4).map_or("Z", |zone| zone.as_str());
        return format!("{}T{}.{fraction}{zone}", &found[1], &found[2]).parse().ok();
    }
    let object = serde_json::from_str::<Map<String, Value>>(line).ok()?;
    let number = ["time", "ts", "timestamp"]
        .iter()
        .find_map(|key| object.get(*key)?.as_f64())?;
    let seconds = if number > 1e11 { number / 1e3 } else { number };
    let duration = jiff::SignedDuration::try_from_secs_f64(seconds).ok()?;
    Timestamp::from_duration(duration).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_when_it_was_written() {
        for line in [
            "2026-03-04T05:06:07Z app[1] hello",
            "2026-03-04 05:06:07,123 ERROR hello",
            "[2026-03-04T06:06:07+01:00] hello",
            "2026-03-04 05:06:07.5 +0000 hello",
            "{\"time\":1772600767000,\"msg\":\"hello\"}",
            "{\"ts\":1772600767.25,\"msg\":\"hello\"}",
        ] {
            let at = written(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(at.as_second(), 1_772_600_767, "{line}");
        }
        assert_eq!(written("hello 12:00"), None);
        assert_eq!(written("2026-13-44T05:06:07Z"), None);
    }

    #[test]
    fn a_line_without_a_time_belongs_to_the_one_before() {
        let start = "2026-03-04T00:00:00Z".parse().unwrap();
        let lines = [
            "# log",
            "2026-03-03T23:59:59Z a",
            "  at b",
            "2026-03-04T00:00:00Z c",
            "  at d",
        ];
        assert_eq!(older(&lines, start), Some(vec![false, true, true, false, false]));
        assert_eq!(older(&["a", "b"], start), None);
    }
}
