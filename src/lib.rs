//! `smoke` verifies a live deployment against what its team wrote down in TOML.
//!
//! # The map
//!
//! Text becomes a suite, suites become a plan, the engine runs the plan and says what happens as a stream of events, and
//! reports turn that stream into something to read:
//!
//! | module | what stands there |
//! |---|---|
//! | [`commands`] | the command line, one file a subcommand; the only place that prints, opens files for output and exits |
//! | [`suite`] | the language: tree, templates, matchers, JSONPath, and every mistake at its place |
//! | [`plan`] | expand, render, read, connect, select: everything that can be wrong is found here, before anything is sent |
//! | [`engine`] | runs a plan: order, concurrency, attempts, deadlines, clean-up |
//! | [`kinds`] | the ways to verify, one file or folder each: `observe` touches the deployment, `judge` is pure |
//! | [`deployment`] | what a check may touch: HTTP, PostgreSQL, Redis, TLS, programs, files; and the redactor |
//! | [`outcome`] | the words that the engine and every report share: finding, outcome, event, run |
//! | [`report`] | one file a format; listeners of the event stream |
//! | [`demo`] | a small real deployment to try all of it on, and the ways to break it |
//!
//! Imports point one way: `commands → engine → plan → kinds → deployment`. Everyone may use [`suite`] and [`outcome`];
//! [`report`] knows only [`outcome`]; kinds know neither each other nor the engine. `tests/layers.rs` keeps it so.

#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used))]

pub mod commands;
pub mod demo;
pub mod deployment;
pub mod engine;
pub mod kinds;
pub mod outcome;
pub mod plan;
pub mod report;
pub mod suite;
