//! The report that a person reads: progress while the run goes on, then causes first and one last line that says it all.

mod blocks;
mod live;
mod plain;
mod skipped;
mod styles;
mod summary;
mod unclear;

pub use live::Live;
pub use plain::Plain;
pub use styles::Styles;

use super::text::visible;
use crate::outcome::{CheckId, Outcome};

/// A check that did not pass, without colours.
pub(super) fn block(outcome: &Outcome) -> String {
    blocks::block(outcome, Styles::plain(), false)
}

/// `rls.user_owned`, and with its suite where the run has several.
fn label(id: &CheckId, several: bool) -> String {
    let label = if several {
        format!("{}/{id}", id.suite)
    } else {
        id.to_string()
    };
    visible(&label).into_owned()
}

/// A title behind its name.
fn title(outcome: &Outcome) -> String {
    if outcome.title.is_empty() {
        String::new()
    } else {
        format!("   {}", visible(&outcome.title))
    }
}
