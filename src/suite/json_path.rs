//! JSONPath, RFC 9535, by the `jsonpath-rust` crate.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

use jsonpath_rust::parser::model::{JpQuery, Segment, Selector};
use jsonpath_rust::parser::parse_json_path;
use jsonpath_rust::query::js_path_process;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer};
use serde_json::Value;

use super::decode::with_hint;

/// A parsed JSONPath; cheap to clone.
#[derive(Debug, Clone)]
pub struct JsonPath(Rc<Parsed>);

#[derive(Debug)]
struct Parsed {
    text: String,
    query: JpQuery,
    singular: bool,
}

thread_local! {
    /// Every path that was parsed: the checks of a suite look at the same few places, and to parse a path takes longer than to
    /// read the rest of a check.
    static KNOWN: RefCell<HashMap<String, JsonPath>> = RefCell::default();
}

impl JsonPath {
    /// Parses `text`.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(known) = KNOWN.with_borrow(|known| known.get(text).cloned()) {
            return Ok(known);
        }
        let path = Self(Rc::new(Parsed::parse(text)?));
        KNOWN.with_borrow_mut(|known| known.insert(text.to_owned(), path.clone()));
        Ok(path)
    }

    /// Parses `text` for serde, and says what was probably meant.
    pub(super) fn read<E: serde::de::Error>(text: &str) -> Result<Self, E> {
        Self::parse(text).map_err(|reason| {
            let dot = if text.starts_with(['.', '[']) { "" } else { "." };
            let meant = format!("${dot}{text}");
            E::custom(if !text.contains(char::is_whitespace) && Self::parse(&meant).is_ok() {
                with_hint(
                    &format!("bad JSONPath `{text}` (RFC 9535)"),
                    &format!("did you mean `{meant}`?"),
                )
            } else {
                reason
            })
        })
    }

    /// What the path finds in `document`: the value itself for a path that can name one place only, else the list of
    /// all values found. None where it finds nothing.
    #[must_use]
    pub fn find<'a>(&self, document: &'a Value) -> Option<Cow<'a, Value>> {
        if self.0.singular {
            return walk(&self.0.query.segments, document).map(Cow::Borrowed);
        }
        let found = js_path_process(&self.0.query, document).unwrap_or_default();
        let values: Vec<Value> = found.into_iter().map(|hit| hit.val.clone()).collect();
        (!values.is_empty()).then_some(Cow::Owned(Value::Array(values)))
    }
}

impl Parsed {
    fn parse(text: &str) -> Result<Self, String> {
        let query = parse_json_path(text)
            .map_err(|_| format!("bad JSONPath `{text}` (RFC 9535); write for instance $.data.items[0].id"))?;
        let singular = query
            .segments
            .iter()
            .all(|segment| matches!(segment, Segment::Selector(Selector::Name(_) | Selector::Index(_))));
        Ok(Self {
            text: text.to_owned(),
            query,
            singular,
        })
    }
}

/// Where names and indices lead. The crate would write down the normalised path on the way.
fn walk<'a>(segments: &[Segment], document: &'a Value) -> Option<&'a Value> {
    segments.iter().try_fold(document, |value, segment| match segment {
        Segment::Selector(Selector::Name(name)) => value.get(name.as_str()),
        Segment::Selector(Selector::Index(at)) => {
            let items = value.as_array()?;
            let distance = usize::try_from(at.unsigned_abs()).ok()?;
            items.get(if *at < 0 {
                items.len().checked_sub(distance)?
            } else {
                distance
            })
        }
        _ => None,
    })
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl<'de> Deserialize<'de> for JsonPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::read(&text)
    }
}

impl JsonSchema for JsonPath {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "JSONPath".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": r"^\$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn find(path: &str, document: &Value) -> Option<Value> {
        JsonPath::parse(path).unwrap().find(document).map(Cow::into_owned)
    }

    #[test]
    fn one_place_gives_the_value_and_several_give_a_list() {
        let document = json!({ "a": [{ "b": 1 }, { "b": 2 }] });
        assert_eq!(find("$.a[0].b", &document), Some(json!(1)));
        assert_eq!(find("$.a[-1].b", &document), Some(json!(2)));
        assert_eq!(find("$.a[*].b", &document), Some(json!([1, 2])));
        assert_eq!(find("$.a[?@.b == 2].b", &document), Some(json!([2])));
        assert_eq!(find("$.nothing", &document), None);
        assert_eq!(find("$.a[?@.b == 3]", &document), None);
        assert_eq!(find("$.a[-9]", &document), None);
    }

    #[test]
    fn a_bad_path_is_refused() {
        assert!(
            JsonPath::parse("data.id")
                .unwrap_err()
                .starts_with("bad JSONPath `data.id`")
        );
        assert!(JsonPath::parse("$.a[").is_err());
    }
}
