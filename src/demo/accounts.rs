//! Who has an account in the demo, with passwords that are new for every start.

use uuid::Uuid;

use super::app::Account;

/// The three users: one administrator, two who must not see each other's rows.
#[derive(Debug)]
pub(super) struct Accounts {
    pub(super) admin: (Account, String),
    pub(super) alice: (Account, String),
    pub(super) bob: (Account, String),
}

impl Accounts {
    pub(super) fn new() -> Self {
        Self {
            admin: account(0xada, "admin@demo.example", "admin"),
            alice: account(0xa11ce, "alice@demo.example", "user"),
            bob: account(0xb0b, "bob@demo.example", "user"),
        }
    }

    /// With the names that the SQL files use.
    pub(super) fn by_name(&self) -> [(&'static str, &Account); 3] {
        [("ADMIN", &self.admin.0), ("ALICE", &self.alice.0), ("BOB", &self.bob.0)]
    }
}

/// The account and its password.
fn account(id: u128, email: &str, role: &str) -> (Account, String) {
    let password = secret();
    let account = Account {
        // The same in every demo, so that one report can be compared with another.
        id: Uuid::from_u128(0xde30_0000_0000_4000_8000_0000_0000_0000 | id).to_string(),
        email: email.to_owned(),
        role: role.to_owned(),
        password_hash: Account::hash(&secret(), &password),
    };
    (account, password)
}

/// Something that nobody guesses, of letters and digits.
pub(super) fn secret() -> String {
    Uuid::new_v4().simple().to_string()
}
