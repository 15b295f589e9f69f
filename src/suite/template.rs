//! Templates: `{{ expression }}` in any text of a suite, by the `minijinja` crate, strict about undefined names.
//!
//! A text that is one expression keeps the value's type. What a check captures exists only once it has run; until then
//! its names stand as placeholders (`⟨login.token⟩`), so that everything around them can be checked before the first
//! request is sent.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::rc::Rc;
use std::sync::{Arc, LazyLock};

use minijinja::value::{Object, Serde, Value};
use minijinja::{Environment, UndefinedBehavior};
use serde_json::Value as Json;

use super::tree::{Entry, Table, Value as Tree};
use super::{Node, Problem};

/// The functions that every template can call.
pub(super) const FUNCTIONS: [&str; 3] = ["uuid", "now", "random_email"];

static ENGINE: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.add_function("uuid", || uuid::Uuid::new_v4().to_string());
    engine.add_function("now", || jiff::Timestamp::now().to_string());
    engine.add_function("random_email", || {
        format!("smoke-{}@example.com", uuid::Uuid::new_v4().simple())
    });
    engine
});

/// What the names in a template mean. Cheap to clone: every check of a suite has one.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Variables: the environment's, the suite's, the check's `each`, `--var`.
    pub vars: Rc<BTreeMap<String, Json>>,
    /// The process environment, as far as it is needed.
    pub env: Rc<BTreeMap<String, String>>,
    /// Checks that have run, each with what it captured.
    pub captures: BTreeMap<String, Json>,
    /// Checks that have not run yet.
    pub pending: Rc<BTreeSet<String>>,
    /// Variables that a run must be given with `--var`; nobody has yet.
    pub awaited: Rc<BTreeSet<String>>,
    /// Whether only what a pack declares has a meaning.
    pub of_pack: bool,
}

/// The names that a text uses, dotted: `login.token`, `env.API_KEY`, `workflows`.
pub type Names = BTreeSet<String>;

impl Scope {
    /// The same with more variables, which win.
    #[must_use]
    pub fn with(&self, vars: &[(String, Json)]) -> Self {
        let mut scope = self.clone();
        if !vars.is_empty() {
            Rc::make_mut(&mut scope.vars).extend(vars.iter().cloned());
        }
        scope
    }

    /// What a template that uses `names` can see.
    fn context(&self, names: &Names) -> Value {
        let mut roots: BTreeSet<&str> = names.iter().map(|name| first(name)).collect();
        roots.insert("env");
        Value::from_pairs(roots.into_iter().filter_map(|root| {
            let value = if root == "env" {
                self.process(names)
            } else {
                self.value(root)?
            };
            Some((root, value))
        }))
    }

    /// The variables of the process that `names` mention; one that is not set stands as a placeholder (the plan reports
    /// it where it matters).
    fn process(&self, names: &Names) -> Value {
        let variables = names.iter().filter_map(|name| name.strip_prefix("env.")).map(first);
        Value::from_pairs(variables.map(|name| {
            let unset = || Value::from_object(Placeholder(format!("env.{name}")));
            (
                name,
                self.env
                    .get(name)
                    .map_or_else(unset, |value| Value::from(value.as_str())),
            )
        }))
    }

    /// A variable that is called like a check is what its name means: `{{ workflows }}` beside [http.workflows].
    fn value(&self, name: &str) -> Option<Value> {
        if let Some(captured) = self.captures.get(name) {
            return Some(Value::from(Serde(captured)));
        }
        if self.is_pending(name) {
            return Some(Value::from_object(Placeholder(name.to_owned())));
        }
        self.vars.get(name).map(|value| Value::from(Serde(value)))
    }

    /// Whether `name`, or what it begins with, is a check that has not run yet.
    #[must_use]
    pub fn is_pending(&self, name: &str) -> bool {
        let root = first(name);
        let open = self.pending.contains(root) || self.awaited.contains(root);
        open && !self.captures.contains_key(root) && !self.vars.contains_key(root)
    }

    fn is_open(&self, name: &str) -> bool {
        match name.split_once('.') {
            Some(("env", variable)) => !self.env.contains_key(first(variable)),
            _ => self.is_pending(name),
        }
    }
}

fn first(dotted: &str) -> &str {
    dotted.split('.').next().unwrap_or(dotted)
}

/// Whether `text` has a template in it.
fn is_template(text: &str) -> bool {
    text.contains("{{")
}

/// The names that a text uses, and where it stands in the file.
pub type NamesAt = (Names, Range<usize>);

