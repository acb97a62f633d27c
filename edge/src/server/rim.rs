//! What happens around every request: its id, its measurement, and an answer even to a panic.

use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use futures_util::FutureExt as _;
use tower::Service;
use tracing::Instrument as _;
use uuid::Uuid;
use warp::http::{HeaderValue, Request};
use warp::reply::Response;

use crate::error::EdgeError;
use crate::metrics::Metrics;
use crate::reply::{LogNewer, REQUEST_ID, finish, respond};
use crate::routes;

/// Longest request id that is taken over from the sender.
const LONGEST_ID: usize = 128;

/// See the module.
#[derive(Clone)]
pub(super) struct Rim<S> {
    inner: S,
    metrics: Metrics,
}

impl<S> Rim<S> {
    pub(super) const fn new(inner: S, metrics: Metrics) -> Self {
        Self { inner, metrics }
    }
}

impl<S, B> Service<Request<B>> for Rim<S>
where
    S: Service<Request<B>, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let begin = Instant::now();
        let id = request_id(&request);
        request.headers_mut().insert(REQUEST_ID, id.clone());
        let route = routes::template(request.uri().path());
        let method = request.method().clone();
        let id_text = id.to_str().unwrap_or_default();
        let span = tracing::info_span!("request", id = id_text, %method, route);
        let answered = AssertUnwindSafe(self.inner.call(request)).catch_unwind();
        let metrics = self.metrics.clone();
        let answer = async move {
            let response = match answered.await {
                Ok(Ok(response)) => response,
                Err(_) => {
                    let cause = "a handler panicked; its own message stands above".into();
                    finish(respond(Err(EdgeError::Broken(cause))), &id)
                }
            };
            if response.extensions().get::<LogNewer>().is_some() {
                metrics.newer();
            }
            metrics.request(route, &method, response.status(), begin.elapsed());
            Ok(response)
        };
        Box::pin(answer.instrument(span))
    }
}

/// The sender's id where it sent a reasonable one, otherwise a new one.
fn request_id<B>(request: &Request<B>) -> HeaderValue {
    let given = request.headers().get(REQUEST_ID);
    let reasonable = given.filter(|id| {
        let bytes = id.as_bytes();
        (1..=LONGEST_ID).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic)
    });
    reasonable.cloned().unwrap_or_else(|| {
        HeaderValue::from_str(&Uuid::now_v7().to_string())
            .expect("a UUID consists of characters that a header may hold")
    })
}

#[cfg(test)]
mod tests {
    use prometheus::Registry;
    use tower::service_fn;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_answered_with_a_problem_and_the_requests_id() {
        let metrics = Metrics::new(&Registry::new()).unwrap();
        let broken = service_fn(async |_: Request<()>| -> Result<Response, Infallible> {
            panic!("this test wants it")
        });
        let request = Request::get("/livez").header("x-request-id", "mine");
        let answer = Rim::new(broken, metrics).call(request.body(()).unwrap());
        let response = answer.await.unwrap();
        assert_eq!(response.status(), 500);
        assert_eq!(response.headers()[REQUEST_ID], "mine");
    }
}
