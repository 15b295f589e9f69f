//! Names of PostgreSQL types: people write `int`, the catalogue says `integer`.

/// As [`same`], for an argument of a function: the catalogue keeps no length or precision of those.
pub(super) fn same_argument(expected: &str, seen: &str) -> bool {
    let bare = Type {
        modifier: None,
        ..Type::read(expected)
    };
    bare.is(&Type::read(seen))
}

/// Whether the type that is `expected` is the one `seen`. What the expectation leaves open (a length, a precision, the
/// schema of the type) may be anything.
pub(super) fn same(expected: &str, seen: &str) -> bool {
    Type::read(expected).is(&Type::read(seen))
}

/// A type, normalised.
struct Type {
    name: String,
    modifier: Option<String>,
    dimensions: usize,
}

impl Type {
    fn is(&self, seen: &Self) -> bool {
        let unqualified = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
        let names = self.name == seen.name
            || (!self.name.contains('.') && self.name == unqualified(&seen.name))
            || (!seen.name.contains('.') && seen.name == unqualified(&self.name));
        let modifier = self.modifier.is_none() || self.modifier == seen.modifier;
        names && modifier && self.dimensions == seen.dimensions
    }

    fn read(text: &str) -> Self {
        let text = text.trim().to_lowercase();
        let dimensions = text.matches("[]").count();
        let text = text.replace("[]", "");
        // The modifier stands in the middle of `timestamp(3) with time zone`.
        let (before, modifier, after) = match (text.find('('), text.find(')')) {
            (Some(open), Some(close)) if open < close => {
                let inner: String = text[open + 1..close].split_whitespace().collect();
                (&text[..open], Some(inner), &text[close + 1..])
            }
            _ => (text.as_str(), None, ""),
        };
        let words: Vec<&str> = before.split_whitespace().chain(after.split_whitespace()).collect();
        Self {
            name: canonical(&words.join(" ").replace('"', "")).to_owned(),
            modifier,
            dimensions,
        }
    }
}

/// The name in the catalogue of a type that has several.
fn canonical(name: &str) -> &str {
    match name {
        "int" | "int4" | "serial" => "integer",
        "int8" | "bigserial" => "bigint",
        "int2" | "smallserial" => "smallint",
        "bool" => "boolean",
        "float8" | "double" | "float" => "double precision",
        "float4" => "real",
        "decimal" => "numeric",
        "varchar" => "character varying",
        "char" | "bpchar" => "character",
        "string" => "text",
        "timestamptz" => "timestamp with time zone",
        "timestamp" | "datetime" => "timestamp without time zone",
        "timetz" => "time with time zone",
        "time" => "time without time zone",
        "varbit" => "bit varying",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_type_has_many_names() {
        for (expected, seen) in [
            ("int", "integer"),
            ("INT8[]", "bigint[]"),
            ("varchar", "character varying(20)"),
            ("varchar(20)", "character varying(20)"),
            ("decimal(10, 2)", "numeric(10,2)"),
            ("timestamptz", "timestamp(3) with time zone"),
            ("timestamp(3)", "timestamp(3) without time zone"),
            ("float8", "double precision"),
            ("vector(1536)", "extensions.vector(1536)"),
            ("public.mood", "mood"),
            ("\"Role\"", "\"Role\""),
        ] {
            assert!(same(expected, seen), "{expected} is {seen}");
        }
        for (expected, seen) in [
            ("int", "bigint"),
            ("int", "integer[]"),
            ("varchar(20)", "character varying(30)"),
            ("varchar(20)", "character varying"),
            ("timestamp", "timestamp with time zone"),
            ("app.mood", "other.mood"),
        ] {
            assert!(!same(expected, seen), "{expected} is not {seen}");
        }
    }
}
