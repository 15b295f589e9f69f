//! Where stand-ins are put up: one PostgreSQL for all deployments of a system, and for each deployment a database, a Redis,
//! the application, the programs, and the variables of a run.

use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use axum::Router;
use axum::http::{HeaderMap, Uri};
use axum::response::Redirect;
use serde_json::{Value, json};
use smoke::demo::servers::{Postgres, PostgresOptions, Redis, RedisOptions};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use super::edge::{self, Authority};
use super::{Break, Db, How, PASSWORD, System};
use crate::support::Said;

/// The root of the repository, whose `smoke.toml` and suites are run.
pub(super) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// One system's database server, and a template of its database.
pub(crate) struct Stage {
    system: &'static System,
    authority: Arc<Authority>,
    postgres: Arc<Postgres>,
    databases: AtomicUsize,
}

impl Stage {
    pub(crate) fn new(system: &'static System) -> Self {
        let authority = Arc::new(Authority::new());
        let postgres = Arc::new(start_postgres(system, &authority));
        Self {
            system,
            authority,
            postgres,
            databases: AtomicUsize::new(0),
        }
    }

    /// A deployment of its own, with one promise broken or none.
    pub(crate) fn deploy(&self, broken: Option<&Break>) -> Deployed {
        let postgres = match broken.map(|broken| &broken.how) {
            Some(How::Roles(_)) => Arc::new(start_postgres(self.system, &self.authority)),
            _ => Arc::clone(&self.postgres),
        };
        let database = format!("app_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        execute(
            &postgres,
            "postgres",
            &format!("create database {database} template whole"),
        );
        if let Some(How::Roles(sql) | How::Sql(sql)) = broken.map(|broken| &broken.how) {
            execute(&postgres, &database, sql);
        }
        Deployed::start(self, postgres, database, broken)
    }
}

/// A PostgreSQL with TLS, with the roles of `system`, and its whole database as a template.
fn start_postgres(system: &System, authority: &Authority) -> Postgres {
    let postgres = Postgres::start(&PostgresOptions {
        certificate: Some(authority.certificate(365)),
        ..PostgresOptions::default()
    })
    .unwrap();
    execute(&postgres, "postgres", &system.roles.replace("$PASSWORD$", PASSWORD));
    execute(&postgres, "postgres", "create database whole");
    execute(&postgres, "whole", system.schema);
    postgres
}

fn execute(postgres: &Postgres, database: &str, statements: &str) {
    runtime()
        .block_on(postgres.execute(database, statements))
        .unwrap_or_else(|error| panic!("{database}: {error}\n{statements:.400}"));
}

/// One deployment, running until it is dropped.
pub(crate) struct Deployed {
    system: &'static System,
    broken: Option<&'static str>,
    folder: TempDir,
    postgres: Arc<Postgres>,
    database: String,
    redis: Redis,
    db: Db,
    http: SocketAddr,
    https: SocketAddr,
    plain: SocketAddr,
    variables: Vec<(String, Option<String>)>,
    overrides: Vec<String>,
    /// What of the suite is left out.
    skipped: Option<&'static str>,
    _stop: oneshot::Sender<()>,
}

