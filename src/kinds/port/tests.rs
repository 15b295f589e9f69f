use super::super::testing::{kind, lines, mistakes};
use super::*;

fn knocked(address: &str, answers: &[Answer]) -> Knocked {
    let each = answers.iter().map(|answer| ("203.0.113.7".to_owned(), answer.clone()));
    Knocked {
        address: address.to_owned(),
        answers: Ok(each.collect()),
    }
}

fn judged(open: &[Answer], closed: &[Answer]) -> String {
    let port: Port = kind("open = ['api:443']\nclosed = ['db:5432']");
    lines(&port.judge(&Seen {
        open: vec![knocked("api:443", open)],
        closed: vec![knocked("db:5432", closed)],
    }))
}

#[test]
fn a_filtered_port_is_told_from_one_that_refuses() {
    let silent = judged(&[Answer::Open], &[Answer::Silent]);
    assert_eq!(
        silent,
        "passed api:443: expected open, seen 203.0.113.7 takes connections\n\
         passed db:5432: expected closed, seen 203.0.113.7 did not answer within 3s: \
         a firewall drops it, or the host is down\n"
    );
    assert!(
        judged(&[Answer::Open], &[Answer::Refused])
            .contains("passed db:5432: expected closed, seen 203.0.113.7 refuses")
    );
    assert!(judged(&[Answer::Open], &[Answer::Barred]).contains("passed db:5432"));
    assert!(judged(&[Answer::Silent], &[]).contains("failed api:443: expected open, seen 203.0.113.7 did not answer"));
    assert!(judged(&[Answer::Silent], &[]).contains("try: let this machine through the firewall"));
    assert!(judged(&[Answer::Refused], &[]).contains("try: start the server"));
}

#[test]
fn one_open_address_of_many_is_open() {
    assert!(judged(&[Answer::Open], &[Answer::Refused, Answer::Open]).contains("failed db:5432: expected closed"));
    assert!(judged(&[Answer::Refused, Answer::Open], &[]).contains("passed api:443"));
}

#[test]
fn who_reaches_nothing_has_seen_nothing() {
    let blind = judged(&[Answer::Silent], &[Answer::Silent]);
    assert!(
        blind.contains("unclear db:5432") && blind.contains("this proves nothing"),
        "{blind}"
    );
    let no_way = || Answer::NoWay("Network is unreachable".to_owned());
    assert!(judged(&[no_way()], &[no_way()]).starts_with("unclear api:443"));
    assert!(judged(&[Answer::Open], &[no_way()]).contains("unclear db:5432"));
    assert!(judged(&[Answer::Open], &[no_way(), Answer::Refused]).contains("passed db:5432"));
    // What is open is open, whatever else was reached.
    assert!(judged(&[Answer::Silent], &[Answer::Open]).contains("failed db:5432"));
}

#[test]
fn a_name_without_address_is_unclear() {
    let port: Port = kind("open = ['api:443']\nclosed = ['db:5432']");
    let lost = |address: &str| Knocked {
        address: address.to_owned(),
        answers: Err("the name does not resolve".to_owned()),
    };
    let told = lines(&port.judge(&Seen {
        open: vec![lost("api:443")],
        closed: vec![lost("db:5432")],
    }));
    assert_eq!(told.matches("unclear").count(), 2, "{told}");
}

#[test]
fn an_address_is_a_host_and_a_port_or_a_url() {
    let of = |text: &str| host_and_port(text).map(|(host, port)| joined(&host, port));
    assert_eq!(of("db.example.com:5432").unwrap(), "db.example.com:5432");
    assert_eq!(of("[::1]:80").unwrap(), "[::1]:80");
    assert_eq!(
        of("postgresql://u:p@db.example.com/app").unwrap(),
        "db.example.com:5432"
    );
    assert_eq!(of("rediss://:p@r.example:6380").unwrap(), "r.example:6380");
    assert_eq!(of("https://x.example").unwrap(), "x.example:443");
    for wrong in ["db", "db:x", "db:0", ":80", "::1:80", "u:p@db:80", "ftps-x://h"] {
        assert!(of(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn closed_alone_is_a_mistake() {
    assert_eq!(
        mistakes::<Port>("closed = ['db:5432']"),
        ["`closed` proves nothing without an `open` that is reached from here"]
    );
    assert_eq!(mistakes::<Port>("open = ['db']"), ["an address without a port"]);
    assert!(kind::<Port>("").expects_nothing());
    assert!(mistakes::<Port>("open = ['a:1']\nclosed = ['b:2']").is_empty());
}
