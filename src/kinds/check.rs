//! A check of any kind: the object-safe twin of [`Kind`], so that the engine needs no list of kinds.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use serde_json::Value;

use crate::deployment::{Target, Unobserved};
use crate::outcome::{Effect, Finding};
use crate::suite::{Capture, Entries, Node, Problem, Spanned, Subject, decode_partly};

use super::{Gate, Kind};

/// A check of any kind, its table read and valid. See [`Kind`] for the functions.
pub trait Check {
    /// See [`Kind::effect`].
    fn effect(&self) -> Effect;
    /// See [`Kind::patience`].
    fn patience(&self) -> Duration;
    /// See [`Kind::expects_nothing`].
    fn expects_nothing(&self) -> bool;
    /// See [`Kind::gate`].
    fn gate(&self) -> Option<Gate>;
    /// See [`Kind::cookies_of`].
    fn cookies_of(&self) -> Option<&Spanned<String>>;
    /// See [`Kind::exports`].
    fn exports(&self) -> &'static [&'static str];
    /// See [`Kind::steps`].
    fn steps(&self) -> Vec<String>;
    /// Observes, judges, and captures what is wanted.
    fn examine<'a>(
        &'a self,
        target: &'a Target<'a>,
        wanted: &'a Entries<Capture>,
        keep_observation: bool,
    ) -> Pin<Box<dyn Future<Output = Result<Examination, Unobserved>> + 'a>>;
}

/// What one attempt of a check came to.
#[derive(Debug, Default)]
pub struct Examination {
    /// Every judged expectation, captures that found nothing among them.
    pub findings: Vec<Finding>,
    /// Values for later checks.
    pub captured: Vec<Captured>,
    /// What must not appear in any output, besides captured secrets.
    pub secrets: Vec<String>,
    /// What was observed, where that was asked for.
    pub observation: Option<Value>,
}

/// A value for later checks.
#[derive(Debug, Clone, PartialEq)]
pub struct Captured {
    /// `name` in `{{ check.name }}`.
    pub name: String,
    /// The value.
    pub value: Value,
    /// Whether it must not appear in any output.
    pub secret: bool,
}

struct Erased<K>(K);

/// A table that was read: as much of a check as is right, and everything that is wrong.
pub type Read = (Option<Box<dyn Check>>, Vec<Problem>);

pub(super) fn read<K: Kind>(node: &Node) -> Read {
    let (kind, mut problems) = decode_partly::<K>(node, K::GROUPS);
    if let Some(kind) = &kind {
        let structural = !problems.is_empty();
        // What is missing from the whole may only have been set aside.
        problems.extend(
            kind.mistakes()
                .into_iter()
                .filter(|found| !structural || found.span.is_some()),
        );
    }
    (kind.map(|kind| Box::new(Erased(kind)) as Box<dyn Check>), problems)
}

impl<K: Kind> Check for Erased<K> {
    fn effect(&self) -> Effect {
        self.0.effect()
    }

    fn patience(&self) -> Duration {
        self.0.patience()
    }

    fn expects_nothing(&self) -> bool {
        self.0.expects_nothing()
    }

    fn gate(&self) -> Option<Gate> {
        self.0.gate()
    }

    fn cookies_of(&self) -> Option<&Spanned<String>> {
        self.0.cookies_of()
    }

    fn exports(&self) -> &'static [&'static str] {
        self.0.exports()
    }

    fn steps(&self) -> Vec<String> {
        self.0.steps()
    }

    fn examine<'a>(
        &'a self,
        target: &'a Target<'a>,
        wanted: &'a Entries<Capture>,
        keep_observation: bool,
    ) -> Pin<Box<dyn Future<Output = Result<Examination, Unobserved>> + 'a>> {
        Box::pin(async move {
            let seen = self.0.observe(target).await?;
            let mut examination = Examination {
                findings: self.0.judge(&seen),
                secrets: self.0.secrets(&seen),
                ..Examination::default()
            };
            for export in self.0.export(&seen) {
                examination.captured.push(Captured {
                    name: export.name.to_owned(),
                    value: export.value,
                    secret: export.secret,
                });
            }
            if !wanted.is_empty() {
                capture(wanted, &self.0.subject(&seen), &mut examination);
            }
            if keep_observation {
                examination.observation = serde_json::to_value(&seen).ok();
            }
            Ok(examination)
        })
    }
}

fn capture(wanted: &Entries<Capture>, subject: &Subject<'_>, examination: &mut Examination) {
    for (name, capture) in wanted.iter() {
        match capture.from.find(subject) {
            Some(value) => {
                examination.captured.push(Captured {
                    name: name.clone(),
                    value,
                    secret: capture.secret,
                });
            }
            None => examination.findings.push(
                Finding::failed(
                    format!("capture {name}"),
                    format!("a value at {}", capture.from),
                    "nothing there",
                )
                .at(capture.span()),
            ),
        }
    }
}
