//! What came back, and what a test says about it.
use hyper::{
    HeaderMap, StatusCode,
    body::Bytes,
    header::{LOCATION, SET_COOKIE},
};

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// `GET /account`, for messages.
    pub asked: String,
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{} is no JSON: {e}\n{}", self.asked, self.text()))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The same, empty where there is none.
    pub fn header_text(&self, name: &str) -> &str {
        self.header(name).unwrap_or_default()
    }

    /// The whole `Set-Cookie` line of a cookie, attributes included.
    pub fn set_cookie(&self, name: &str) -> Option<&str> {
        let all = self.headers.get_all(SET_COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        all.into_iter().find(|line| line.split('=').next() == Some(name))
    }

    #[track_caller]
    pub fn location(&self) -> &str {
        let location = self.header(LOCATION.as_str());
        location.unwrap_or_else(|| {
            panic!("{} sent nobody anywhere: {}\n{}", self.asked, self.status, self.text())
        })
    }

    #[track_caller]
    pub fn assert_status(&self, status: u16) -> &Self {
        assert!(
            self.status == status,
            "{}: {} instead of {status}\n{}",
            self.asked,
            self.status,
            self.text()
        );
        self
    }

    /// 303 to an address that begins so: a page of ours, or another origin.
    #[track_caller]
    pub fn assert_redirects_to(&self, beginning: &str) -> &Self {
        self.assert_status(303);
        assert!(
            self.location().starts_with(beginning),
            "{} led to {}, not {beginning}",
            self.asked,
            self.location()
        );
        self
    }

    #[track_caller]
    pub fn assert_says(&self, text: &str) -> &Self {
        assert!(
            self.text().contains(text),
            "{} ({}) does not say {text:?}\n{}",
            self.asked,
            self.status,
            self.text()
        );
        self
    }

    #[track_caller]
    pub fn assert_does_not_say(&self, text: &str) -> &Self {
        assert!(
            !self.text().contains(text),
            "{} ({}) says {text:?}\n{}",
            self.asked,
            self.status,
            self.text()
        );
        self
    }
}
