//! A table whose keys the user chooses, and a value that remembers its place.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, Range};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

/// A value that remembers which bytes of its file it came from.
#[derive(Debug, Clone)]
pub struct Spanned<T>(serde_spanned::Spanned<T>);

impl<T> Spanned<T> {
    /// `value`, from `span`.
    pub fn new(span: Range<usize>, value: T) -> Self {
        Self(serde_spanned::Spanned::new(span, value))
    }

    /// The bytes it came from.
    pub fn span(&self) -> Range<usize> {
        self.0.span()
    }

    /// The value alone.
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T> Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.get_ref()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Spanned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde_spanned::Spanned::deserialize(deserializer).map(Self)
    }
}

impl<T: JsonSchema> JsonSchema for Spanned<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A table whose keys the user chooses, in the order of the file. Keys are names, or paths into JSON.
#[derive(Debug, Clone)]
pub struct Entries<T, K = String>(Vec<(K, Spanned<T>)>);

impl<T> Entries<T> {
    /// Sets the value of `name`, which no file states.
    pub fn put(&mut self, name: &str, value: T) {
        let value = Spanned::new(0..0, value);
        match self.0.iter_mut().find(|(key, _)| key == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// Removes the entries whose name is `unwanted`.
    pub fn remove_if(&mut self, unwanted: impl Fn(&str) -> bool) {
        self.0.retain(|(name, _)| !unwanted(name));
    }
}

impl<T, K> FromIterator<(K, Spanned<T>)> for Entries<T, K> {
    fn from_iter<I: IntoIterator<Item = (K, Spanned<T>)>>(entries: I) -> Self {
        Self(entries.into_iter().collect())
    }
}

impl<T, K> Default for Entries<T, K> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T, K> Deref for Entries<T, K> {
    type Target = [(K, Spanned<T>)];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'de, T: Deserialize<'de>, K: Deserialize<'de>> Deserialize<'de> for Entries<T, K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor(PhantomData))
    }
}

struct EntriesVisitor<T, K>(PhantomData<(T, K)>);

impl<'de, T: Deserialize<'de>, K: Deserialize<'de>> Visitor<'de> for EntriesVisitor<T, K> {
    type Value = Entries<T, K>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<T, K>, A::Error> {
        // Kept for the whole run: no room to spare.
        let mut entries = Vec::with_capacity(map.size_hint().unwrap_or_default());
        while let Some(entry) = map.next_entry::<K, Spanned<T>>()? {
            entries.push(entry);
        }
        Ok(Entries(entries))
    }
}

impl<T: JsonSchema, K> JsonSchema for Entries<T, K> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Entries_of_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "additionalProperties": generator.subschema_for::<T>() })
    }
}
