//! Keeps secrets out of everything that leaves the process.
//!
//! [`Secrets`] learns values as they become known and replaces each of them by `***`, however it is written: raw,
//! percent-encoded, JSON-, Rust- or HTML-escaped, in base64 (also inside longer base64), in hex, or cut off at the end of a
//! text. What looks like a credential (a JWT, the password of a URL, a live key) is masked even where nobody registered it.
//!
//! Escapes are not enumerated but undone: the text is searched as it stands and again after up to three rounds of unescaping,
//! and what is found there is masked in the original.

mod decode;
mod forms;
mod generic;
mod guessed;
mod leaked;
mod search;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use guessed::{GUESSED, is_guessed};
pub use leaked::{Leaked, Place, Sought};
use search::Tiers;

/// What stands in place of a secret.
pub const MASK: &str = "***";

/// A value shorter than this is not masked: it would shred every number and word of a report, and what is that short is
/// guessed faster than it is read.
pub const SHORTEST: usize = 4;

/// The secrets of a run. Clones share what they know.
#[derive(Clone, Default)]
pub struct Secrets {
    known: Arc<Mutex<Tiers>>,
}

impl Secrets {
    /// Knows no secret yet; still masks what looks like one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Learns a secret and what follows from it: its trimmed form, its lines, the password in a URL or DSN, the segments of a
    /// JWT. Values of fewer than [`SHORTEST`] characters are ignored.
    pub fn add(&self, value: &str) {
        let mut known = self.lock();
        for secret in forms::derived(value) {
            for form in forms::of(&secret) {
                known.add(form);
            }
        }
    }

    /// The text with every secret replaced by [`MASK`].
    #[must_use]
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if text.len() < SHORTEST {
            return Cow::Borrowed(text);
        }
        let mut known = self.lock();
        known.settle();
        let mut text = Cow::Borrowed(text);
        // What is left and right of a mask can be a secret together with it, so until nothing more is found. Each round
        // leaves fewer characters that are not the mask's.
        loop {
            let found = ranges(&known, &text);
            if found.is_empty() {
                return text;
            }
            text = Cow::Owned(masked(&text, &found));
        }
    }

    /// Redacts in place; for `Outcome::each_text`.
    pub fn scrub(&self, text: &mut String) {
        if let Cow::Owned(clean) = self.redact(text) {
            *text = clean;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Tiers> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(***)")
    }
}

/// What to mask: sorted, disjoint, on character boundaries, and not the mask itself.
fn ranges(known: &Tiers, text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    known.scan(text.as_bytes(), |range| found.push(range));
    let rounds = if text.len() <= decode::LARGE { decode::ROUNDS } else { 2 };
    decode::each_view(text.as_bytes(), rounds, &mut |view| {
        known.scan(&view.bytes, |range| found.push(view.original(range)));
    });
    if found.is_empty() { found } else { tidy(text, found) }
}

fn tidy(text: &str, mut found: Vec<Range<usize>>) -> Vec<Range<usize>> {
    for range in &mut found {
        while !text.is_char_boundary(range.start) {
            range.start -= 1;
        }
        while !text.is_char_boundary(range.end) {
            range.end += 1;
        }
    }
    found.retain(|range| !range.is_empty());
    found.sort_unstable_by_key(|range| range.start);
    let mut disjoint: Vec<Range<usize>> = Vec::with_capacity(found.len());
    for range in found {
        match disjoint.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => disjoint.push(range),
        }
    }
    disjoint.retain(|range| &text[range.clone()] != MASK);
    disjoint
}

fn masked(text: &str, found: &[Range<usize>]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for range in found {
        out.push_str(&text[from..range.start]);
        out.push_str(MASK);
        from = range.end;
    }
    out.push_str(&text[from..]);
    out
}

#[cfg(test)]
mod tests;
