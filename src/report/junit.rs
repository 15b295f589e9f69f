//! The XML of `JUnit`, as CI servers read it: a suite is a `testsuite`, a check a `testcase`.
//!
//! failed is `<failure>`, unclear is `<error>`, skipped is `<skipped>`; a check that only warns is passed, with the warning in
//! its output. Servers keep one of two cases with the same classname and name, so these are made unique.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use junit_report::{OffsetDateTime, Report as Document, TestCase, TestCaseBuilder, TestSuite};

use super::text::{shorten, without_ansi};
use super::{Form, file, text};
use crate::outcome::{Event, Finding, Outcome, Report, Run, Skip, SuiteTitle, Verdict};

/// The form `junit`.
pub const FORM: Form = Form {
    name: "junit",
    about: "JUnit XML for CI servers: one case a check; failure, error and skipped told apart",
    file: "junit.xml",
    observations: false,
    to: |path| Box::new(Junit { path }),
};

/// A message is shown in lists, a value in a page of its own.
const LONGEST_MESSAGE: usize = 500;
const LONGEST_VALUE: usize = 10_000;

struct Junit {
    path: PathBuf,
}

impl Report for Junit {
    fn on(&mut self, event: Event<'_>) -> io::Result<()> {
        match event {
            Event::RunFinished { run } => file::write(&self.path, |out| render(run, out)),
            _ => Ok(()),
        }
    }
}

/// Writes the document.
pub fn render(run: &Run, out: &mut dyn Write) -> io::Result<()> {
    let mut report = Document::new();
    report.add_testsuites(run.suites.iter().map(|suite| test_suite(run, suite)));
    report.write_xml(&mut *out).map_err(io::Error::other)?;
    out.write_all(b"\n")
}

fn test_suite(run: &Run, suite: &SuiteTitle) -> TestSuite {
    let mut taken = HashSet::new();
    let cases = run.outcomes.iter().filter(|outcome| outcome.id.suite == suite.name);
    let mut made = TestSuite::new(&line(&format!("{} ({})", suite.name, run.environment)));
    made.set_timestamp(timestamp(&run.started_at));
    made.add_testcases(cases.map(|outcome| test_case(outcome, &mut taken)));
    made.package = line(&suite.name);
    made
}

fn test_case(outcome: &Outcome, taken: &mut HashSet<(String, String)>) -> TestCase {
    let classname = line(&format!("{}.{}", outcome.id.suite, outcome.id.kind));
    let name = unique(&classname, &line(&case_name(outcome)), taken);
    let time = rounded(outcome.duration);
    let message = line(&shorten(&outcome.reason(), LONGEST_MESSAGE));
    let mut case = match (outcome.verdict, outcome.warns()) {
        (Verdict::Passed, _) | (_, true) => TestCaseBuilder::success(&name, time),
        (Verdict::Failed, false) => TestCaseBuilder::failure(&name, time, "failed", &message),
        (Verdict::Unclear, false) => TestCaseBuilder::error(&name, time, "unclear", &message),
        (Verdict::Skipped, false) => TestCaseBuilder::skipped_with_cause(&name, why(outcome.skip.as_ref()), &message),
    };
    case.set_classname(&classname);
    if matches!(outcome.verdict, Verdict::Failed | Verdict::Unclear) && !outcome.warns() {
        case.set_trace(&block(&details(outcome)));
    }
    let output = output(outcome);
    if !output.is_empty() {
        case.set_system_out(&block(&output));
    }
    // `build` would copy it.
    case.testcase
}

fn case_name(outcome: &Outcome) -> String {
    if outcome.title.is_empty() {
        outcome.id.name.clone()
    } else {
        format!("{}: {}", outcome.id.name, outcome.title)
    }
}

fn unique(classname: &str, name: &str, taken: &mut HashSet<(String, String)>) -> String {
    let mut candidate = name.to_owned();
    let mut number = 1;
    while !taken.insert((classname.to_owned(), candidate.clone())) {
        number += 1;
        candidate = format!("{name} #{number}");
    }
    candidate
}

