//! Reports.
#![allow(missing_docs)]
pub fn block(o: &crate::outcome::Outcome) -> String {
    o.reason()
}
