//! Everything that can be broken in masstock.

use crate::standin::Break;

pub(super) const ALL: &[Break] = &[];
