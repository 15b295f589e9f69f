//! What the role itself is: its attributes, and the roles that it is a member of.

use super::super::observe::RoleSeen;
use super::super::rights::{Attribute, Right as _};
use crate::deployment::postgres::identifier;
use crate::outcome::Finding;

pub(super) fn judge_superuser(role: &RoleSeen) -> Finding {
    let superuser = role.attributes.iter().any(|attribute| attribute == "superuser");
    let told = if superuser {
        "a superuser: nothing is forbidden to it"
    } else {
        "not one"
    };
    Finding::expect(!superuser, format!("role {}", role.name), "not a superuser", told).hint(format!(
        "connect as another role, or: alter role {} nosuperuser",
        identifier(&role.name)
    ))
}

pub(super) fn judge_attribute(role: &RoleSeen, attribute: Attribute, must: bool) -> Finding {
    let word = attribute.word();
    let has = |role: &RoleSeen| role.attributes.iter().any(|attribute| attribute == word);
    let name = identifier(&role.name);
    let what = format!("role {}", role.name);
    if must {
        return Finding::expect(
            has(role),
            what,
            word,
            if has(role) {
                word.to_owned()
            } else {
                format!("no {word}")
            },
        )
        .hint(format!("alter role {name} {word}"));
    }
    let through: Vec<&str> = role
        .member_of
        .iter()
        .filter(|above| has(above))
        .map(|above| above.name.as_str())
        .collect();
    // Only what a member can do by becoming the other role; to be able to log in is no such thing.
    let through = if attribute == Attribute::Login {
        Vec::new()
    } else {
        through
    };
    let expected = format!("no {word}");
    if has(role) {
        return Finding::failed(what, expected, word).hint(format!("alter role {name} no{word}"));
    }
    if !through.is_empty() {
        return Finding::failed(what, expected, format!("{word}, by becoming {}", through.join(", ")))
            .hint(format!("revoke {} from {name}", identifier(through[0])));
    }
    Finding::passed(what, &expected, &expected)
}

pub(super) fn judge_membership(role: &RoleSeen, wanted: &str, must: bool) -> Finding {
    let member = role.member_of.iter().any(|above| above.name == wanted);
    let told = |member: bool| format!("{} of {wanted}", if member { "a member" } else { "no member" });
    let verb = if must { "grant" } else { "revoke" };
    let to = if must { "to" } else { "from" };
    Finding::expect(member == must, format!("role {}", role.name), told(must), told(member)).hint(format!(
        "{verb} {} {to} {}",
        identifier(wanted),
        identifier(&role.name)
    ))
}
