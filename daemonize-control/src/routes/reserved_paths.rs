//! Finds user routes whose path is reserved by the endpoint.

use super::built_in::BUILT_IN;
use axum::Router;
use axum::body::Body;
use axum::extract::MatchedPath;
use axum::http::{Request, Response, Uri};
use axum::middleware::{Next, from_fn};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use tower_service::Service as _;

/// Returns the first reserved path that the user's routes contain. No code of the user runs to find out.
pub(crate) fn find_reserved(routes: &Router) -> Option<&'static str> {
    let routes = routes.clone().layer(from_fn(report_route));
    BUILT_IN.into_iter().find(|path| matches_exactly(&routes, path))
}

/// Reports the route that a request matches, instead of running it.
async fn report_route(request: Request<Body>, _: Next) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    if let Some(route) = request.extensions().get::<MatchedPath>() {
        response.extensions_mut().insert(route.clone());
    }
    response
}

/// Returns `true` if there is a route for exactly this path. A pattern for many paths is allowed: the endpoint answers the
/// reserved ones first.
fn matches_exactly(routes: &Router, path: &'static str) -> bool {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = Uri::from_static(path);
    match pin!(routes.clone().call(request)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(report)) => report.extensions().get::<MatchedPath>().is_some_and(|route| route.as_str() == path),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::{any, get, post};
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    async fn never() {
        panic!("it was run");
    }

    #[test]
    fn find_reserved_runs_no_user_code() {
        static PANICS: AtomicU64 = AtomicU64::new(0);
        let this = std::thread::current().id();
        let others = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if std::thread::current().id() == this {
                PANICS.fetch_add(1, Relaxed);
            }
            others(info);
        }));
        let layered =
            Router::new().route("/stop", get(never)).layer(from_fn(async |_: Request<Body>, _: Next| never().await));
        assert_eq!(find_reserved(&layered.fallback(never)), Some("/stop"));
        assert_eq!(PANICS.load(Relaxed), 0);
    }

    #[test]
    fn reserved_paths_are_found() {
        let at = |path: &str| Router::new().route(path, get(|| async {}));
        for path in BUILT_IN {
            assert_eq!(find_reserved(&at(path)), Some(path));
            assert_eq!(find_reserved(&Router::new().route(path, any(|| async {}))), Some(path), "{path}");
            assert_eq!(find_reserved(&Router::new().route(path, post(|| async {}))), Some(path), "{path}");
        }
        assert_eq!(find_reserved(&Router::new().nest("/stop", at("/now"))), None);
        assert_eq!(find_reserved(&Router::new().nest("/stop", at("/"))), Some("/stop"));
        assert_eq!(find_reserved(&at("/own").route("/own/{id}", get(|| async {}))), None);
        assert_eq!(find_reserved(&at("/{*rest}").fallback(|| async {})), None);
        assert_eq!(find_reserved(&at("/{one}").merge(at("/events/{*rest}"))), None);
        assert_eq!(find_reserved(&Router::new().route_service("/metrics", get(|| async {}))), Some("/metrics"));
        assert_eq!(find_reserved(&Router::new().nest_service("/event", at("/"))), Some("/event"));
        assert_eq!(find_reserved(&Router::new()), None);
    }
}
