//! Whom a function is called as.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::deployment::postgres::Identity;
use crate::suite::Entries;

/// Whom to call a function as.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct As {
    /// A role of the database.
    pub(super) role: Option<String>,
    /// The user's id.
    pub(super) user: Option<String>,
    /// Further JWT claims.
    claims: Map<String, Value>,
    /// Further settings.
    set: Entries<String>,
}

impl As {
    /// As the database is told.
    pub(super) fn identity(&self) -> Identity {
        Identity {
            role: self.role.clone(),
            user: self.user.clone(),
            claims: self.claims.clone(),
            settings: self
                .set
                .iter()
                .map(|(name, value)| (name.clone(), value.to_string()))
                .collect(),
        }
    }
}
