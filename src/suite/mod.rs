//! The language: what a team writes in `smoke.toml` and under `suites/`, and every way in which it can be wrong.
//!
//! Text becomes a spanned tree ([`Node`]), the tree a [`Suite`] of [`CheckDef`]s or a [`Project`]; templates are filled
//! into the tree, spans survive, and kinds deserialise from it. Mistakes are collected, never thrown one by one, and each
//! knows its [`Place`](crate::outcome::Place).

mod capture;
mod common;
mod decode;
mod entries;
mod json_path;
mod matcher;
mod mistake;
mod needle;
mod pack;
mod packs;
mod project;
mod scalar;
mod source;
mod suggest;
#[expect(clippy::module_inception, reason = "the file of the type `Suite`")]
mod suite;
mod template;
mod tree;
mod uses;

pub use capture::{Capture, CaptureFrom, Subject};
pub use common::{Common, Retry};
pub use decode::{Group, decode, decode_partly};
pub use entries::{Entries, Spanned};
pub use json_path::JsonPath;
pub use matcher::{Match, Matcher};
pub use mistake::{Mistake, Problem};
pub use needle::Needle;
pub use pack::{Pack, Param, ParamType, toml_of};
pub use packs::Packs;
pub use project::{Defaults, Environment, Project, shown_path};
pub use scalar::{ByteSize, Pattern, Period, spoken};
pub use source::Source;
pub use suggest::{did_you_mean, one_of};
pub use suite::{CheckDef, Suite};
pub use template::{
    Names, NamesAt, Scope, is_expression, is_placeholder, names_in, process_variable, render, render_partly,
    render_text, truthy,
};
pub use tree::{Entry, Node, Table, Value};
pub use uses::{OneOrEach, UseDef, UseKeys};
