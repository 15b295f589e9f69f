use std::cell::RefCell;
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;
use std::rc::Rc;
use std::time::Duration;

use indicatif::ProgressDrawTarget;
use proptest::prelude::*;
use quick_xml::events::Event as Xml;

use super::terminal::{Live, Plain, Styles};
use super::*;
use crate::outcome::{Finding, Outcome, Run, Skip, Verdict};

/// What a report wrote, still readable when the report is gone.
#[derive(Clone, Default)]
struct Paper(Rc<RefCell<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Paper {
    fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

fn plain(run: &Run, order: impl IntoIterator<Item = usize>, styles: Styles) -> String {
    let paper = Paper::default();
    let reports = vec!["reports/prod/junit.xml".to_owned()];
    fixture::play(run, order, &mut Plain::new(Box::new(paper.clone()), styles, reports));
    paper.text()
}

fn live(run: &Run, order: impl IntoIterator<Item = usize>) -> String {
    let paper = Paper::default();
    let target = ProgressDrawTarget::hidden();
    let mut report = Live::new(Box::new(paper.clone()), target, Styles::plain(), Vec::new());
    fixture::play(run, order, &mut report);
    paper.text()
}

fn junit(run: &Run) -> String {
    let mut out = Vec::new();
    junit::render(run, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn forms_are_unique_and_described() {
    for form in FORMS {
        assert_eq!(
            FORMS
                .iter()
                .filter(|other| other.name == form.name || other.file == form.file)
                .count(),
            1
        );
        assert!(!form.about.is_empty() && !form.about.contains('\n') && !form.about.ends_with('.'));
        assert!(super::form(form.name).is_some());
    }
    assert!(super::form("nonsense").is_none());
}

#[test]
fn every_form_writes_its_file_when_the_run_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = fixture::run();
    run.interrupted = true;
    for form in FORMS {
        let path = folder.path().join("reports").join(form.file);
        fixture::play(&run, 0..run.outcomes.len(), &mut *(form.to)(path.clone()));
        assert!(path.metadata().unwrap().len() > 1_000, "{}", form.name);
    }
}

#[test]
fn plain_terminal() {
    let run = fixture::run();
    insta::assert_snapshot!(plain(&run, 0..run.outcomes.len(), Styles::plain()));
}

#[test]
fn live_terminal() {
    let run = fixture::run();
    insta::assert_snapshot!(live(&run, 0..run.outcomes.len()));
}

#[test]
fn plain_lines_do_not_depend_on_who_finished_first() {
    let run = fixture::run();
    let forwards = plain(&run, 0..run.outcomes.len(), Styles::plain());
    assert_eq!(plain(&run, (0..run.outcomes.len()).rev(), Styles::plain()), forwards);
}

#[test]
fn a_line_is_printed_as_soon_as_those_before_it_are() {
    let run = fixture::run();
    let checks = fixture::planned(&run);
    let paper = Paper::default();
    let mut report = Plain::new(Box::new(paper.clone()), Styles::plain(), Vec::new());
    let mut finish = |check: usize| {
        let outcome = &run.outcomes[check];
        report
            .on(crate::outcome::Event::CheckFinished { check, outcome })
            .unwrap();
        paper.text().lines().count()
    };
    assert_eq!(finish(0), 0, "an event before the start is survived");
    let environment = "prod";
    report
        .on(crate::outcome::Event::RunStarted {
            environment,
            checks: &checks,
        })
        .unwrap();
    let mut finish = |check: usize| {
        let outcome = &run.outcomes[check];
        report
            .on(crate::outcome::Event::CheckFinished { check, outcome })
            .unwrap();
        paper.text().lines().count()
    };
    assert_eq!([finish(1), finish(0), finish(3), finish(2)], [1, 3, 3, 5]);
}

#[test]
fn colours_are_around_the_text_and_change_nothing_else() {
    let run = fixture::run();
    let colored = plain(&run, 0..run.outcomes.len(), Styles::colored());
    assert!(colored.contains("\u{1b}[1m\u{1b}[31mFAILED "), "{colored:?}");
    assert_eq!(
        text::without_ansi(&colored),
        plain(&run, 0..run.outcomes.len(), Styles::plain())
    );
}

#[test]
fn nothing_from_the_server_drives_the_terminal() {
    let run = fixture::run();
    let shown = plain(&run, 0..run.outcomes.len(), Styles::plain()) + &live(&run, 0..run.outcomes.len());
    assert!(
        !shown.chars().any(|char| char.is_control() && char != '\n'),
        "{shown:?}"
    );
}

#[test]
fn small_runs() {
    let mut run = fixture::run();
    run.outcomes
        .retain(|outcome| outcome.verdict == Verdict::Passed && !outcome.flaky());
    run.slowest_chain = vec![fixture::id("http.health")];
    run.duration = Duration::from_millis(32);
    let green = plain(&run, 0..run.outcomes.len(), Styles::plain());
    insta::assert_snapshot!("green", green);

    run.outcomes.iter_mut().for_each(|outcome| {
        outcome.verdict = Verdict::Skipped;
        outcome.skip = Some(Skip::Interrupted);
    });
    run.slowest_chain.clear();
    let nothing = plain(&run, 0..run.outcomes.len(), Styles::plain());
    run.interrupted = true;
    let interrupted = plain(&run, 0..run.outcomes.len(), Styles::plain());
    insta::assert_snapshot!("nothing", nothing + "\n--- and interrupted\n" + &interrupted);
}

#[test]
fn a_gate_that_did_not_open_and_two_suites() {
    let mut run = fixture::run();
    run.outcomes.truncate(3);
    let gate = fixture::id("ready.api");
    run.outcomes[0].verdict = Verdict::Unclear;
    run.outcomes[0].unobserved = Some("not ready after 3m: connection refused".into());
    for outcome in &mut run.outcomes[1..] {
        outcome.verdict = Verdict::Skipped;
        outcome.skip = Some(Skip::NotReady { gate: gate.clone() });
    }
    run.outcomes[2].id.suite = "web".into();
    run.suites.push(crate::outcome::SuiteTitle {
        name: "web".into(),
        title: "web".into(),
    });
    run.slowest_chain.clear();
    insta::assert_snapshot!(plain(&run, 0..3, Styles::plain()));
}

#[test]
fn junit_document() {
    insta::assert_snapshot!(junit(&fixture::run()).replace("><", ">\n<"));
}

#[test]
fn json_document() {
    let run = fixture::run();
    let mut out = Vec::new();
    json::render(&run, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(json::read(&text).unwrap(), run);
    insta::assert_snapshot!(text.replace(env!("CARGO_PKG_VERSION"), "VERSION"));

    assert!(json::read("{\"format\": 99}").unwrap_err().contains("update smoke"));
    assert!(
        json::read("[]")
            .unwrap_err()
            .starts_with("this is no JSON report of smoke")
    );
}

/// Classname, name, and the text below of every case; fails where the document is not well-formed.
fn cases(xml: &str) -> Result<Vec<(String, String, String)>, String> {
    let mut reader = quick_xml::Reader::from_str(xml);
    let mut cases = Vec::new();
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Xml::Start(tag) | Xml::Empty(tag) => {
                let mut attributes = std::collections::HashMap::new();
                for attribute in tag.attributes() {
                    let attribute = attribute.map_err(|error| error.to_string())?;
                    let value = String::from_utf8(attribute.value.to_vec()).map_err(|error| error.to_string())?;
                    let value = quick_xml::escape::unescape(&value)
                        .map_err(|error| error.to_string())?
                        .into_owned();
                    attributes.insert(attribute.key.as_ref().to_vec(), value);
                }
                if tag.name().as_ref() == b"testcase" {
                    let mut take = |name: &[u8]| attributes.remove(name).ok_or_else(|| format!("{name:?} is missing"));
                    cases.push((take(b"classname")?, take(b"name")?, String::new()));
                }
            }
            Xml::CData(data) => {
                if let Some(case) = cases.last_mut() {
                    case.2 += str::from_utf8(&data).map_err(|error| error.to_string())?;
                }
            }
            Xml::Eof => return Ok(cases),
            _ => {}
        }
    }
}

/// What `xmllint` says of `xml`; `SMOKE_XSD` names the folder of the schemas.
fn validate(schema: &str, xml: &str) -> Option<(bool, String)> {
    let schema = Path::new(&std::env::var_os("SMOKE_XSD")?).join(schema);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("junit.xml");
    std::fs::write(&path, xml).unwrap();
    let done = Command::new("xmllint")
        .args(["--noout", "--schema"])
        .arg(schema)
        .arg(path)
        .output();
    let done = done.expect("xmllint is installed");
    Some((
        done.status.success(),
        String::from_utf8_lossy(&done.stderr).into_owned(),
    ))
}

/// As Jenkins reads it, where `SMOKE_XSD` is set (CI sets it).
#[test]
fn junit_holds_the_schema() {
    let mut hostile = fixture::run();
    hostile.environment = "\u{1}<&\">\u{1b}[0m]]>\u{ffff}\n".into();
    hostile.duration = Duration::from_nanos(1_999_999_999);
    for outcome in &mut hostile.outcomes {
        outcome.duration = Duration::from_nanos(16_100_499_999);
    }
    for run in [fixture::run(), hostile] {
        if let Some((valid, said)) = validate("jenkins-junit-10.xsd", &junit(&run)) {
            assert!(valid, "{said}");
        }
    }
}

#[test]
fn junit_keeps_what_a_cdata_end_would_cut_off() {
    let cases = cases(&junit(&fixture::run())).unwrap();
    let hostile = cases.iter().find(|case| case.1 == "hostile").unwrap();
    assert!(hostile.2.contains("seen: <b>]]></b>\n\u{fffd}ää"), "{}", hostile.2);
}

#[test]
fn junit_cases_are_unique() {
    let mut run = fixture::run();
    let again = run.outcomes.clone();
    run.outcomes.extend(again.clone());
    run.outcomes.extend(again);
    let mut cases: Vec<_> = cases(&junit(&run))
        .unwrap()
        .into_iter()
        .map(|case| (case.0, case.1))
        .collect();
    let total = cases.len();
    cases.sort();
    cases.dedup();
    assert_eq!((cases.len(), total), (run.outcomes.len(), run.outcomes.len()));
}

proptest! {
    #[test]
    fn any_text_makes_a_good_report(texts in prop::collection::vec(any::<String>(), 8), width in 0_usize..99) {
        let mut run = fixture::run();
        let finding = Finding::failed(&*texts[0], &*texts[1], &*texts[2]).hint(&*texts[3]);
        for outcome in &mut run.outcomes {
            outcome.findings.push(finding.clone());
            outcome.title.clone_from(&texts[4]);
            outcome.id.name += &texts[5];
            outcome.attempts.iter_mut().for_each(|attempt| attempt.reason.clone_from(&texts[6]));
            outcome.place.width = width + 1;
        }
        run.outcomes[4].unobserved = Some(texts[7].clone());
        run.environment.clone_from(&texts[7]);
        prop_assert_eq!(cases(&junit(&run)).unwrap().len(), run.outcomes.len());
        let shown = plain(&run, 0..run.outcomes.len(), Styles::plain()) + &live(&run, 0..run.outcomes.len());
        prop_assert!(!shown.chars().any(|char| char.is_control() && char != '\n'), "{:?}", shown);
        let mut out = Vec::new();
        json::render(&run, &mut out).unwrap();
        prop_assert_eq!(json::read(str::from_utf8(&out).unwrap()).unwrap(), run);
    }

    #[test]
    fn times_have_milliseconds(seconds in 0_u64..200_000, nanos in 0_u32..1_000_000_000) {
        let mut run = fixture::run();
        run.outcomes.truncate(1);
        run.outcomes[0].duration = Duration::new(seconds, nanos);
        let xml = junit(&run);
        for time in xml.split(" time=\"").skip(1) {
            let time = time.split('"').next().unwrap();
            prop_assert!(time.split_once('.').is_none_or(|(_, decimals)| decimals.len() <= 3), "{}", time);
        }
    }
}

#[test]
fn an_outcome_without_anything_is_survived() {
    let mut run = fixture::run();
    run.outcomes
        .retain(|outcome: &Outcome| outcome.verdict == Verdict::Failed);
    for outcome in &mut run.outcomes {
        outcome.findings.clear();
        outcome.attempts.clear();
    }
    assert_eq!(cases(&junit(&run)).unwrap().len(), run.outcomes.len());
    plain(&run, [], Styles::plain());
}
