//! A scripted engine for the tests of what is built on top.
