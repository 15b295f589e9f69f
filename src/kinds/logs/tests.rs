use super::*;
use crate::kinds::testing::{kind, lines, mistakes};

fn judged(table: &str, seen: &Seen) -> String {
    lines(&kind::<Logs>(table).judge(seen))
}

fn seen(lines: usize) -> Seen {
    Seen {
        files: 1,
        lines,
        ..Seen::default()
    }
}

const FILES: &str = "files = [\"a.log\"]\n";

#[test]
fn nothing_found_is_said_with_what_was_read() {
    let mut seen = seen(12);
    (seen.binary, seen.folders) = (2, 1);
    assert_eq!(
        judged(FILES, &seen),
        "passed what is written down: expected no secret, seen 12 lines (1 files, 2 binary files passed over, 1 folders \
         passed over)\n"
    );
}

#[test]
fn an_empty_log_proves_nothing() {
    let mut seen = seen(0);
    seen.errors = Hits::default();
    assert!(
        judged(&format!("{FILES}error_rate = 0.1"), &seen).starts_with("unclear lines: expected at least 1, seen 0")
    );
}

#[test]
fn a_pattern_without_a_file_is_unclear() {
    let mut seen = seen(3);
    seen.unmatched = vec![0];
    assert!(judged(FILES, &seen).starts_with("unclear a.log: expected a file, seen none"));
}

#[test]
fn the_error_rate_is_a_share_of_lines() {
    let table = format!("{FILES}error_rate = 0.01");
    let mut seen = seen(200);
    seen.errors.count = 2;
    assert!(judged(&table, &seen).starts_with("passed lines that are errors: expected at most 1 %, seen 1.00 %"));
    seen.errors.count = 3;
    assert!(judged(&table, &seen).starts_with("failed lines that are errors"));
}

#[test]
fn a_log_that_is_no_longer_written_fails() {
    let mut seen = seen(3);
    seen.age = Some(Duration::from_secs(3600));
    let table = format!("{FILES}fresh = \"10m\"");
    assert!(judged(&table, &seen).starts_with("failed the youngest file: expected written within 10m, seen 1h ago"));
}

#[test]
fn what_is_contradictory_is_a_mistake() {
    assert_eq!(mistakes::<Logs>("json = true"), ["nothing to read"]);
    assert_eq!(
        mistakes::<Logs>(&format!("{FILES}command = [\"true\"]")),
        ["`files` and `command` are two checks"]
    );
    assert_eq!(
        mistakes::<Logs>("command = [\"true\"]\nfresh = \"1m\""),
        ["`fresh` is about files"]
    );
    assert_eq!(
        mistakes::<Logs>(&format!("{FILES}error_rate = 5.0")),
        ["`error_rate` is a share: 0.01 is one line in a hundred"]
    );
    assert!(kind::<Logs>(&format!("{FILES}secrets = false")).expects_nothing());
}
