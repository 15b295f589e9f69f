//! WhatsDeX: an Express API, a Next.js front end, PostgreSQL with pgvector and two roles, Redis with Bull's queues.

mod admin;
mod app;
mod breaks;
mod platform;
mod stripe;
mod web;
mod worker;

use std::fs;

use crate::standin::{Deployed, System, prove, prove_reads_only};

/// Of every account.
const PASSWORD: &str = "lantern-Harbor-27-quiet";
const JWT_SECRET: &str = "hR7vTq2XcW9mKd4LzB8nYpF3sJ6gA1uE";
/// What the source code falls back to.
const DEFAULT_JWT_SECRET: &str = "your-super-secret-jwt-key-change-in-production";
const NEXTAUTH_SECRET: &str = "Zx5Qk8WmR3tVb7NcJ2yLf9HdG4sPa6Ue";
const INTERNAL_API_KEY: &str = "Mw6Rz1Yk9Tb4Xv8Jc3Lq7Nd2Hf5Gs0Pa";
const DEFAULT_INTERNAL_API_KEY: &str = "internal-api-key-change-in-production";
const WEBHOOK_SECRET: &str = "whsec_8nT3kV6xQ1mR9bY4cW7zL2hD5jF0sGpA";
const STRIPE_SECRET_KEY: &str = "sk_live_9fK2mX7cQ4vB8nR1tY6wZ3hL";
/// Requests of a tenant to the API in a window of so many seconds.
const RATE: (u32, u64) = (150, 900);

static WHATSDEX: System = System {
    name: "whatsdex",
    guide: "004",
    items: 58,
    roles: concat!(include_str!("roles.sql"), include_str!("../standin/encrypted.sql")),
    schema: include_str!("schema.sql"),
    app_role: "app_user",
    app: app::router,
    redis: worker::fill,
    programs: platform::programs,
    env,
    attested: &[
        "pairing",
        "owner_commands",
        "alerts",
        "updates",
        "rotation",
        "backups",
        "scaling",
    ],
    breaks: breaks::ALL,
};

/// The secret that signs tokens.
fn jwt_secret(broken: Option<&str>) -> &'static str {
    if broken == Some("default_jwt_secret") {
        DEFAULT_JWT_SECRET
    } else {
        JWT_SECRET
    }
}

fn env(deployed: &Deployed) -> Vec<(&'static str, String)> {
    let (open, closed) = (address(deployed), closed_port());
    let outside = |broken: &str| {
        if deployed.broken(broken) {
            open.clone()
        } else {
            closed.clone()
        }
    };
    let source = deployed.folder().join("source");
    write_source(deployed, &source);
    [
        ("WEB_URL", format!("{}/web", deployed.url())),
        ("STRIPE_URL", format!("{}/stripe", deployed.url())),
        ("STRIPE_SECRET_KEY", STRIPE_SECRET_KEY.to_owned()),
        ("REDIS_URL", deployed.redis_url().replace("://:", "://default:")),
        ("PUBLIC_DATABASE", outside("database_public")),
        ("PUBLIC_REDIS", outside("redis_public")),
        ("SOURCE", source.display().to_string()),
        ("SMOKE_PASSWORD", PASSWORD.to_owned()),
        ("JWT_SECRET", jwt_secret(deployed.twist()).to_owned()),
        ("INTERNAL_API_KEY", INTERNAL_API_KEY.to_owned()),
        ("STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET.to_owned()),
    ]
    .into()
}

/// Host and port of the API.
fn address(deployed: &Deployed) -> String {
    deployed.url().replace("http://", "")
}

/// A port of loopback at which nobody listens: a free one of the system's might be taken the next moment.
fn closed_port() -> String {
    "127.0.0.1:1".to_owned()
}

/// The repository as far as it is looked at: the migrations, and a few sources.
fn write_source(deployed: &Deployed, source: &std::path::Path) {
    let migrations = [
        "20251106112025_init",
        "20251107024547_init_multitenant",
        "20251110012011_add_conversation_embeddings",
        "20251113093027_add_botuser_role",
        "20251113112053_add_structured_models",
    ];
    let write = |path: String, text: &str| {
        let file = source.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    };
    for name in migrations {
        write(
            format!("prisma/migrations/{name}/migration.sql"),
            &format!("-- {name}\n"),
        );
    }
    let owner = if deployed.broken("owner_by_env") {
        "const isOwner = jid => jid.includes(process.env.OWNER_NUMBER);\n"
    } else {
        "const isOwner = jid => prisma.botUser.findFirst({ where: { jid, role: 'owner' } });\n"
    };
    write("src/services/UnifiedCommandSystem.js".to_owned(), owner);
    let key = if deployed.broken("secret_in_source") {
        "const stripe = new Stripe('sk_live_9fK2mX7cQ4vB8nR1tY6wZ3hL');\n"
    } else {
        "const stripe = new Stripe(process.env.STRIPE_SECRET_KEY);\n"
    };
    write("src/services/stripe.js".to_owned(), key);
    let key = if deployed.broken("secret_in_settings") {
        "sk_live_9fK2mX7cQ4vB8nR1tY6wZ3hL"
    } else {
        "${STRIPE_SECRET_KEY}"
    };
    write(
        "docker-compose.prod.yml".to_owned(),
        &format!("services:\n  api:\n    environment:\n      STRIPE_SECRET_KEY: {key}\n"),
    );
    let key = if deployed.broken("secret_in_dockerfile") {
        "sk_live_9fK2mX7cQ4vB8nR1tY6wZ3hL"
    } else {
        "$STRIPE_SECRET_KEY"
    };
    write(
        "Dockerfile".to_owned(),
        &format!("FROM node:20\nENV STRIPE_SECRET_KEY={key}\n"),
    );
    write("web/lib/auth.js".to_owned(), "export const maxAge = 86400;\n");
    write("package.json".to_owned(), "{ \"name\": \"whatsdex\" }\n");
    write("deployment/render.yaml".to_owned(), "services: []\n");
}

#[test]
fn whatsdex_is_verified() {
    prove(&WHATSDEX);
}

#[test]
fn whatsdex_prod_only_reads() {
    prove_reads_only(&WHATSDEX);
}
