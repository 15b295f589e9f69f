//! Verifies a live deployment against what its team wrote down in TOML.

pub mod demo;
pub mod deployment;
pub mod kinds;
pub mod outcome;
pub mod report;
pub mod suite;
