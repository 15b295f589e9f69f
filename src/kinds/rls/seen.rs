//! What trying row level security saw, as plain data. No content of any row is kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::deployment::postgres::{Policy, SqlError};

/// How many rows are counted before it is enough.
pub(super) const ENOUGH: u64 = 1_000;

/// What was seen of all tables.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(in crate::kinds) struct Seen {
    /// The role of the address.
    pub(super) current_user: String,
    /// The roles that were to be tried, by name.
    pub(super) roles: BTreeMap<String, RoleSeen>,
    /// The tables, in the order of the suite; none where there is no such table.
    pub(super) tables: Vec<Option<TableSeen>>,
}

/// Whether a role can be tried.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RoleSeen {
    /// It can.
    #[default]
    Ready,
    /// There is no such role.
    Missing,
    /// It may not be assumed.
    Closed(SqlError),
}

/// What was seen of one table.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct TableSeen {
    pub(super) schema: String,
    pub(super) name: String,
    /// `table`, `view`, ….
    pub(super) kind: String,
    pub(super) owner: String,
    pub(super) enabled: bool,
    pub(super) forced: bool,
    pub(super) policies: Vec<Policy>,
    /// Columns that the suite names and the table lacks.
    pub(super) missing: Vec<String>,
    /// The tried user, and the rows that there are; none if the behaviour was not tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sample: Option<Sample>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<Tried>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) anon: Option<Tried>,
}

/// The rows there are, as the role of the address sees them.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Sample {
    /// The tried user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<String>,
    /// Policies apply to the role of the address, too: there may be more rows.
    pub(super) partial: bool,
    /// Rows of the tried user, counted up to [`ENOUGH`].
    pub(super) own: u64,
    /// Rows of others; without an owner column, all rows. Counted up to [`ENOUGH`].
    pub(super) others: u64,
}

/// What one role could do with a table.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Tried {
    /// Why no policy applies to the role; nothing else was tried then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) exempt: Option<Exempt>,
    /// How many rows of the tried user, and of others, it sees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sees: Option<Result<Visible, SqlError>>,
    /// The insert of a row of another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) insert: Option<Attempt>,
    /// The update of a row of another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) update: Option<Attempt>,
    /// The delete of a row of another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) delete: Option<Attempt>,
    /// The change of protected columns in a row of its own; none where there is no such row, or no other value to try.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) protected: Vec<(String, Option<Attempt>)>,
}

/// Why no policy applies to a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Exempt {
    Superuser,
    BypassRls,
    Owner,
}

/// How many rows a role sees, counted up to [`ENOUGH`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Visible {
    pub(super) own: u64,
    pub(super) others: u64,
}

/// How an attempt to write ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Attempt {
    /// So many rows were written.
    Wrote(u64),
    /// An error stopped it.
    Stopped(SqlError),
    /// The role has no right to write any column that would matter.
    NoRight,
    /// It passed, but a trigger may have made the row another one before the policies saw it.
    Stamped,
}

impl Attempt {
    /// The policies let it pass: something was written, or only a constraint, which is checked after them, stopped it.
    pub(super) fn passed_the_policies(&self) -> bool {
        match self {
            Self::Wrote(rows) => *rows > 0,
            Self::Stopped(error) => error.code.starts_with("23"),
            Self::NoRight | Self::Stamped => false,
        }
    }
}
