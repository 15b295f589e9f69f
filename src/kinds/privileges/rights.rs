//! The rights of PostgreSQL by what they are on, and how a suite lists them.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::suite::{Entries, Spanned};

/// The word by which a right is known, in the suite as in what was seen.
pub(super) trait Right: Copy {
    fn word(self) -> &'static str;
}

macro_rules! closed_set {
    ($(#[$doc:meta])* $name:ident { $($(#[$what:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
        #[serde(rename_all = "lowercase")]
        pub(super) enum $name { $($(#[$what])* $variant,)+ }

        impl Right for $name {
            fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }
    };
}

closed_set! {
    /// What may be done with a table.
    OnTable {
        Select = "select",
        Insert = "insert",
        Update = "update",
        Delete = "delete",
        Truncate = "truncate",
        References = "references",
        Trigger = "trigger",
        /// To own it, oneself or as a member of the owner: alter it, drop it, pass its policies.
        Own = "own",
    }
}

closed_set! {
    /// What may be done with a sequence.
    OnSequence { Usage = "usage", Select = "select", Update = "update", }
}

closed_set! {
    /// What may be done with a schema.
    OnSchema { Usage = "usage", Create = "create", }
}

closed_set! {
    /// What may be done with the database.
    OnDatabase { Connect = "connect", Create = "create", Temporary = "temporary", }
}

closed_set! {
    /// What may be done with a function.
    OnFunction { Execute = "execute", }
}

closed_set! {
    /// What a role is, whatever it is granted.
    Attribute {
        Superuser = "superuser",
        Bypassrls = "bypassrls",
        Createrole = "createrole",
        Createdb = "createdb",
        Replication = "replication",
        Login = "login",
    }
}

/// Rights that a role has, or must not have.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rights {
    /// What the role is: superuser, bypassrls, createrole, createdb, replication, login.
    pub(super) attributes: Option<Spanned<Vec<Attribute>>>,
    /// Roles that it is a member of.
    #[serde(default)]
    pub(super) roles: Vec<Spanned<String>>,
    /// On the database: connect, create, temporary.
    pub(super) database: Option<Spanned<Vec<OnDatabase>>>,
    /// On schemas: usage, create.
    #[serde(default)]
    pub(super) schemas: Entries<Vec<OnSchema>>,
    /// On tables and views.
    #[serde(default)]
    pub(super) tables: Entries<Vec<OnTable>>,
    /// On sequences.
    #[serde(default)]
    pub(super) sequences: Entries<Vec<OnSequence>>,
    /// Functions that it executes.
    #[serde(default)]
    pub(super) functions: Vec<Spanned<String>>,
    /// Whether it can create an extension.
    pub(super) create_extension: Option<Spanned<bool>>,
    /// On what does not exist yet.
    pub(super) future: Option<Spanned<Future>>,
}

/// Rights on what will be created.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Future {
    /// The roles that will create it; by default those that own tables of the schema.
    pub(super) by: Option<Vec<String>>,
    /// On tables.
    #[serde(default)]
    pub(super) tables: Vec<OnTable>,
    /// On sequences.
    #[serde(default)]
    pub(super) sequences: Vec<OnSequence>,
    /// On functions.
    #[serde(default)]
    pub(super) functions: Vec<OnFunction>,
}

impl Rights {
    pub(super) fn is_empty(&self) -> bool {
        self.attributes.is_none()
            && self.roles.is_empty()
            && self.database.is_none()
            && self.schemas.is_empty()
            && self.tables.iter().all(|(_, rights)| rights.is_empty())
            && self.sequences.iter().all(|(_, rights)| rights.is_empty())
            && self.functions.is_empty()
            && self.create_extension.is_none()
            && self.future.is_none()
    }
}

/// The words of `rights`, for a reader.
pub(super) fn words<R: Right>(rights: &[R]) -> String {
    let words: Vec<&str> = rights.iter().map(|right| right.word()).collect();
    words.join(", ")
}