fn why(skip: Option<&Skip>) -> &'static str {
    match skip {
        Some(Skip::Declared { .. }) => "declared",
        Some(Skip::When { .. }) => "when",
        Some(Skip::NotAllowed { .. }) => "not allowed",
        Some(Skip::Needs { .. }) => "needs",
        Some(Skip::NotReady { .. }) => "not ready",
        Some(Skip::FailFast) => "fail fast",
        Some(Skip::Interrupted) => "interrupted",
        None => "skipped",
    }
}

/// Where the check stands, and everything that did not hold.
fn details(outcome: &Outcome) -> String {
    let mut lines = vec![outcome.place.address(), outcome.place.line_only(2)];
    if let Some(place) = &outcome.pack_place {
        lines.push(format!("{}   {}", place.address(), place.text.trim()));
    }
    lines.extend(outcome.asked.clone());
    lines.extend(outcome.unobserved.clone());
    lines.extend(outcome.hint.iter().map(|hint| try_line(hint)));
    let mut quoted = None;
    for finding in outcome.problems() {
        lines.push(String::new());
        if let Some(place) = &finding.place
            && quoted != Some(place)
        {
            lines.push(place.address());
            lines.push(place.quote(2));
            quoted = Some(place);
        }
        lines.extend(problem(finding));
    }
    lines.join("\n")
}

fn problem(finding: &Finding) -> Vec<String> {
    let unclear = if finding.verdict == Verdict::Unclear {
        " (unclear)"
    } else {
        ""
    };
    let mut lines = vec![
        format!("{}{unclear}", finding.what),
        format!("  expected: {}", shorten(&finding.expected, LONGEST_VALUE)),
        format!("      seen: {}", shorten(&finding.seen, LONGEST_VALUE)),
    ];
    lines.extend(finding.hint.iter().map(|hint| try_line(hint)));
    lines
}

fn try_line(hint: &str) -> String {
    format!("  try: {}", hint.replace('\n', "\n       "))
}

/// What a server shows below a case of any verdict: a warning, and the attempts where there were several.
fn output(outcome: &Outcome) -> String {
    let mut lines = Vec::new();
    if outcome.warns() {
        lines.push(format!("WARNING: {}", outcome.verdict));
        lines.push(details(outcome));
    }
    let total = outcome.attempts.len();
    if total > 1 {
        let end = if outcome.flaky() { "flaky: " } else { "" };
        lines.push(format!(
            "{end}{total} attempts, {} in all",
            text::duration(outcome.duration)
        ));
        for (number, attempt) in (1..).zip(&outcome.attempts) {
            let reason = if attempt.reason.is_empty() { "" } else { ": " };
            lines.push(format!(
                "attempt {number} of {total}: {} after {}{reason}{}",
                attempt.verdict,
                text::duration(attempt.duration),
                attempt.reason
            ));
        }
    }
    lines.join("\n")
}

/// Milliseconds: the schema takes three decimals.
fn rounded(duration: Duration) -> junit_report::Duration {
    let millis = (duration + Duration::from_micros(500)).as_millis();
    junit_report::Duration::milliseconds(i64::try_from(millis).unwrap_or(i64::MAX))
}

fn timestamp(started_at: &str) -> OffsetDateTime {
    let started: Timestamp = started_at.parse().unwrap_or_default();
    OffsetDateTime::from_unix_timestamp(started.as_second()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// For an attribute: on one line.
fn line(text: &str) -> String {
    let text = xml_chars(text);
    if text.contains(['\n', '\t']) {
        text.replace(['\n', '\t'], " ")
    } else {
        text.into_owned()
    }
}

/// For a CDATA section: `]]>` would end it, so it is divided among two.
fn block(text: &str) -> String {
    xml_chars(text).replace("]]>", "]]]]><![CDATA[>")
}

/// Without what XML 1.0 does not allow, even escaped.
fn xml_chars(text: &str) -> Cow<'_, str> {
    let allowed = |char| matches!(char, '\n' | '\t' | '\u{20}'..='\u{fffd}' | '\u{1_0000}'..);
    if text.chars().all(allowed) {
        return Cow::Borrowed(text);
    }
    let text = without_ansi(text).replace("\r\n", "\n");
    text.chars()
        .map(|char| match char {
            '\r' => '\n',
            _ if allowed(char) => char,
            _ => char::REPLACEMENT_CHARACTER,
        })
        .collect()
}
