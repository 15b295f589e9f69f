//! Verifies a live deployment against what its team wrote down in TOML.

pub mod commands;
pub mod demo;
pub mod deployment;
pub mod engine;
pub mod kinds;
pub mod outcome;
pub mod plan;
pub mod report;
pub mod suite;
