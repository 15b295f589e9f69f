use super::*;
use crate::kinds::testing::{kind, lines, mistakes};

fn document(name: &str, role: Role) -> Document {
    Document {
        name: name.to_owned(),
        role,
        index: 0,
        status: 200,
        cut: false,
        leaked: Vec::new(),
        contains: Vec::new(),
        lacks: Vec::new(),
        mixed: Vec::new(),
        map: None,
        reveals: Vec::new(),
    }
}

fn seen(documents: Vec<Document>) -> Seen {
    Seen {
        control: 404,
        documents,
        ..Seen::default()
    }
}

fn judged(table: &str, seen: &Seen) -> String {
    lines(&kind::<Leak>(table).judge(seen))
}

#[test]
fn nothing_found_is_said_with_what_was_looked_at() {
    let seen = seen(vec![document("/", Role::Page), document("/a.js", Role::Asset)]);
    assert_eq!(
        judged("lacks = [\"localhost\"]", &seen),
        "passed lacks \"localhost\": expected nowhere, seen not in 1 pages, 1 scripts and styles\n"
    );
}

#[test]
fn without_anything_to_look_at_it_is_unclear() {
    let mut page = document("/", Role::Page);
    page.status = 404;
    let lines = judged("pages = [\"/\"]\ncontains = [\"pk_live_\"]", &seen(vec![page]));
    assert!(
        lines.starts_with("unclear /: expected a page to look at, seen status 404"),
        "{lines}"
    );
    assert!(lines.contains("unclear contains \"pk_live_\""), "{lines}");
}

#[test]
fn a_secret_is_described_where_it_stands() {
    let mut script = document("/a.js", Role::Asset);
    script.leaked.push(Leaked {
        what: "a Stripe secret key".to_owned(),
        shown: "sk_live_51Hx…, 107 characters".to_owned(),
        line: 3,
        given: None,
    });
    assert_eq!(
        judged("", &seen(vec![document("/", Role::Page), script])),
        "failed /a.js, line 3: expected no secret, seen a Stripe secret key (sk_live_51Hx…, 107 characters) (try: revoke it, \
         since it was public; then keep it out of the variables that the front end's build reads)\n"
    );
}

#[test]
fn what_is_contradictory_is_a_mistake() {
    assert_eq!(
        mistakes::<Leak>("never = [\"short\"]"),
        ["a value so short is found by chance"]
    );
    assert_eq!(mistakes::<Leak>("paths = [\"x\"]"), ["`x` is not a path"]);
    assert_eq!(
        mistakes::<Leak>("pages = []\ncontains = [\"x\"]"),
        ["`contains` is about pages, and there are none"]
    );
    assert!(kind::<Leak>("pages = []\nusual = false").expects_nothing());
    assert!(!kind::<Leak>("").expects_nothing());
}
