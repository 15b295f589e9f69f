//! Who executes which function.

use super::super::Privileges;
use super::super::observe::{FunctionSeen, Seen};
use super::sides;
use crate::deployment::postgres::identifier;
use crate::outcome::Finding;
use crate::suite::Spanned;

/// What every role is a member of.
const PUBLIC: &str = "public";

impl Privileges {
    pub(super) fn judge_function(&self, wanted: &str, must: bool, seen: &Seen) -> Finding {
        let what = format!("{}: execute {wanted}", seen.name);
        let overloads = self.overloads(wanted, seen);
        if overloads.is_empty() {
            return no_function(what, must);
        }
        let wrong: Vec<String> = overloads
            .iter()
            .filter(|it| it.held != must)
            .map(|it| it.signature())
            .collect();
        let (expected, told) = (sides(must).0, sides(!must).1);
        if wrong.is_empty() {
            return Finding::passed(what, expected, sides(must).1);
        }
        let open = overloads.iter().any(|it| it.granted.iter().any(|role| role == PUBLIC));
        let from = if open { PUBLIC } else { &seen.name };
        let verb = if must { "grant" } else { "revoke" };
        let to = if must {
            format!("to {}", identifier(&seen.name))
        } else {
            format!("from {}", grantee(from))
        };
        Finding::failed(what, expected, format!("{told}: {}", wrong.join(", ")))
            .hint(format!("{verb} execute on function {} {to}", wrong.join(", ")))
    }

    fn overloads<'a>(&self, wanted: &str, seen: &'a Seen) -> Vec<&'a FunctionSeen> {
        let (schema, name) = self.named(wanted);
        let all = seen.functions.iter();
        all.filter(|function| function.schema == schema && function.name == name)
            .collect()
    }

    /// Exactly the roles named execute each overload.
    pub(super) fn judge_executors(&self, name: &str, wanted: &Spanned<Vec<String>>, seen: &Seen) -> Vec<Finding> {
        let overloads = self.overloads(name, seen);
        if overloads.is_empty() {
            return vec![no_function(format!("who may execute {name}"), true).at(wanted.span())];
        }
        let judged = overloads.iter().map(|function| Executors::of(function, wanted, seen));
        judged
            .map(|executors| executors.judge(wanted).at(wanted.span()))
            .collect()
    }
}

/// Who executes a function, against who is to.
struct Executors<'a> {
    signature: String,
    /// Who may, and is not named.
    beyond: Vec<&'a str>,
    /// Who is named, and may not.
    lacking: Vec<&'a str>,
    /// Who is named, and does not exist.
    unknown: Vec<&'a str>,
}

impl<'a> Executors<'a> {
    fn of(function: &'a FunctionSeen, wanted: &'a [String], seen: &Seen) -> Self {
        let named = |role: &str| wanted.iter().any(|wanted| wanted == role);
        let granted = |role: &str| function.granted.iter().any(|granted| granted == role);
        let may = |role: &String| match role.as_str() {
            PUBLIC => granted(PUBLIC),
            _ => function.may.contains(role),
        };
        let exists = |role: &String| role == PUBLIC || seen.known.contains(role);
        let beyond = function.granted.iter().map(String::as_str);
        let (known, unknown): (Vec<&String>, Vec<&String>) = wanted.iter().partition(|role| exists(role));
        let lacking = known.into_iter().filter(|role| !may(role));
        Self {
            signature: function.signature(),
            beyond: beyond.filter(|role| !named(PUBLIC) && !named(role)).collect(),
            lacking: lacking.map(String::as_str).collect(),
            unknown: unknown.into_iter().map(String::as_str).collect(),
        }
    }

    fn judge(&self, wanted: &[String]) -> Finding {
        let what = format!("who may execute {}", self.signature);
        let expected = if wanted.is_empty() {
            "nobody but its owner".to_owned()
        } else {
            wanted.join(", ")
        };
        let told = [
            (
                "also ",
                self.beyond.iter().map(|role| everybody(role)).collect::<Vec<_>>(),
            ),
            ("there is no role ", self.unknown.clone()),
            ("not ", self.lacking.clone()),
        ];
        let told: Vec<String> = told
            .iter()
            .filter(|(_, roles)| !roles.is_empty())
            .map(|(how, roles)| format!("{how}{}", roles.join(", ")))
            .collect();
        if told.is_empty() {
            return Finding::passed(what, &expected, &expected);
        }
        let finding = Finding::failed(what, expected, told.join("; "));
        let tries = [("revoke", "from", &self.beyond), ("grant", "to", &self.lacking)];
        let tries: Vec<String> = tries
            .iter()
            .filter(|(_, _, roles)| !roles.is_empty())
            .map(|(verb, to, roles)| {
                let roles: Vec<String> = roles.iter().map(|role| grantee(role)).collect();
                format!(
                    "{verb} execute on function {} {to} {}",
                    self.signature,
                    roles.join(", ")
                )
            })
            .collect();
        if tries.is_empty() {
            finding
        } else {
            finding.hint(tries.join("; "))
        }
    }
}

impl FunctionSeen {
    fn signature(&self) -> String {
        format!("{}({})", self.name, self.arguments)
    }
}

fn no_function(what: String, must: bool) -> Finding {
    let told = "no function of that name";
    let hint = "was the migration applied to this database?";
    if must {
        Finding::failed(what, "a function", told).hint(hint)
    } else {
        Finding::unclear(what, sides(false).0, format!("{told}, so this proves nothing")).hint(hint)
    }
}

fn grantee(role: &str) -> String {
    if role == PUBLIC {
        role.to_owned()
    } else {
        identifier(role)
    }
}

fn everybody(role: &str) -> &str {
    if role == PUBLIC { "public (everybody)" } else { role }
}
