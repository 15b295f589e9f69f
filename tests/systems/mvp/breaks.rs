//! Everything that can be broken in mvp.

use crate::standin::Break;

pub(super) const ALL: &[Break] = &[];
