//! How the demo starts: PostgreSQL and Redis side by side, with what they hold, then the API.

use std::fs;
use std::future::Future;
use std::sync::mpsc;
use std::thread;

use tempfile::NamedTempFile;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use super::accounts::{Accounts, secret};
use super::app::{self, App, Broker, Edge, Journal, Keys, Store};
use super::faults::{Fault, How, Server, Twist};
use super::servers::{Postgres, PostgresOptions, Redis, RedisOptions, StartError};
use super::surroundings::{Configuration, Surroundings};
use super::{Api, Demo, Var, database};

/// The release that is to serve, and the one before it.
const VERSION: &str = "2.4.1";
const OLD_VERSION: &str = "2.4.0";

/// The Redis user that the API and the checks share.
const REDIS_USER: &str = "app";

impl Demo {
    /// Starts the deployment with `faults` broken. Blocks until the API answers, about two seconds.
    ///
    /// A missing PostgreSQL or Redis is no error, as the API runs without, unless a fault needs it.
    pub fn start(faults: &[&'static Fault]) -> Result<Self, String> {
        let plan = Plan::new(faults);
        let (postgres, redis) = plan.start_servers();
        plan.check(&postgres, &redis)?;
        let url = |role| match &postgres {
            Ok(server) => Ok(server.url(role, &plan.password, database::DATABASE)),
            Err(error) => Err(error.clone()),
        };
        let redis_url = match &redis {
            Ok(server) => Ok(format!(
                "redis://{REDIS_USER}:{}@127.0.0.1:{}/0",
                plan.password,
                server.port()
            )),
            Err(error) => Err(error.clone()),
        };
        let journal = Journal::new().map_err(|error| format!("creating the demo's log: {error}"))?;
        let log_file = journal.path().display().to_string();
        let edge = Edge::new(&plan.twists)?;
        let trusted = trusted(&edge)?;
        let api_database = url(database::API).ok();
        let configuration = Configuration {
            jwt_secret: &plan.jwt_secret,
            database: api_database.as_deref(),
            redis: redis_url.as_deref().ok(),
            version: VERSION,
            old_version: OLD_VERSION,
        };
        let surroundings = Surroundings::new(&configuration, &plan.twists)?;
        let (api, [port, tls_port]) = plan.start_api(api_database.clone(), redis_url.clone().ok(), journal, edge)?;
        let mut vars = plan.vars(&log_file, &trusted.path().display().to_string());
        vars.extend(surroundings.vars());
        vars.push(Var {
            name: "api_address".to_owned(),
            value: format!("127.0.0.1:{port}"),
            secret: false,
        });
        Ok(Self {
            http: format!("http://127.0.0.1:{port}"),
            https: format!("https://127.0.0.1:{tls_port}"),
            postgres: url(database::SMOKE),
            redis: redis_url,
            vars,
            _api: api,
            _trusted: trusted,
            _surroundings: surroundings,
            _postgres: postgres.ok().filter(|_| !plan.stops(Server::Postgres)),
            _redis: redis.ok().filter(|_| !plan.stops(Server::Redis)),
        })
    }
}

/// What is decided before anything runs.
struct Plan {
    accounts: Accounts,
    /// Of the database roles and of the Redis user.
    password: String,
    jwt_secret: String,
    /// What events are signed with.
    webhook_secret: String,
    faults: Vec<&'static Fault>,
    twists: Vec<Twist>,
}

impl Plan {
    fn new(faults: &[&'static Fault]) -> Self {
        let twists: Vec<Twist> = faults.iter().filter_map(|fault| fault.twist()).collect();
        let weak = twists.contains(&Twist::WeakSecret);
        Self {
            accounts: Accounts::new(),
            password: secret(),
            jwt_secret: if weak { "secret".to_owned() } else { secret() },
            webhook_secret: format!("whsec_{}", secret()),
            faults: faults.to_vec(),
            twists,
        }
    }

    fn start_servers(&self) -> (Result<Postgres, StartError>, Result<Redis, StartError>) {
        thread::scope(|scope| {
            let postgres = scope.spawn(|| self.start_postgres());
            let redis = self.start_redis();
            let panicked = |_| Err(StartError::Failed("starting PostgreSQL panicked".to_owned()));
            (postgres.join().unwrap_or_else(panicked), redis)
        })
    }

    fn start_postgres(&self) -> Result<Postgres, StartError> {
        let server = Postgres::start(&PostgresOptions::default())?;
        let created = database::create(&server, &self.accounts, &self.password, &self.faults);
        run(created).map_err(StartError::Failed)??;
        Ok(server)
    }

    fn start_redis(&self) -> Result<Redis, StartError> {
        let server = Redis::start(&RedisOptions {
            password: Some(secret()),
            settings: vec![("maxmemory-policy".to_owned(), "noeviction".to_owned())],
        })?;
        self.prepare(&server)
            .map_err(|error| StartError::Failed(format!("preparing the demo's Redis: {error}")))?;
        Ok(server)
    }

    fn prepare(&self, server: &Redis) -> redis::RedisResult<()> {
        let mut connection = redis::Client::open(server.url())?.get_connection()?;
        let password = format!(">{}", self.password);
        let user = ["ACL", "SETUSER", REDIS_USER, "on", &password, "~*", "&*", "+@all"];
        command(&user).exec(&mut connection)?;
        for fault in &self.faults {
            if let How::Redis(words) = fault.how {
                command(words).exec(&mut connection)?;
            }
        }
        Ok(())
    }

    /// Whether every fault has a server to break.
    fn check(&self, postgres: &Result<Postgres, StartError>, redis: &Result<Redis, StartError>) -> Result<(), String> {
        for fault in &self.faults {
            let missing = match fault.needs() {
                Some(Server::Postgres) => postgres.as_ref().err(),
                Some(Server::Redis) => redis.as_ref().err(),
                None => None,
            };
            if let Some(missing) = missing {
                return Err(format!("the fault {} cannot be shown: {missing}", fault.name));
            }
        }
        Ok(())
    }

    fn has(&self, twist: Twist) -> bool {
        self.twists.contains(&twist)
    }

    fn stops(&self, server: Server) -> bool {
        self.faults.iter().any(|fault| fault.how == How::Stop(server))
    }

    /// Runs the API in a thread of its own, and says on which ports: http, and https.
    fn start_api(
        &self,
        postgres: Option<String>,
        redis: Option<String>,
        journal: Journal,
        edge: Edge,
    ) -> Result<(Api, [u16; 2]), String> {
        let version = if self.has(Twist::VersionOld) {
            OLD_VERSION
        } else {
            VERSION
        };
        let keys = Keys::new(self.jwt_secret.clone(), self.twists.clone());
        let accounts: Vec<_> = self.accounts.by_name().map(|(_, account)| account.clone()).to_vec();
        let twists = self.twists.clone();
        let webhook_secret = self.webhook_secret.clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let (started, outcome) = mpsc::channel();
        let thread = thread::spawn(move || {
            let serving = async {
                let _migrator = match postgres.as_ref().filter(|_| twists.contains(&Twist::MigratorConnected)) {
                    Some(url) => Some(database::connected_migrator(url).await?),
                    None => None,
                };
                let store = match postgres {
                    Some(url) => Store::postgres(&url)?,
                    None => Store::Memory(accounts.clone()),
                };
                let broker = match redis {
                    Some(url) => Broker::redis(&url).await?,
                    None => Broker::memory(),
                };
                let (listener, port) = listen().await?;
                let (tls_listener, tls_port) = listen().await?;
                let ready = || drop(started.send(Ok([port, tls_port])));
                let app = App::new(version, twists, keys, accounts, store, broker, journal)
                    .with_webhook_secret(webhook_secret);
                app::serve(app, listener, edge.listen(tls_listener), ready, async {
                    drop(stopped.await);
                })
                .await
            };
            // Nobody listens any more when it ends after it has started.
            if let Err(error) = run(serving).and_then(|ended| ended) {
                let _ = started.send(Err(error));
            }
        });
        let api = Api {
            stop: Some(stop),
            thread: Some(thread),
        };
        let ports = outcome
            .recv()
            .map_err(|_| "the demo's API ended before it answered")??;
        Ok((api, ports))
    }

    fn vars(&self, log_file: &str, authority: &str) -> Vec<Var> {
        let var = |name: &str, value: &str, secret| Var {
            name: name.to_owned(),
            value: value.to_owned(),
            secret,
        };
        let mut vars = vec![
            var("expected_version", VERSION, false),
            var("log_file", log_file, false),
            var("authority", authority, false),
            // A word that everyone knows cannot be kept out of a report.
            var("jwt_secret", &self.jwt_secret, !self.has(Twist::WeakSecret)),
            var("webhook_secret", &self.webhook_secret, true),
        ];
        let Accounts { admin, alice, bob } = &self.accounts;
        for (name, (account, password)) in [("admin", admin), ("alice", alice), ("bob", bob)] {
            vars.push(var(&format!("{name}_id"), &account.id, false));
            vars.push(var(&format!("{name}_email"), &account.email, false));
            vars.push(var(&format!("{name}_password"), password, true));
        }
        vars
    }
}

/// Runs `work` on a runtime of its own. Only in a thread that is in none.
fn run<T>(work: impl Future<Output = T>) -> Result<T, String> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("starting the demo's runtime: {error}"))?;
    let result = runtime.block_on(work);
    // Connections that are still open, and the worker, end with it.
    runtime.shutdown_background();
    Ok(result)
}

/// A file with the authority to trust.
fn trusted(edge: &Edge) -> Result<NamedTempFile, String> {
    let written = NamedTempFile::with_suffix(".pem").and_then(|file| {
        fs::write(file.path(), &edge.authority)?;
        Ok(file)
    });
    written.map_err(|error| format!("writing the demo's authority: {error}"))
}

async fn listen() -> Result<(TcpListener, u16), String> {
    let failed = |error| format!("listening on 127.0.0.1: {error}");
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    Ok((listener, port))
}

fn command(words: &[&str]) -> redis::Cmd {
    let mut command = redis::Cmd::new();
    for word in words {
        command.arg(*word);
    }
    command
}