/// The names that the templates of `node` use.
///
/// # Errors
/// A template that cannot be read.
pub fn names_in(node: &Node) -> Result<Vec<NamesAt>, Vec<Problem>> {
    let (mut names, mut problems) = (Vec::new(), Vec::new());
    node.each_text(&mut |text, span| {
        if is_template(text) {
            match names_of(text) {
                Ok(found) => names.push((found, span.clone())),
                Err(reason) => problems.push(Problem::at(span.clone(), reason)),
            }
        }
    });
    if problems.is_empty() { Ok(names) } else { Err(problems) }
}

fn names_of(text: &str) -> Result<Names, String> {
    let template = ENGINE.template_from_str(text).map_err(|error| unreadable(&error))?;
    let known = |name: &String| FUNCTIONS.contains(&name.as_str());
    Ok(template
        .undeclared_variables(true)
        .into_iter()
        .filter(|name| !known(name) && !falls_back(text, name))
        .collect())
}

/// Whether `name` is a variable of the process that is not set and need not be: `{{ env.API_URL | default("…") }}`.
fn falls_back(text: &str, name: &str) -> bool {
    let Some(variable) = name.strip_prefix("env.") else {
        return false;
    };
    let mut uses = text.split(name).skip(1).map(str::trim_start);
    let with_default = |rest: &str| {
        let filter = rest.strip_prefix('|').map(str::trim_start);
        filter.is_some_and(|filter| filter.starts_with("default("))
    };
    uses.all(with_default) && process_variable(variable).is_none()
}

/// A variable of the process. An empty one counts as not set: CI systems hand over a secret that they do not have as "".
#[must_use]
pub fn process_variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn unreadable(error: &minijinja::Error) -> String {
    let detail = error.detail().unwrap_or("it cannot be read");
    format!("bad template: {detail}; write for instance {{{{ name }}}} or {{{{ check.value }}}}")
}

/// `node` with every template filled.
///
/// # Errors
/// Every template that cannot be filled.
pub fn render(node: &Node, scope: &Scope) -> Result<Node, Vec<Problem>> {
    let (rendered, problems) = render_partly(node, scope);
    if problems.is_empty() {
        Ok(rendered)
    } else {
        Err(problems)
    }
}

/// `node` with every template filled, a placeholder where one cannot be, and what is wrong with those.
#[must_use]
pub fn render_partly(node: &Node, scope: &Scope) -> (Node, Vec<Problem>) {
    let mut problems = Vec::new();
    let rendered = fill(node, scope, &mut problems);
    (rendered, problems)
}

fn fill(node: &Node, scope: &Scope, problems: &mut Vec<Problem>) -> Node {
    let value = match &node.value {
        Tree::Text(text) if is_template(text) => match render_text(text, scope) {
            Ok(json) => return Node::from_json(&json, &node.span),
            Err(reason) => {
                problems.push(Problem::at(node.span.clone(), reason));
                Tree::Text(placeholder(text))
            }
        },
        Tree::List(items) => Tree::List(items.iter().map(|item| fill(item, scope, problems)).collect()),
        Tree::Table(table) => {
            let entries = table.0.iter().map(|entry| Entry {
                key: fill_key(entry, scope, problems),
                key_span: entry.key_span.clone(),
                node: fill(&entry.node, scope, problems),
            });
            Tree::Table(Table(entries.collect()))
        }
        plain => plain.clone(),
    };
    Node::new(node.span.clone(), value)
}

/// A key is text, whatever the value that stands in it: a route with an id, a statement.
fn fill_key(entry: &Entry, scope: &Scope, problems: &mut Vec<Problem>) -> String {
    if !is_template(&entry.key) {
        return entry.key.clone();
    }
    match render_text(&entry.key, scope) {
        Ok(Json::String(filled)) => filled,
        Ok(other) => other.to_string(),
        Err(reason) => {
            problems.push(Problem::at(entry.key_span.clone(), reason));
            placeholder(&entry.key)
        }
    }
}

/// `text` with its templates filled; the value itself where the whole text is one expression.
///
/// # Errors
/// A sentence that says why it cannot be filled.
pub fn render_text(text: &str, scope: &Scope) -> Result<Json, String> {
    if !is_template(text) {
        return Ok(Json::String(text.to_owned()));
    }
    let names = names_of(text)?;
    let open = names.iter().any(|name| scope.is_open(name));
    let context = scope.context(&names);
    if let Some(expression) = sole_expression(text) {
        if open {
            return Ok(Json::String(format!("⟨{}⟩", expression.trim())));
        }
        let expression = ENGINE
            .compile_expression(expression)
            .map_err(|error| unreadable(&error))?;
        let value = expression.eval(context).map_err(|error| failed(text, &error))?;
        if value.is_undefined() {
            return Err(format!("{text} has no value"));
        }
        return serde_json::to_value(&value).map_err(|error| format!("{text}: {error}"));
    }
    match ENGINE.render_str(text, context) {
        Ok(filled) => Ok(Json::String(filled)),
        Err(_) if open => Ok(Json::String(placeholder(text))),
        Err(error) => Err(failed(text, &error)),
    }
}

