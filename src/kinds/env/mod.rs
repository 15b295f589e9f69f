//! `env`: the configuration is there, well-formed, and nobody's example.

mod entropy;
mod facts;
mod judge;
mod placeholder;
mod rule;
mod source;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::deployment::{Protocol, Target, Unobserved};
use crate::outcome::Finding;
use crate::suite::{Entries, Problem, Spanned};

use super::Kind;
use facts::Fact;
use rule::Rule;

/// The configuration is set, well-formed, and not the one of the guide.
///
/// A service with `JWT_SECRET=your-random-jwt-secret-min-32-chars` starts, serves, and lets everybody in who has read
/// the same guide. One that lacks a variable falls back to a default that was meant for a laptop. This check looks at
/// the variables themselves. Their values never leave it: what it notes is whether a value is there, how long it is, how
/// hard to guess, and which of the rules hold.
///
/// ```toml
/// [env.backend]
/// title = "The backend is configured for production"
/// command = ["railway", "variables", "--json"]
/// present = ["SENTRY_DSN", "LOG_LEVEL"]
/// absent = ["META_ACCESS_TOKEN", "SHADOW_DATABASE_URL"]
/// required.NODE_ENV = "production"
/// required.DATABASE_URL = { url = "postgres", user = "app_user", tls = true }
/// required.REDIS_URL = { url = ["redis", "rediss"] }
/// required.JWT_SECRET = { min_length = 32, entropy = 128 }
/// required.TOKEN_ENCRYPTION_KEY = { fernet = true }
/// required.OPENAI_API_KEY = { prefix = "sk-" }
/// required.STRIPE_SECRET_KEY = { prefix = ["sk_live_", "rk_live_"] }
/// required.GOOGLE_CLIENT_ID = { suffix = ".apps.googleusercontent.com" }
/// required.SUPABASE_ANON_KEY = { jwt_role = "anon" }
/// required.SUPABASE_SERVICE_ROLE_KEY = { jwt_role = "service_role" }
/// required.GEMINI_API_KEY = { optional = true, matches = "^AIza" }
/// different = [["JWT_SECRET", "NEXTAUTH_SECRET", "ADMIN_SECRET_KEY"]]
/// same = [["REDIS_URL", "QUEUE_REDIS_URL"]]
/// ```
///
/// Where the variables are (without either, those of smoke's own process):
///
///   file      a file of NAME=value lines, relative to the project's folder
///   command   a program that prints them and changes nothing; each word is one argument, there is no shell. It may print
///             NAME=value lines, JSON ({ NAME: value }, or a list of { name, value }), or, as
///             `flyctl secrets list --json` and `gh secret list` do, names alone. What is said of a value is then unclear.
///
/// What must be true of them:
///
///   present   names that must be set
///   absent    names that must not be set, or only to nothing
///   required  what the value of a name must be. A text or number: exactly that. Or a table of:
///               min_length  so many characters at least
///               length      exactly so many
///               entropy     so many bits at least, as estimated from the variety of characters; runs, repetitions and
///                           common words count little. 32 random characters have well over 100.
///               prefix      how it begins, or a list of those
///               suffix      how it ends, or a list of those
///               matches     a regular expression
///               one_of      a list of values that are allowed
///               not_one_of  a list of values that are not
///               url         the scheme of a URL, or a list of those; "postgres" is also "postgresql". The host must not be
///                           this machine (localhost) unless local = true.
///               user        the user in a URL
///               tls         true: the URL asks for TLS (https, rediss, sslmode=require or stricter, …)
///               local       true: a URL may lead to localhost
///               fernet      true: a Fernet key, 32 bytes in URL-safe base64
///               jwt_role    the role in a JWT that has not expired: "anon", "service_role". Supabase's newer keys
///                           (sb_publishable_…, sb_secret_…) have the same two.
///               optional    true: it may be missing; where it is set, the rest holds
///               example     true: it may look like an example
///             (from a file or a program, name one in `present` as well, so that the right ones are looked at)
///   same      lists of names whose values must be equal
///   different lists of names whose values must all differ
///
/// Everything `present` or `required` must also be more than blanks, without quotes or blanks around it (a sign that a
/// tool took them as part of the value), and not an example: your-…, <…>, sk-..., changeme, xxx, $(openssl …), a
/// well-known default, user:pass@host.
///
/// A failure:
///
///   FAILED  env.backend   The backend is configured for production
///     suites/app.toml:9:23
///       JWT_SECRET   expected: a value of your own   seen: an example: it says "your-…"
///       try: set JWT_SECRET to a value made for this deployment, then deploy again
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Env {
    /// A file of NAME=value lines.
    file: Option<Spanned<String>>,
    /// A program that prints the variables.
    command: Option<Spanned<Vec<String>>>,
    /// Names that must be set.
    #[serde(default)]
    present: Vec<Spanned<String>>,
    /// Names that must not be set.
    #[serde(default)]
    absent: Vec<Spanned<String>>,
    /// What the value of a name must be.
    #[serde(default)]
    required: Entries<Rule>,
    /// Lists of names whose values must be equal.
    #[serde(default)]
    same: Vec<Spanned<Vec<String>>>,
    /// Lists of names whose values must all differ.
    #[serde(default)]
    different: Vec<Spanned<Vec<String>>>,
}

