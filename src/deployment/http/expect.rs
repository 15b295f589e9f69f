//! What is expected of a response, and the findings about it.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::outcome::{Finding, Verdict};
use crate::suite::{Entries, JsonPath, Matcher, Period, Problem, Spanned};

use super::{Response, Statuses};

/// What is expected of a response. Without `status`, any 2xx is.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// `200`, `"2xx"`, or a list of those.
    pub status: Option<Spanned<Statuses>>,
    /// Response headers; values of a repeated header are joined with `, `.
    pub headers: Entries<Matcher>,
    /// JSON values by JSONPath.
    pub json: Entries<Matcher, JsonPath>,
    /// The body as text.
    pub body: Option<Spanned<Matcher>>,
    /// Values of cookies that the response sets.
    pub cookies: Entries<Matcher>,
    /// The `Location` header.
    pub redirect: Option<Spanned<Matcher>>,
    /// Bytes of the body, decompressed.
    pub size: Option<Spanned<Matcher>>,
    /// How long the exchange may take.
    pub within: Option<Spanned<Period>>,
    /// A JSON Schema that the body must satisfy.
    pub schema: Option<Spanned<Value>>,
    /// `HTTP/1.1`, `HTTP/2.0`.
    pub version: Option<Spanned<Matcher>>,
}

impl Expect {
    /// Whether nothing is expected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.headers.is_empty()
            && self.json.is_empty()
            && self.cookies.is_empty()
            && [&self.body, &self.redirect, &self.size, &self.version]
                .iter()
                .all(|matcher| matcher.is_none())
            && self.status.is_none()
            && self.within.is_none()
            && self.schema.is_none()
    }

    /// What is wrong beyond types.
    #[must_use]
    pub fn mistakes(&self) -> Vec<Problem> {
        let schema = self.schema.as_ref();
        let broken = schema.and_then(|schema| {
            jsonschema::validator_for(schema)
                .err()
                .map(|error| (schema.span(), error))
        });
        broken
            .map(|(span, error)| Problem::at(span, format!("not a JSON Schema: {error}")))
            .into_iter()
            .collect()
    }

    /// The findings about `response`, in the order status, headers, cookies, body, time.
    #[must_use]
    pub fn judge(&self, response: &Response) -> Vec<Finding> {
        let mut findings = vec![self.judge_status(response)];
        findings.extend(self.judge_headers(response));
        findings.extend(self.judge_body(response));
        if let Some(within) = &self.within {
            let expected = format!("within {}", **within);
            let millis = response.micros.div_ceil(1000);
            findings.push(
                Finding::expect(response.elapsed() <= within.0, "time", expected, format!("{millis} ms"))
                    .at(within.span()),
            );
        }
        findings
    }

    fn judge_status(&self, response: &Response) -> Finding {
        let seen = response.status;
        let shown = if seen >= 400 && !response.body.is_empty() {
            format!("{seen}: {}", response.body)
        } else {
            seen.to_string()
        };
        match &self.status {
            Some(wanted) => {
                Finding::expect(wanted.contains(seen), "status", wanted.to_string(), shown).at(wanted.span())
            }
            None => Finding::expect(response.is_success(), "status", "2xx", shown),
        }
    }

    fn judge_headers(&self, response: &Response) -> Vec<Finding> {
        let mut findings = Vec::new();
        if let Some(redirect) = &self.redirect {
            findings.push(redirect.judge("redirect", response.header("location").map(Value::from).as_ref()));
        }
        for (name, matcher) in self.headers.iter() {
            let values = response
                .headers
                .iter()
                .filter(|(key, _)| key.eq_ignore_ascii_case(name));
            let joined: Vec<&str> = values.map(|(_, value)| value.as_str()).collect();
            let value = (!joined.is_empty()).then(|| header_value(&joined.join(", "), matcher));
            findings.push(matcher.judge(format!("header {name}"), value.as_ref()));
        }
        for (name, matcher) in self.cookies.iter() {
            findings.push(matcher.judge(
                format!("cookie {name}"),
                response.cookie(name).map(Value::from).as_ref(),
            ));
        }
        if let Some(version) = &self.version {
            findings.push(version.judge("version", Some(&Value::from(response.version.as_str()))));
        }
        findings
    }

    fn judge_body(&self, response: &Response) -> Vec<Finding> {
        let mut findings = Vec::new();
        if let Some(size) = &self.size {
            findings.push(size.judge("size", Some(&Value::from(response.size))));
        }
        if let Some(matcher) = &self.body {
            let body = Value::from(response.body.as_str());
            findings.push(match response.cut_at {
                None => matcher.judge("body", Some(&body)),
                Some(at) => beginning(matcher, &body, at),
            });
        }
        if self.json.is_empty() && self.schema.is_none() {
            return findings;
        }
        match response.json() {
            Ok(document) => findings.extend(self.judge_json(&document)),
            Err(why) => findings.push(self.no_json(why)),
        }
        findings
    }

    fn judge_json(&self, document: &Value) -> Vec<Finding> {
        let by_path = self
            .json
            .iter()
            .map(|(path, matcher)| matcher.judge(path.to_string(), path.find(document).as_deref()));
        by_path
            .chain(self.schema.as_ref().map(|schema| judge_schema(schema, document)))
            .collect()
    }

    fn no_json(&self, why: String) -> Finding {
        let (what, span) = match (self.json.first(), &self.schema) {
            (Some((path, matcher)), _) => (path.to_string(), Some(matcher.span())),
            (None, schema) => ("body".to_owned(), schema.as_ref().map(Spanned::span)),
        };
        let finding = Finding::failed(what, "a JSON body", why);
        span.map_or(finding.clone(), |span| finding.at(span))
    }
}

/// Headers are texts; one that is compared with a number is read as one.
fn header_value(text: &str, matcher: &Matcher) -> Value {
    let number = || serde_json::from_str(text).ok().filter(Value::is_number);
    let number = if matcher.is_numeric() { number() } else { None };
    number.unwrap_or_else(|| Value::from(text))
}

/// The finding about a body of which only the first `read` bytes are known: what it lacks there may yet follow.
fn beginning(matcher: &Spanned<Matcher>, body: &Value, read: u64) -> Finding {
    let finding = matcher.judge(format!("body (its first {read} bytes)"), Some(body));
    if finding.verdict != Verdict::Passed || matcher.holds_of_what_follows() {
        return finding;
    }
    let seen = "it holds there; more follows that was not read";
    Finding::unclear(finding.what, finding.expected, seen)
        .at(matcher.span())
        .hint("raise `max_body`")
}

fn judge_schema(schema: &Spanned<Value>, document: &Value) -> Finding {
    let errors: Vec<String> = match jsonschema::validator_for(schema) {
        Ok(validator) => validator
            .iter_errors(document)
            .map(|error| format!("{}: {error}", pointer(&error.instance_path().to_string())))
            .collect(),
        Err(error) => vec![format!("not a JSON Schema: {error}")],
    };
    let seen = if errors.is_empty() {
        "it does".to_owned()
    } else {
        errors.join("; ")
    };
    Finding::expect(errors.is_empty(), "body", "a document that satisfies the schema", seen).at(schema.span())
}

fn pointer(path: &str) -> &str {
    if path.is_empty() { "the document" } else { path }
}
