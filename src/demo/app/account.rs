//! Who may log in.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// A user of the demo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::demo) struct Account {
    pub(in crate::demo) id: String,
    pub(in crate::demo) email: String,
    pub(in crate::demo) role: String,
    pub(in crate::demo) password_hash: String,
}

impl Account {
    /// What is stored of a password. A system that lives longer than a demo takes a slow hash, such as Argon2.
    pub(in crate::demo) fn hash(salt: &str, password: &str) -> String {
        let mac = Hmac::<Sha256>::new_from_slice(salt.as_bytes()).map(|mac| mac.chain_update(password));
        let digest = mac.map(|mac| hex(&mac.finalize().into_bytes())).unwrap_or_default();
        format!("{salt}${digest}")
    }

    pub(super) fn accepts(&self, password: &str) -> bool {
        match self.password_hash.split_once('$') {
            Some((salt, _)) => Self::hash(salt, password) == self.password_hash,
            None => false,
        }
    }

    pub(super) fn is_admin(&self) -> bool {
        self.role == "admin"
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_itself_is_accepted() {
        let account = Account {
            id: "a".to_owned(),
            email: "a@demo.example".to_owned(),
            role: "user".to_owned(),
            password_hash: Account::hash("salt", "right"),
        };
        assert!(account.accepts("right"));
        assert!(!account.accepts("wrong") && !account.accepts(""));
    }
}