/// What is known of the variables: facts, never values.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Seen {
    /// Where they are, as a phrase.
    source: String,
    /// How many there are.
    count: usize,
    /// In the order of `present`.
    present: Vec<Fact>,
    /// In the order of `absent`.
    absent: Vec<Fact>,
    /// In the order of `required`.
    required: Vec<Fact>,
    /// In the order of `same`.
    same: Vec<Compared>,
    /// In the order of `different`.
    different: Vec<Compared>,
}

/// How the values of some names compare.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Compared {
    /// Those without a known value.
    unknown: Vec<String>,
    /// Groups of names whose values are equal, of two and more.
    equal: Vec<Vec<String>>,
}

impl Kind for Env {
    const NAME: &'static str = "env";
    const SPEAKS: Option<Protocol> = None;
    type Seen = Seen;

    fn mistakes(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let (Some(file), Some(_)) = (&self.file, &self.command) {
            problems.push(Problem::at(
                file.span(),
                "`file` and `command` both say where the variables are",
            ));
        }
        if let Some(command) = self.command.as_ref().filter(|command| command.is_empty()) {
            problems.push(Problem::at(command.span(), "there is no program to run"));
        }
        for name in &self.absent {
            let wanted = self.present.iter().any(|other| **other == **name)
                || self
                    .required
                    .iter()
                    .any(|(other, rule)| *other == **name && !rule.optional);
            if wanted {
                let message = format!("`{}` cannot be both absent and there", name.as_str());
                problems.push(Problem::at(name.span(), message));
            }
        }
        let elsewhere = self.file.is_some() || self.command.is_some();
        let others = self.present.len() + self.required.iter().count() + self.same.len() + self.different.len();
        if let Some(name) = self.absent.first().filter(|_| elsewhere && others == 0) {
            let problem = Problem::at(name.span(), "what is absent everywhere proves nothing");
            problems
                .push(problem.hint("name in `present` a variable that is there, so that the right ones are looked at"));
        }
        for group in self.same.iter().chain(&self.different).filter(|group| group.len() < 2) {
            problems.push(Problem::at(group.span(), "it takes two names to compare"));
        }
        let contradictory = self
            .required
            .iter()
            .filter_map(|(_, rule)| Some((rule.span(), rule.mistake()?)));
        problems.extend(contradictory.map(|(span, message)| Problem::at(span, message)));
        problems
    }

    fn expects_nothing(&self) -> bool {
        self.present.is_empty()
            && self.absent.is_empty()
            && self.required.is_empty()
            && self.same.is_empty()
            && self.different.is_empty()
    }

    fn steps(&self) -> Vec<String> {
        vec![match (&self.file, &self.command) {
            (Some(file), _) => format!("read {}", file.as_str()),
            (None, Some(command)) => format!("run {}, and read what it prints", command.join(" ")),
            (None, None) => "look at the variables of this process".to_owned(),
        }]
    }

    async fn observe(&self, target: &Target<'_>) -> Result<Seen, Unobserved> {
        let (source, variables) = match (&self.file, &self.command) {
            (Some(file), _) => (file.as_str().to_owned(), source::file(target, file).await?),
            (None, Some(command)) => {
                let program = command.first().cloned().unwrap_or_default();
                (program, source::program(target, command).await?)
            }
            (None, None) => ("the environment of smoke".to_owned(), source::process()),
        };
        Ok(Seen::of(self, source, &variables))
    }

    fn judge(&self, seen: &Seen) -> Vec<Finding> {
        judge::judge(self, seen)
    }
}

#[cfg(test)]
mod tests;
