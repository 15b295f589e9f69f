//! `each`: one check per value.

use serde_json::Value as Json;

use crate::suite::{Entries, Node, Problem, Scope, decode, render};

/// One combination of the values of `each`.
#[derive(Default)]
pub(super) struct Case {
    /// What stands in brackets after the name.
    pub(super) label: String,
    pub(super) bindings: Vec<(String, Json)>,
}

/// Every combination.
pub(super) fn cases(each: &Node, scope: &Scope) -> Result<Vec<Case>, Vec<Problem>> {
    let each: Entries<Vec<Json>> = decode(&render(each, scope)?, &[])?;
    let mut cases = vec![Case::default()];
    for (name, values) in each.iter() {
        if values.is_empty() {
            return Err(vec![Problem::at(
                values.span(),
                format!("`each.{name}` is empty: there is no check to run"),
            )]);
        }
        let extended = cases.iter().flat_map(|case| {
            values.iter().enumerate().map(|(at, value)| {
                let part = label(value, at);
                let label = if case.label.is_empty() {
                    part
                } else {
                    format!("{},{part}", case.label)
                };
                let mut bindings = case.bindings.clone();
                bindings.push((name.clone(), value.clone()));
                Case { label, bindings }
            })
        });
        cases = extended.collect();
    }
    Ok(cases)
}

fn label(value: &Json, at: usize) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Object(fields) => match fields.get("name") {
            Some(Json::String(name)) => name.clone(),
            _ => (at + 1).to_string(),
        },
        Json::Array(_) => (at + 1).to_string(),
        plain => plain.to_string(),
    }
}
