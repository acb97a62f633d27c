//! A real log and real tables: sound ones are called sound, and every kind of damage is named.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bed;
mod log_damage;
mod online;
mod shape;
mod snippets;
mod table_damage;
