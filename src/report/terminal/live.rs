//! The terminal report for a person who watches: a line for each running check, failures above them as they happen.

use std::collections::HashMap;
use std::io::{self, Write};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::super::text::{shorten, visible};
use super::{Styles, blocks, summary};
use crate::outcome::{Event, Outcome, Planned, Report, Verdict};

/// More lines than a small terminal has would be drawn over each other; the rest is counted in the line below.
const MOST_LINES: usize = 12;
const TICK: Duration = Duration::from_millis(100);
/// Of a title or reason beside a spinner.
const LONGEST: usize = 60;

/// Lines for running checks on `target`; what stays goes to `out`.
pub struct Live {
    out: Box<dyn Write>,
    styles: Styles,
    reports: Vec<String>,
    bars: MultiProgress,
    total: ProgressBar,
    checks: Vec<Planned>,
    shown: HashMap<usize, ProgressBar>,
    running: usize,
    failed: usize,
    several: bool,
}

impl Live {
    /// Draws on `target`, writes to `out` (both are the terminal); `reports` are the files that the run writes.
    #[must_use]
    pub fn new(out: Box<dyn Write>, target: ProgressDrawTarget, styles: Styles, reports: Vec<String>) -> Self {
        Self {
            out,
            styles,
            reports,
            bars: MultiProgress::with_draw_target(target),
            total: ProgressBar::hidden(),
            checks: Vec::new(),
            shown: HashMap::new(),
            running: 0,
            failed: 0,
            several: false,
        }
    }

    fn start(&mut self, environment: &str, checks: &[Planned]) {
        self.checks = checks.to_vec();
        self.several = checks.iter().any(|check| check.id.suite != checks[0].id.suite);
        let bar =
            ProgressBar::new(checks.len() as u64).with_style(style("{prefix}: {pos} of {len} checks{msg}  {elapsed}"));
        self.total = self.bars.add(bar.with_prefix(visible(environment).into_owned()));
        self.total.enable_steady_tick(TICK);
    }

    fn begin(&mut self, check: usize) {
        self.running += 1;
        if let Some(planned) = self.checks.get(check)
            && self.shown.len() < MOST_LINES
        {
            let bar = ProgressBar::new_spinner().with_style(style("{spinner} {prefix}  {elapsed}  {msg}"));
            let bar = bar.with_prefix(super::label(&planned.id, self.several));
            let bar = self.bars.insert_before(&self.total, bar);
            bar.set_message(visible(&shorten(&planned.title, LONGEST)).into_owned());
            bar.enable_steady_tick(TICK);
            self.shown.insert(check, bar);
        }
        self.count();
    }

    fn finish(&mut self, check: usize, outcome: &Outcome) -> io::Result<()> {
        // A skipped check never began.
        self.running -= usize::from(outcome.verdict != Verdict::Skipped && self.running > 0);
        if let Some(bar) = self.shown.remove(&check) {
            bar.finish_and_clear();
            self.bars.remove(&bar);
        }
        self.total.inc(1);
        if matches!(outcome.verdict, Verdict::Failed | Verdict::Unclear) {
            self.failed += usize::from(!outcome.warns());
            let line = blocks::head(outcome, self.styles, self.several);
            let reason = format!("  {}", visible(&shorten(&outcome.reason(), 200)));
            let out = &mut self.out;
            self.bars.suspend(|| {
                writeln!(out, "{line}\n{reason}")?;
                out.flush()
            })?;
        }
        self.count();
        Ok(())
    }

    fn count(&self) {
        let mut message = format!(", {} running", self.running);
        if self.failed > 0 {
            message += ", ";
            message += &self
                .styles
                .verdict(Verdict::Failed, &format!("{} not passed", self.failed));
        }
        self.total.set_message(message);
    }
}

/// A template that is wrong is a mistake in this file; a test draws each of them.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

impl Report for Live {
    fn on(&mut self, event: Event<'_>) -> io::Result<()> {
        match event {
            Event::RunStarted { environment, checks } => self.start(environment, checks),
            Event::CheckStarted { check } => self.begin(check),
            Event::AttemptFailed { check, attempt } => {
                if let Some(bar) = self.shown.get(&check) {
                    bar.set_message(format!("again: {}", visible(&shorten(&attempt.reason, LONGEST))));
                }
            }
            Event::CheckFinished { check, outcome } => self.finish(check, outcome)?,
            Event::RunFinished { run } => {
                self.shown.clear();
                self.total.finish_and_clear();
                self.bars.clear()?;
                writeln!(self.out)?;
                summary::write(&mut *self.out, run, self.styles, &self.reports)?;
                self.out.flush()?;
            }
        }
        Ok(())
    }
}
