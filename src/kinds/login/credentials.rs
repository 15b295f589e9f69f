//! The credentials in a request, and other ones in their place.

use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;

use crate::deployment::http::Request;
use crate::suite::{Problem, one_of};

use super::Login;

const USERS: &[&str] = &[
    "email",
    "username",
    "user",
    "login",
    "user_name",
    "userName",
    "identifier",
    "name",
];
const PASSWORDS: &[&str] = &["password", "passwd", "pass", "pwd", "user_password"];

/// The names of the fields with user and password.
pub(super) struct Fields {
    user: String,
    password: String,
}

impl Login {
    /// Where the request has user and password.
    pub(super) fn find_fields(&self) -> Result<Option<Fields>, Problem> {
        if self.request.basic.is_some() {
            return Ok(None);
        }
        let find = |given: Option<&str>, known: &[&str], key: &str, what: &str| {
            let names: Vec<&str> = given.map_or_else(|| known.to_vec(), |name| vec![name]);
            names
                .iter()
                .find(|name| self.has_field(name))
                .map(|name| (*name).to_owned())
                .ok_or_else(|| {
                    Problem::whole(format!("no {what} in the request, so a wrong one cannot be tried")).hint(
                        match given {
                            Some(name) => format!("`{key}` says `{name}`, and neither json nor form has it"),
                            None => format!(
                                "put it into json, form or basic; say {key} = \"…\" if it is not called {}",
                                known[0]
                            ),
                        },
                    )
                })
        };
        let user = self.user_field.as_ref().map(|name| name.as_str());
        let password = self.password_field.as_ref().map(|name| name.as_str());
        Ok(Some(Fields {
            user: find(user, USERS, "user_field", "user")?,
            password: find(password, PASSWORDS, "password_field", "password")?,
        }))
    }

    /// Fields of `refuses` that the request does not have: put over it, they would leave its own credentials in place.
    pub(super) fn unknown_fields(&self) -> Vec<Problem> {
        let own = self.request.json.iter().filter_map(|json| json.as_object());
        let own = own.flat_map(|json| json.keys().map(String::as_str));
        let own: Vec<&str> = own
            .chain(self.request.form.iter().map(|(name, _)| name.as_str()))
            .collect();
        let of_basic =
            |name: &str| self.request.basic.is_some() && (USERS.contains(&name) || PASSWORDS.contains(&name));
        let mut problems = Vec::new();
        for entry in &self.refuses {
            for name in entry.keys().filter(|name| !self.has_field(name) && !of_basic(name)) {
                let problem = Problem::at(entry.span(), format!("the request has no field `{name}`"));
                let known = if own.is_empty() {
                    vec!["user", "password"]
                } else {
                    own.clone()
                };
                problems.push(match one_of(name, known.iter().copied()) {
                    Some(hint) => problem.hint(hint),
                    None => problem,
                });
            }
        }
        problems
    }

    fn has_field(&self, name: &str) -> bool {
        let in_json = self
            .request
            .json
            .as_ref()
            .is_some_and(|json| field(json, name).is_some());
        in_json || self.request.form.iter().any(|(key, _)| key == name)
    }

    /// The request with a password that nobody has.
    pub(super) fn with_wrong_password(&self) -> Request {
        let password = format!("smoke-{}", Uuid::new_v4().simple());
        let mut request = self.request.clone();
        match self.find_fields() {
            Ok(Some(fields)) => put(&mut request, &fields.password, Value::from(password)),
            _ => {
                if let Some(basic) = &mut request.basic {
                    basic.password = password;
                }
            }
        }
        request
    }

    /// The request of a user who does not exist, with the same password.
    pub(super) fn with_unknown_user(&self) -> Request {
        let user = format!("smoke-{}", Uuid::new_v4().simple());
        let like = |old: &str| match old.split_once('@') {
            Some(_) => format!("{user}@example.com"),
            None => user.clone(),
        };
        let mut request = self.request.clone();
        match self.find_fields() {
            Ok(Some(fields)) => {
                let unknown = like(&self.user_in(&self.request).unwrap_or_default());
                put(&mut request, &fields.user, Value::from(unknown));
            }
            _ => {
                if let Some(basic) = &mut request.basic {
                    basic.user = like(&basic.user);
                }
            }
        }
        request
    }

    /// The request with `fields` put over its own.
    pub(super) fn with(&self, fields: &BTreeMap<String, Value>) -> Request {
        let mut request = self.request.clone();
        for (name, value) in fields {
            match (&mut request.basic, value.as_str()) {
                (Some(basic), Some(text)) if USERS.contains(&name.as_str()) => text.clone_into(&mut basic.user),
                (Some(basic), Some(text)) if PASSWORDS.contains(&name.as_str()) => text.clone_into(&mut basic.password),
                _ => put(&mut request, name, value.clone()),
            }
        }
        request
    }

    /// The user whom `request` names.
    pub(super) fn user_in(&self, request: &Request) -> Option<String> {
        if let Some(basic) = &request.basic {
            return Some(basic.user.clone());
        }
        let name = self.find_fields().ok()??.user;
        let json = request.json.as_ref().and_then(|json| field(json, &name).cloned());
        let form = || {
            request
                .form
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (**value).clone())
        };
        json.or_else(form)?.as_str().map(str::to_owned)
    }
}

/// The field `name`, on the first level that has it: `{ "user": { "email": … } }` is as common as `{ "email": … }`.
fn field<'a>(json: &'a Value, name: &str) -> Option<&'a Value> {
    let fields = json.as_object()?;
    let own = fields.get(name).filter(|value| !value.is_object());
    own.or_else(|| fields.values().find_map(|value| field(value, name)))
}

fn put(request: &mut Request, name: &str, value: Value) {
    if let Some(json) = &request.json {
        let mut changed = (**json).clone();
        if !replace(&mut changed, name, &value)
            && let Some(fields) = changed.as_object_mut()
        {
            fields.insert(name.to_owned(), value);
        }
        request.json = Some(crate::suite::Spanned::new(json.span(), changed));
    } else {
        request.form.put(name, value);
    }
}

fn replace(json: &mut Value, name: &str, value: &Value) -> bool {
    let Some(fields) = json.as_object_mut() else {
        return false;
    };
    match fields.get_mut(name) {
        Some(old) if !old.is_object() => {
            *old = value.clone();
            true
        }
        _ => fields.values_mut().any(|inner| replace(inner, name, value)),
    }
}

/// The token in the value of a cookie: without quotes, percent-encoding and `Bearer`.
pub(super) fn unwrapped(cookie: &str) -> String {
    let decoded = percent_encoding::percent_decode_str(cookie).decode_utf8_lossy();
    let bare = decoded.trim_matches('"');
    bare.strip_prefix("Bearer ").unwrap_or(bare).to_owned()
}

/// The value with another character in its middle, for a token that is no JWT.
pub(super) fn changed(value: &str) -> String {
    let mut chars: Vec<char> = value.chars().collect();
    let middle = chars.len() / 2;
    let escaped = |at: usize| chars[at.saturating_sub(2)..=at].contains(&'%');
    let at = (middle..chars.len()).find(|at| chars[*at].is_ascii_alphanumeric() && !escaped(*at));
    if let Some(at) = at {
        chars[at] = if chars[at] == 'a' { 'b' } else { 'a' };
    }
    chars.into_iter().collect()
}
