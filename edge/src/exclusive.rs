//! Lets a stream be a response's body.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use futures_util::Stream;
use futures_util::stream::{BoxStream, StreamExt as _};

/// A stream that may be shared between threads because nobody can reach it while it is. warp asks
/// this of bodies; the lock is never taken.
pub(crate) struct Exclusive<T>(Mutex<BoxStream<'static, T>>);

impl<T> Exclusive<T> {
    /// Wraps a stream.
    pub(crate) fn new(stream: impl Stream<Item = T> + Send + 'static) -> Self {
        Self(Mutex::new(stream.boxed()))
    }
}

impl<T> Stream for Exclusive<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let stream = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        stream.as_mut().poll_next(cx)
    }
}
