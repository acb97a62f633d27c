//! The page is there, or says what is missing; it stands in nobody's way.

use reqwest::StatusCode;

use crate::stage::Stage;

#[tokio::test]
async fn the_page_is_shown_at_its_addresses_under_its_policy() {
    let stage = Stage::start().await;
    for path in [
        "/",
        "/runs/x",
        "/runs/x/replay",
        "/diff/x/y",
        "/history",
        "/ops",
        "/s/x",
        "/embed/x",
    ] {
        let response = stage.get(path).await;
        let status = response.status();
        if status == StatusCode::NOT_FOUND {
            let text = response.text().await.unwrap();
            assert!(text.contains("built without its page"), "{path}: {text}");
            continue;
        }
        assert_eq!(status, StatusCode::OK, "{path}");
        let policy = response.headers()["content-security-policy"]
            .to_str()
            .unwrap();
        assert!(policy.contains("script-src 'self';"), "{policy}");
        let frames = if path == "/embed/x" { "*" } else { "'self'" };
        assert!(
            policy.ends_with(&format!("frame-ancestors {frames}")),
            "{path}: {policy}"
        );
        assert_eq!(response.headers()["cache-control"], "no-cache");
        let tag = response.headers()["etag"].clone();
        let again = stage
            .request(reqwest::Method::GET, path)
            .header("if-none-match", tag);
        assert_eq!(
            again.send().await.unwrap().status(),
            StatusCode::NOT_MODIFIED
        );
    }
}

#[tokio::test]
async fn what_the_page_does_not_have_is_not_found() {
    let stage = Stage::start().await;
    for path in [
        "/assets/none.js",
        "/runs",
        "/runs/x/y",
        "/index.html.gz",
        "/csp.txt",
    ] {
        let response = stage.get(path).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json",
            "{path}"
        );
    }
    let response = stage
        .request(reqwest::Method::POST, "/ops")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()["allow"], "GET, HEAD");
}
