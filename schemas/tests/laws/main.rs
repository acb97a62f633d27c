//! What must hold of the language of the log.

mod fold;
mod generate;
mod timeline;
mod wire;