impl Deployed {
    fn start(stage: &Stage, postgres: Arc<Postgres>, database: String, broken: Option<&Break>) -> Self {
        let system = stage.system;
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("ca.pem"), stage.authority.pem()).unwrap();
        let redis = Redis::start(&RedisOptions {
            password: Some(PASSWORD.to_owned()),
            ..RedisOptions::default()
        })
        .unwrap();
        let url = postgres.url(system.app_role, PASSWORD, &database);
        let ((listener, http), (tls_listener, https), (plain_listener, plain)) =
            (edge::listen(), edge::listen(), edge::listen());
        let (stop, stopped) = oneshot::channel();
        let is = |name| broken.is_some_and(|broken| broken.name == name);
        let mode = if is("database_without_tls") {
            "disable"
        } else {
            "require"
        };
        let mut deployed = Self {
            system,
            broken: broken.map(|broken| broken.name),
            folder,
            db: Db::new(format!("{url}?sslmode={mode}"), stage.authority.der()),
            postgres,
            database,
            redis,
            http,
            https,
            plain,
            variables: Vec::new(),
            overrides: overrides(system, broken),
            skipped: broken
                .filter(|broken| !broken.trips() && system.breaks.iter().any(Break::trips))
                .map(|_| "rate_limit.*"),
            _stop: stop,
        };
        (system.redis)(&deployed);
        if let Some(How::Redis(commands)) = broken.map(|broken| &broken.how) {
            commands.iter().for_each(|words| deployed.redis_command(words));
        }
        deployed.install_programs();
        deployed.variables = deployed.variables(broken);
        let certificate = stage
            .authority
            .certificate(if is("certificate_expired") { -1 } else { 90 });
        let redirect = if is("no_https_redirect") { None } else { Some(https) };
        let app = (system.app)(&deployed);
        thread::spawn(move || {
            runtime().block_on(async {
                tokio::spawn(edge::serve(plain_listener, to_https(redirect)));
                tokio::spawn(edge::terminate_tls(tls_listener, certificate, http));
                tokio::spawn(edge::serve(listener, app));
                let _ = stopped.await;
            });
        });
        deployed
    }

    /// Whether the promise called `name` is the broken one.
    pub(crate) fn broken(&self, name: &str) -> bool {
        self.broken == Some(name)
    }

    /// The name of the broken promise, for handlers that outlive this borrow.
    pub(crate) fn twist(&self) -> Option<&'static str> {
        self.broken
    }

    /// The application's database.
    pub(crate) fn db(&self) -> Db {
        self.db.clone()
    }

    /// A session of `role`, made when it is first used.
    pub(crate) fn db_as(&self, role: &str) -> Db {
        Db::new(
            format!("{}?sslmode=require", self.database_url(role)),
            self.db.authority(),
        )
    }

    /// Where plain HTTP is served.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.http)
    }

    /// Where the same is served over TLS.
    pub(crate) fn secure_url(&self) -> String {
        format!("https://localhost:{}", self.https.port())
    }

    /// What leads to TLS.
    pub(crate) fn plain_url(&self) -> String {
        format!("http://localhost:{}", self.plain.port())
    }

    /// A folder of this deployment, for logs and other files.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The address of Redis, with its password.
    pub(crate) fn redis_url(&self) -> String {
        self.redis.url()
    }

    /// The address of the deployment's database for `role`.
    pub(crate) fn database_url(&self, role: &str) -> String {
        self.postgres.url(role, PASSWORD, &self.database)
    }

    /// Sends one command to Redis.
    pub(crate) fn redis_command(&self, words: &[&str]) {
        let mut connection = redis::Client::open(self.redis.url()).unwrap().get_connection().unwrap();
        let (name, arguments) = words.split_first().unwrap();
        redis::cmd(name).arg(arguments).exec(&mut connection).unwrap();
    }

    /// How many rows each table of the database has, apart from logs and counters of requests, in which an application also
    /// writes who reads.
    pub(crate) fn rows_by_table(&self) -> Value {
        let tables = "select string_agg(format('%s=%s', table_name, (xpath('/row/c/text()', query_to_xml(format('select count(*) as c \
                      from %I.%I', table_schema, table_name), false, true, '')))[1]), ' ' order by table_name) as counts \
                      from information_schema.tables where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema') \
                      and table_name not like '%_logs' and table_name <> 'rate_limits'";
        let admin = Db::new(self.postgres.superuser_url(&self.database), self.db.authority());
        runtime().block_on(admin.row(tables, &[]))
    }

    fn install_programs(&self) {
        let bin = self.folder.path().join("bin");
        fs::create_dir(&bin).unwrap();
        for (name, script) in (self.system.programs)(self) {
            let file = bin.join(name);
            fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&file, Permissions::from_mode(0o755)).unwrap();
        }
    }

    /// The variables of a run: addresses, then the system's own, then what the break says.
    fn variables(&self, broken: Option<&Break>) -> Vec<(String, Option<String>)> {
        let path = std::env::var("PATH").unwrap_or_default();
        let bin = self.folder.path().join("bin");
        let own = [
            ("PATH", format!("{}:{path}", bin.display())),
            ("SSL_CERT_FILE", self.folder.path().join("ca.pem").display().to_string()),
            ("API_URL", self.url()),
            ("SECURE_URL", self.secure_url()),
            ("PLAIN_URL", self.plain_url()),
            (
                "DATABASE_URL",
                format!("{}?sslmode=require", self.database_url(self.system.app_role)),
            ),
            ("REDIS_URL", self.redis_url()),
        ];
        let mut variables: Vec<(String, Option<String>)> = own
            .into_iter()
            .chain((self.system.env)(self))
            .map(|(name, value)| (name.to_owned(), Some(value)))
            .collect();
        if let Some(How::Env(name, value)) = broken.map(|broken| &broken.how) {
            variables.retain(|(old, _)| old != name);
            variables.push(((*name).to_owned(), value.map(str::to_owned)));
        }
        variables
    }

    /// `smoke run SYSTEM.ENVIRONMENT` on the repository's own `smoke.toml`: what it said, and its JSON report.
    pub(crate) fn run(&self, environment: &str) -> (Said, Value) {
        let report = self.folder.path().join("run.json");
        let mut command = Command::new(env!("CARGO_BIN_EXE_smoke"));
        command
            .args(["run", &format!("{}.{environment}", self.system.name), "--project"])
            .arg(repository())
            .arg("--report")
            .arg(format!("json={}", report.display()))
            .args(self.overrides.iter().flat_map(|value| ["--var", value]))
            .args(self.skipped.iter().flat_map(|glob| ["--skip", glob]))
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        for name in ["CI", "NO_COLOR", "CLICOLOR_FORCE", "FORCE_COLOR"] {
            command.env_remove(name);
        }
        for (name, value) in &self.variables {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let output = command.output().unwrap();
        let said = Said {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        };
        let run = read(&report).unwrap_or_else(|why| panic!("{why}: {said:?}"));
        (said, run)
    }
}

/// Variables of the suite that a run overrides: who verified what, and what the break says.
fn overrides(system: &System, broken: Option<&Break>) -> Vec<String> {
    let today = jiff::Zoned::now().date().to_string();
    let mut verified = serde_json::Map::new();
    let mut overrides = Vec::new();
    for name in system.attested {
        verified.insert((*name).to_owned(), json!({ "by": "Ana Ruiz", "on": today }));
    }
    match broken.map(|broken| &broken.how) {
        Some(How::Expired(name)) => verified[*name]["on"] = json!("2020-02-02"),
        Some(How::Var(name, value)) => overrides.push(format!("{name}={value}")),
        _ => {}
    }
    if !verified.is_empty() {
        overrides.push(format!("verified={}", Value::Object(verified)));
    }
    overrides
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn read(report: &PathBuf) -> Result<Value, String> {
    let text = fs::read_to_string(report).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

/// What answers on the plain port: a redirect to `https`, or, where that is broken, a page.
fn to_https(https: Option<SocketAddr>) -> Router {
    Router::new().fallback(move |uri: Uri, _: HeaderMap| async move {
        match https {
            Some(https) => Ok(Redirect::permanent(&format!(
                "https://localhost:{}{}",
                https.port(),
                uri.path()
            ))),
            None => Err("plain and simple"),
        }
    })
}
