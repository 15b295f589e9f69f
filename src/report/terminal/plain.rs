//! The terminal report for pipes, files and CI: only lines, and the same lines in the same order whenever the checks end
//! the same way.

use std::io::{self, Write};

use super::super::text::{count, visible};
use super::{Styles, summary};
use crate::outcome::{Event, Outcome, Planned, Report, Verdict};

/// A line a check in the order of the suites, each as soon as those before it are there; then the summary.
pub struct Plain {
    out: Box<dyn Write>,
    styles: Styles,
    reports: Vec<String>,
    /// The line of each check, once it has one.
    lines: Vec<Option<String>>,
    printed: usize,
    several: bool,
    width: usize,
}

impl Plain {
    /// Writes to `out`; `reports` are the files that the run writes, for the last lines.
    #[must_use]
    pub fn new(out: Box<dyn Write>, styles: Styles, reports: Vec<String>) -> Self {
        Self {
            out,
            styles,
            reports,
            lines: Vec::new(),
            printed: 0,
            several: false,
            width: 0,
        }
    }

    fn start(&mut self, environment: &str, checks: &[Planned]) -> io::Result<()> {
        self.lines = vec![None; checks.len()];
        self.several = checks.iter().any(|check| check.id.suite != checks[0].id.suite);
        let width = |check: &Planned| super::label(&check.id, self.several).chars().count();
        self.width = checks.iter().map(width).max().unwrap_or_default();
        writeln!(self.out, "{}: {}", visible(environment), count(checks.len(), "check"))?;
        self.out.flush()
    }

    fn finish(&mut self, check: usize, outcome: &Outcome) -> io::Result<()> {
        let line = self.line(outcome);
        if let Some(slot) = self.lines.get_mut(check) {
            *slot = Some(line);
        }
        while let Some(Some(line)) = self.lines.get(self.printed) {
            writeln!(self.out, "{line}")?;
            self.printed += 1;
        }
        self.out.flush()
    }

    /// Without durations: those differ from run to run.
    fn line(&self, outcome: &Outcome) -> String {
        let word = if outcome.warns() {
            self.styles.warning("warning")
        } else if outcome.flaky() {
            self.styles.warning("flaky  ")
        } else {
            self.styles.verdict(outcome.verdict, &format!("{:7}", outcome.verdict))
        };
        let label = super::label(&outcome.id, self.several);
        let rest = match outcome.verdict {
            Verdict::Skipped => format!("   {}", visible(&outcome.reason())),
            _ => super::title(outcome),
        };
        format!("{word}  {label:width$}{rest}", width = self.width)
            .trim_end()
            .to_owned()
    }
}

impl Report for Plain {
    fn on(&mut self, event: Event<'_>) -> io::Result<()> {
        match event {
            Event::RunStarted { environment, checks } => self.start(environment, checks),
            Event::CheckFinished { check, outcome } => self.finish(check, outcome),
            Event::RunFinished { run } => {
                // Whatever a run that ended early left without an outcome does not hold the others back.
                for line in self.lines[self.printed..].iter().flatten() {
                    writeln!(self.out, "{line}")?;
                }
                writeln!(self.out)?;
                summary::write(&mut *self.out, run, self.styles, &self.reports)?;
                self.out.flush()
            }
            Event::CheckStarted { .. } | Event::AttemptFailed { .. } => Ok(()),
        }
    }
}
