//! One check that did not pass, as a block: its name, the suite's lines, expected against seen, what to try.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

use super::super::text::{shorten, visible};
use super::Styles;
use crate::outcome::{Finding, Outcome, Place, Verdict};

/// Longer values lose their middle.
const LONGEST_VALUE: usize = 300;
/// A finding that is wider gets a line for each of its parts.
const WIDEST: usize = 120;
/// Columns are aligned up to this width; what is wider does not push the others away.
const WIDEST_COLUMN: usize = 36;

/// `FAILED  rls.user_owned   Users see only their own rows`.
pub(super) fn head(outcome: &Outcome, styles: Styles, several: bool) -> String {
    let word = match outcome.verdict {
        _ if outcome.warns() => styles.warning("WARNING"),
        verdict => styles.verdict(verdict, &format!("{:7}", verdict.to_string().to_uppercase())),
    };
    format!("{word} {}{}", super::label(&outcome.id, several), super::title(outcome))
}

/// The whole block, with a line end.
pub(in crate::report) fn block(outcome: &Outcome, styles: Styles, several: bool) -> String {
    let mut out = head(outcome, styles, several);
    out.push('\n');
    if let Some(asked) = &outcome.asked {
        let _ = writeln!(out, "  {}", visible(&shorten(asked, LONGEST_VALUE)));
    }
    if let Some(unobserved) = outcome
        .unobserved
        .clone()
        .or_else(|| outcome.skip.as_ref().map(ToString::to_string))
    {
        let reason = visible(&shorten(&unobserved, LONGEST_VALUE)).into_owned();
        let _ = writeln!(out, "  {}   {reason}", outcome.place.address());
    }
    if let Some(place) = &outcome.pack_place {
        let _ = writeln!(out, "  {}   {}", place.address(), place.text.trim());
    }
    let problems: Vec<&Finding> = outcome.problems().collect();
    if !problems.is_empty() {
        findings(&mut out, outcome, &problems);
    }
    attempts(&mut out, outcome);
    let mut hints: Vec<&str> = outcome.hint.as_deref().into_iter().collect();
    for hint in problems.iter().filter_map(|finding| finding.hint.as_deref()) {
        if !hints.contains(&hint) {
            hints.push(hint);
        }
    }
    for line in hints.into_iter().flat_map(hint_lines) {
        let _ = writeln!(out, "  {line}");
    }
    out
}

/// A hint may be several lines of SQL.
fn hint_lines(hint: &str) -> impl Iterator<Item = String> {
    let starts = ["try: "].into_iter().chain(std::iter::repeat("     "));
    starts
        .zip(hint.lines())
        .map(|(start, line)| format!("{start}{}", visible(line)))
}

/// Findings by the line of the suite that states them. One alone has a caret below its line; among several, lines are enough.
fn findings(out: &mut String, outcome: &Outcome, problems: &[&Finding]) {
    let mut groups: Vec<(&Place, Vec<&Finding>)> = Vec::new();
    for finding in problems {
        let place = finding.place.as_deref().unwrap_or(&outcome.place);
        match groups.last_mut() {
            Some((last, group)) if last.line == place.line && last.file == place.file => group.push(finding),
            _ => groups.push((place, vec![finding])),
        }
    }
    let columns = Columns::of(problems, outcome.verdict);
    let digits = groups
        .iter()
        .map(|(place, _)| place.line.to_string().len())
        .max()
        .unwrap_or(1);
    let gutter = format!("{:digits$} │", "", digits = digits + 2);
    let mut file = None;
    for (place, group) in &groups {
        if file != Some(&place.file) {
            let _ = writeln!(out, "  {}", place.address());
            file = Some(&place.file);
        }
        let indent = 2 + digits - place.line.to_string().len();
        let alone = problems.len() == 1 && problems[0].place.is_some();
        let quoted = if alone {
            place.quote(indent)
        } else {
            place.line_only(indent)
        };
        let _ = writeln!(out, "{quoted}");
        for finding in group {
            for line in columns.lines(finding) {
                let _ = writeln!(out, "{gutter} {line}");
            }
        }
    }
}

/// How wide `what` and `expected` are, so that findings stand below each other.
struct Columns {
    /// How the check as a whole ended: a finding that ended otherwise says so.
    whole: Verdict,
    what: usize,
    expected: usize,
}

/// The parts of a finding, short and safe.
fn parts(finding: &Finding, whole: Verdict) -> (String, String, String) {
    let part = |text: &str| visible(&shorten(text, LONGEST_VALUE)).into_owned();
    let mut what = part(&finding.what);
    if finding.verdict != whole {
        let _ = write!(what, " ({})", finding.verdict);
    }
    (what, part(&finding.expected), part(&finding.seen))
}

impl Columns {
    fn of(problems: &[&Finding], whole: Verdict) -> Self {
        let parts: Vec<_> = problems.iter().map(|finding| parts(finding, whole)).collect();
        let widest = |widths: &mut dyn Iterator<Item = usize>| widths.filter(|width| *width <= WIDEST_COLUMN).max();
        Self {
            whole,
            what: widest(&mut parts.iter().map(|part| part.0.width())).unwrap_or_default(),
            expected: widest(&mut parts.iter().map(|part| part.1.width())).unwrap_or_default(),
        }
    }

    fn lines(&self, finding: &Finding) -> Vec<String> {
        let (what, expected, seen) = parts(finding, self.whole);
        let padded = |text: &str, width: usize| format!("{text}{}", " ".repeat(width.saturating_sub(text.width())));
        let one = format!(
            "{}   expected: {}   seen: {seen}",
            padded(&what, self.what),
            padded(&expected, self.expected)
        );
        if one.width() <= WIDEST {
            vec![one]
        } else {
            vec![what, format!("  expected: {expected}"), format!("      seen: {seen}")]
        }
    }
}

/// What the earlier attempts said, where there were several.
fn attempts(out: &mut String, outcome: &Outcome) {
    let [earlier @ .., _] = &outcome.attempts[..] else {
        return;
    };
    if earlier.is_empty() {
        return;
    }
    let total = outcome.attempts.len();
    let last = outcome.attempts.last().map(|attempt| attempt.reason.as_str());
    let mut reasons: Vec<&str> = Vec::new();
    for attempt in earlier {
        if !reasons.contains(&attempt.reason.as_str()) {
            reasons.push(&attempt.reason);
        }
    }
    if reasons.len() == 1 && reasons.first().copied() == last {
        let _ = writeln!(out, "  {total} attempts, all of them so");
    } else {
        let reasons: Vec<_> = reasons
            .iter()
            .map(|reason| visible(&shorten(reason, LONGEST_VALUE)).into_owned())
            .collect();
        let _ = writeln!(out, "  {total} attempts; before: {}", reasons.join("; "));
    }
}

/// `FLAKY   http.health   …` and what the earlier attempts said.
pub(super) fn flaky(outcome: &Outcome, styles: Styles, several: bool) -> String {
    let mut out = format!(
        "{} {}{}\n",
        styles.warning("FLAKY  "),
        super::label(&outcome.id, several),
        super::title(outcome)
    );
    let total = outcome.attempts.len();
    let _ = writeln!(out, "  {}   passed only at attempt {total}", outcome.place.address());
    for (number, attempt) in (1..total).zip(&outcome.attempts) {
        let reason = visible(&shorten(&attempt.reason, LONGEST_VALUE)).into_owned();
        let _ = writeln!(out, "  attempt {number}: {reason}");
    }
    out
}