/// Whether the whole text is one expression.
#[must_use]
pub fn is_expression(text: &str) -> bool {
    sole_expression(text).is_some()
}

/// `text` with its templates standing for values that are not known.
fn placeholder(text: &str) -> String {
    text.replace("{{", "⟨").replace("}}", "⟩")
}

fn failed(text: &str, error: &minijinja::Error) -> String {
    let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    format!("cannot fill in {text}: {detail}")
}

/// What stands between the braces, where that is the whole text.
fn sole_expression(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("{{")?.strip_suffix("}}")?;
    (!inner.contains("{{") && !inner.contains("}}")).then_some(inner)
}

/// Whether `text` holds a value that is not known yet.
#[must_use]
pub fn is_placeholder(text: &str) -> bool {
    text.contains('⟨') && text.contains('⟩')
}

/// Whether a value counts as true for `when`: not false, null, zero, or empty.
#[must_use]
pub fn truthy(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::Bool(yes) => *yes,
        Json::Number(number) => number.as_f64() != Some(0.0),
        Json::String(text) => !text.is_empty() && text != "false",
        Json::Array(items) => !items.is_empty(),
        Json::Object(fields) => !fields.is_empty(),
    }
}

/// A value that is not known yet; so is everything in it.
#[derive(Debug)]
struct Placeholder(String);

impl Object for Placeholder {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        Some(Value::from_object(Self(format!("{}.{key}", self.0))))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "⟨{}⟩", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn scope() -> Scope {
        Scope {
            vars: Rc::new([("n".to_owned(), json!(3)), ("list".to_owned(), json!([1, 2]))].into()),
            env: Rc::new([("KEY".to_owned(), "k-1".to_owned())].into()),
            captures: [("login".to_owned(), json!({ "token": "t" }))].into(),
            pending: Rc::new(["later".to_owned()].into()),
            awaited: Rc::default(),
            of_pack: false,
        }
    }

    fn filled(text: &str) -> Result<Json, String> {
        render_text(text, &scope())
    }

    #[test]
    fn one_expression_keeps_its_type_and_text_around_it_makes_text() {
        assert_eq!(filled("{{ n }}"), Ok(json!(3)));
        assert_eq!(filled("{{ n + 1 }}"), Ok(json!(4)));
        assert_eq!(filled("{{ list }}"), Ok(json!([1, 2])));
        assert_eq!(filled("/a/{{ n }}/{{ login.token }}"), Ok(json!("/a/3/t")));
        assert_eq!(filled("{{ n }}{{ n }}"), Ok(json!("33")));
        assert_eq!(filled("Bearer {{ env.KEY }}"), Ok(json!("Bearer k-1")));
        assert_eq!(filled("plain } { text"), Ok(json!("plain } { text")));
    }

    #[test]
    fn what_is_not_known_yet_stands_as_a_placeholder() {
        assert_eq!(filled("{{ later.id }}"), Ok(json!("⟨later.id⟩")));
        assert_eq!(filled("/x/{{ later.id }}?n={{ n }}"), Ok(json!("/x/⟨later.id⟩?n=3")));
        assert_eq!(
            filled("/x/{{ later.id | int + 1 }}"),
            Ok(json!("/x/⟨ later.id | int + 1 ⟩"))
        );
        assert_eq!(filled("{{ env.UNSET }}"), Ok(json!("⟨env.UNSET⟩")));
    }

    #[test]
    fn a_variable_of_the_process_may_have_a_default() {
        assert_eq!(filled("{{ env.UNSET | default('x') }}"), Ok(json!("x")));
        assert_eq!(filled("a {{ env.UNSET|default(n) }}"), Ok(json!("a 3")));
        assert!(names_of("{{ env.UNSET | default('x') }}").unwrap().is_empty());
        let text = "{{ env.UNSET | default('x') }} {{ env.UNSET }}";
        assert_eq!(names_of(text).unwrap(), ["env.UNSET".to_owned()].into());
    }

    #[test]
    fn an_undefined_name_is_an_error() {
        assert!(filled("{{ nobody }}").is_err());
        assert!(filled("a {{ nobody.x }}").is_err());
        assert!(filled("{{ login.nothing }}").is_err());
        assert!(filled("{{ n").unwrap_err().starts_with("bad template: "));
    }

    #[test]
    fn names_are_dotted() {
        let names = names_of("{{ login.token }} {{ env.X }} {{ n + uuid() }}").unwrap();
        assert_eq!(names, ["env.X", "login.token", "n"].map(str::to_owned).into());
    }
}
