//! `smoke explain`: what a check would send and expects, in what order and why. Sends nothing.

use std::fmt::Write as _;
use std::path::Path;

use clap::Args as ClapArgs;

use crate::outcome::Exit;
use crate::plan::{Plan, PlannedCheck};
use crate::suite::{Matcher, Mistake, Node, Value, decode, one_of, spoken, toml_of};

use super::select::{Select, dry};
use super::{Failure, print};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The environment, as in [env.NAME] of smoke.toml
    environment: String,
    /// The check: `kind.name`, `name`, or `suite/kind.name`
    check: String,
    #[command(flatten)]
    select: Select,
}

impl Args {
    pub(super) fn run(&self, project: Option<&Path>) -> Result<Exit, Failure> {
        let plan = dry(project, &self.environment, self.select.request())?;
        let found: Vec<usize> = (0..plan.checks.len())
            .filter(|at| self.means(&plan.checks[*at]))
            .collect();
        if found.is_empty() {
            let names: Vec<String> = plan.checks.iter().map(|check| check.id.to_string()).collect();
            let hint = one_of(&self.check, names.iter().map(String::as_str));
            let mistake = Mistake::nowhere(format!(
                "environment `{}` has no check `{}`",
                self.environment, self.check
            ));
            return Err(Mistake { hint, ..mistake }.into());
        }
        let mut text = String::new();
        for at in found {
            explain(&plan, at, &mut text);
        }
        print(&plan.secrets.redact(&text))?;
        Ok(Exit::Passed)
    }

    fn means(&self, check: &PlannedCheck) -> bool {
        let id = &check.id;
        let base = id.name.split('[').next().unwrap_or(&id.name);
        let used = check.used.iter();
        if used
            .flat_map(|used| [used.clone(), format!("use.{used}")])
            .any(|name| name == self.check)
        {
            return check.cleans.is_none();
        }
        let names = [
            id.name.clone(),
            id.to_string(),
            format!("{}/{id}", id.suite),
            base.to_owned(),
            format!("{}.{base}", id.kind),
        ];
        check.cleans.is_none() && names.contains(&self.check)
    }
}

fn explain(plan: &Plan, at: usize, text: &mut String) {
    let check = &plan.checks[at];
    let head = format!("{}   {}", check.id, check.title);
    let _ = writeln!(text, "{}", head.trim_end());
    let _ = writeln!(text, "  written at  {}", check.place.address());
    if let Some(place) = &check.pack_place {
        let _ = writeln!(text, "  from        {}", place.address());
    }
    if let Some(skip) = &check.skip {
        let _ = writeln!(text, "  would be skipped: {skip}");
    }
    if let Some(protocol) = check.entry.speaks {
        let address = plan.deployment.address(protocol, &check.endpoint);
        let address = address.unwrap_or_else(|| format!("{} endpoint `{}`", protocol.name(), check.endpoint));
        let _ = writeln!(text, "  looks at    {address}");
    }
    let _ = writeln!(
        text,
        "  effect      {}, at most {} an attempt",
        check.effect,
        spoken(check.timeout + check.check.patience())
    );
    waits(plan, at, text);
    let _ = writeln!(text, "  sends");
    steps(check, text);
    for (at, line) in expectations(check).iter().enumerate() {
        let head = if at == 0 { "  judged by\n" } else { "" };
        let _ = writeln!(text, "{head}    {line}");
    }
    for step in plan.checks.iter().filter(|step| step.cleans == Some(at)) {
        let _ = writeln!(text, "  at the end, whatever happened, it cleans up");
        steps(step, text);
    }
    for (name, capture) in check.capture.iter() {
        let _ = writeln!(
            text,
            "  hands over  {{{{ {}.{name} }}}} from {}",
            check.id.name, capture.from
        );
    }
    text.push('\n');
}

fn steps(check: &PlannedCheck, text: &mut String) {
    for step in check.check.steps() {
        for line in step.lines() {
            let _ = writeln!(text, "    {line}");
        }
    }
}

/// What the table says besides what is sent, one line a value.
fn expectations(check: &PlannedCheck) -> Vec<String> {
    let steps = check.check.steps().join("\n");
    let told = |node: &Node| matches!(&node.value, Value::Text(text) if text.contains(' ') && steps.contains(text));
    let mut lines = Vec::new();
    if let Some(Value::Table(table)) = check.table.as_ref().map(|node| &node.value) {
        let sent = |key: &str| check.entry.groups.iter().any(|group| group.field == key);
        for entry in table.0.iter().filter(|entry| !sent(&entry.key) && !told(&entry.node)) {
            let name = if entry.key == "expect" { "" } else { &entry.key };
            state(name, &entry.node, &mut lines);
        }
    }
    lines
}

/// A table of operators says what is expected; any other one is looked into.
fn state(name: &str, node: &Node, lines: &mut Vec<String>) {
    match (decode::<Matcher>(node, &[]), &node.value) {
        (Ok(matcher), _) => lines.push(format!("{name}: {}", matcher.describe())),
        (Err(_), Value::Table(table)) => {
            for entry in &table.0 {
                state(format!("{name} {}", entry.key).trim_start(), &entry.node, lines);
            }
        }
        (Err(_), _) => lines.push(format!("{name}: {}", toml_of(&node.to_json()))),
    }
}

/// Everything that runs before it, and why.
fn waits(plan: &Plan, at: usize, text: &mut String) {
    for gate in plan
        .checks
        .iter()
        .enumerate()
        .filter(|(gate, check)| check.gate.is_some() && *gate != at)
    {
        let _ = writeln!(text, "  waits for   {}: nothing starts before it is open", gate.1.id);
    }
    let check = &plan.checks[at];
    for need in &check.needs {
        let why = if check.cookies_of == Some(*need) {
            "for its cookies"
        } else {
            "for what it hands over, or for order"
        };
        let _ = writeln!(text, "  waits for   {}: {why}", plan.checks[*need].id);
    }
}
