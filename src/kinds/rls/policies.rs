//! Judges the policies as they are written in the catalogue.

use crate::deployment::postgres::Policy;
use crate::outcome::Finding;

use super::Command;
use super::judge::OneTable;

impl Command {
    pub(super) const WRITES: [Self; 3] = [Self::Insert, Self::Update, Self::Delete];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Select => "select",
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    fn covered_by(self, policy: &Policy) -> bool {
        policy.command == "all" || policy.command == self.name()
    }
}

impl OneTable<'_> {
    pub(super) fn judge_policies(&self, findings: &mut Vec<Finding>) {
        let wanted = self.rls.policies.iter().filter(|(table, _)| table == self.name);
        for (command, roles) in wanted.flat_map(|(_, commands)| commands.iter()) {
            findings.push(self.judge_exact(*command, roles).at(roles.span()));
        }
        if !self.rls.writes {
            return;
        }
        let tried = [&self.rls.roles.anon, &self.rls.roles.user];
        for policy in self.table.policies.iter().filter(|policy| policy.permissive) {
            let Some(command) = always_true(policy, &self.table.policies) else {
                continue;
            };
            if policy
                .roles
                .iter()
                .any(|role| role == "public" || tried.contains(&role))
            {
                let what = format!("{}: policy \"{}\"", self.name, policy.name);
                let seen = format!("lets {} {command} any row", policy.roles.join(", "));
                findings.push(
                    Finding::failed(what, "a condition on the row", seen)
                        .hint("name the role it is meant for (`to service_role`), or compare the row's owner"),
                );
            }
        }
    }

    fn judge_exact(&self, command: Command, wanted: &[String]) -> Finding {
        let permissive = self
            .table
            .policies
            .iter()
            .filter(|policy| policy.permissive && command.covered_by(policy));
        let mut have: Vec<&str> = permissive
            .flat_map(|policy| policy.roles.iter().map(String::as_str))
            .collect();
        have.sort_unstable();
        have.dedup();
        let mut wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let say = |roles: &[&str]| {
            if roles.is_empty() {
                "nobody".to_owned()
            } else {
                roles.join(", ")
            }
        };
        let what = format!("{}: policies for {}", self.name, command.name());
        Finding::expect(have == wanted, what, say(&wanted), say(&have))
    }

    /// The permissive policies that could have let `role` do it.
    pub(super) fn blame(&self, command: Command, role: &str) -> String {
        let policies = self.table.policies.iter().filter(|policy| {
            policy.permissive
                && command.covered_by(policy)
                && policy.roles.iter().any(|name| name == "public" || name == role)
        });
        let names: Vec<String> = policies.map(|policy| format!("\"{}\"", policy.name)).collect();
        match names.len() {
            0 => String::new(),
            1 => format!(" (policy {})", names[0]),
            _ => format!(" (one of the policies {})", names.join(", ")),
        }
    }
}

/// The command that `policy` allows on every row; none if it has a condition, or a restrictive one stands beside it.
fn always_true<'a>(policy: &'a Policy, all: &[Policy]) -> Option<&'a str> {
    let yes = |condition: &Option<String>| condition.as_deref() == Some("true");
    let open = match policy.command.as_str() {
        "insert" => yes(&policy.check),
        // A check on the new row does not help: any row can be taken over, or emptied, or deleted.
        "update" | "delete" | "all" => yes(&policy.using),
        _ => false,
    };
    let restricted = all
        .iter()
        .any(|other| !other.permissive && (other.command == "all" || other.command == policy.command));
    let command = if policy.command == "all" {
        "write"
    } else {
        policy.command.as_str()
    };
    (open && !restricted).then_some(command)
}
