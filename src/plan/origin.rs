//! Where the text of a check stands: in a suite, or in a pack that a suite uses.

use std::ops::Range;
use std::rc::Rc;

use crate::outcome::Place;
use crate::suite::{Mistake, Problem, Source};

/// The file that a check is written in and, if that is a pack, the use that brought it.
#[derive(Debug)]
pub struct Origin {
    source: Rc<Source>,
    brought: Option<Brought>,
}

#[derive(Debug)]
struct Brought {
    /// `[use.NAME]`, and the suite.
    name: String,
    suite: Rc<Source>,
    header: Place,
    /// Bytes of the pack that mention a parameter, with the bytes of the suite that give its value.
    given: Vec<(Range<usize>, Range<usize>)>,
}

impl Origin {
    /// A suite.
    pub(super) fn suite(source: Rc<Source>) -> Self {
        Self { source, brought: None }
    }

    /// The pack `source`, brought by `[use.NAME]` at `header` of `suite`.
    pub(super) fn pack(
        source: Rc<Source>,
        name: String,
        suite: Rc<Source>,
        header: Place,
        given: Vec<(Range<usize>, Range<usize>)>,
    ) -> Self {
        let brought = Some(Brought {
            name,
            suite,
            header,
            given,
        });
        Self { source, brought }
    }

    /// The place in the suite that decides about what stands at `span`: for a pack the value given to the parameter
    /// there, or else the header of the use.
    #[must_use]
    pub fn place(&self, span: &Range<usize>) -> Place {
        match &self.brought {
            None => self.source.place(span),
            Some(brought) => match brought.given(span) {
                Some(given) => brought.suite.place(given),
                None => brought.header.clone(),
            },
        }
    }

    /// The file.
    pub(super) fn source(&self) -> Rc<Source> {
        Rc::clone(&self.source)
    }

    /// The place in the suite, for bytes of the suite.
    pub(super) fn outer_place(&self, span: &Range<usize>) -> Place {
        let source = self.brought.as_ref().map_or(&self.source, |brought| &brought.suite);
        source.place(span)
    }

    /// The header of the check whose name stands at `name`: the line from its bracket on.
    pub(super) fn header(&self, name: &Range<usize>) -> Place {
        header(&self.source, name)
    }

    /// The header of the use, if there is one.
    pub(super) fn used_at(&self) -> Option<&Place> {
        self.brought.as_ref().map(|brought| &brought.header)
    }

    /// `problem` in the file; one without a place of its own stands at `otherwise`. In a pack, what is wrong with the value
    /// of a parameter stands where the suite gives it; for the rest it is said which use brought it.
    pub(super) fn mistake(&self, problem: Problem, otherwise: &Range<usize>) -> Mistake {
        let Some(brought) = &self.brought else {
            return Mistake::of(problem, &self.source, otherwise);
        };
        let span = problem.span.clone().unwrap_or_else(|| otherwise.clone());
        if let Some(given) = brought.given(&span) {
            let problem = Problem { span: None, ..problem };
            return Mistake::of(problem, &brought.suite, given);
        }
        let mut mistake = Mistake::of(problem, &self.source, otherwise);
        let (name, header) = (&brought.name, &brought.header);
        mistake.message += &format!(" (brought by [use.{name}], {}:{})", header.file, header.line);
        mistake
    }
}

impl Brought {
    fn given(&self, span: &Range<usize>) -> Option<&Range<usize>> {
        let found = self
            .given
            .iter()
            .find(|(inner, _)| inner.start <= span.start && span.end <= inner.end);
        found.map(|(_, given)| given)
    }
}

/// The header's line, from its bracket on.
pub(super) fn header(source: &Source, name: &Range<usize>) -> Place {
    let start = source.text[..name.start].rfind('\n').map_or(0, |at| at + 1);
    let line = &source.text[start..];
    let end = start + line.find('\n').unwrap_or(line.len());
    source.place(&(start..end))
}
