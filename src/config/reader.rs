//! From text to values; what does not parse is noted by name.
use secrecy::SecretString;
use std::time::Duration;
use url::Url;

pub(super) struct Reader<'v> {
    pub vars: &'v dyn Fn(&str) -> Option<String>,
    /// Name and default of every variable.
    pub defaults: &'static [(&'static str, &'static str)],
    /// Whether people or Stripe will reach us. Then a key needs its webhook secret, and development has to
    /// be on this machine.
    pub serves: bool,
    pub refused: Vec<String>,
}

impl Reader<'_> {
    pub fn given(&self, name: &str) -> Option<String> {
        (self.vars)(name).map(|value| value.trim().to_owned())
    }

    pub fn text(&self, name: &str) -> String {
        let given = self.given(name).filter(|value| !value.is_empty());
        given.unwrap_or_else(|| self.default(name).unwrap_or_default().to_owned())
    }

    fn default(&self, name: &str) -> Option<&'static str> {
        self.defaults.iter().find(|(known, _)| *known == name).map(|(_, default)| *default)
    }

    pub fn refuse_if(&mut self, wrong: bool, name: &str, why: &str) {
        if wrong {
            self.refused.push(format!("{name} {why}"));
        }
    }

    pub fn one_of(&mut self, name: &str, words: &[&str]) -> String {
        let value = self.text(name);
        self.refuse_if(!words.contains(&value.as_str()), name, &format!("must be {}", words.join(" or ")));
        value
    }

    pub fn parsed<T: std::str::FromStr>(&mut self, name: &str, right: &str) -> T {
        if let Ok(value) = self.text(name).parse() {
            return value;
        }
        self.refuse_if(true, name, &format!("must be {right}"));
        self.default(name).and_then(|default| default.parse().ok()).expect("each default parses")
    }

    pub fn list<T: std::str::FromStr>(&mut self, name: &str, right: &str) -> Vec<T> {
        let text = self.text(name);
        let parts: Vec<_> =
            text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::parse).collect();
        self.refuse_if(
            parts.iter().any(Result::is_err),
            name,
            &format!("must be a comma-separated list of {right}"),
        );
        parts.into_iter().filter_map(Result::ok).collect()
    }

    /// Names or addresses as they stand in `Host`, without a port.
    pub fn hosts(&mut self, name: &str) -> Vec<String> {
        let names: Vec<String> = self.list(name, "names, such as ops.internal");
        let is_bare = |host: &String| url::Host::parse(host).is_ok();
        self.refuse_if(
            !names.iter().all(is_bare),
            name,
            "must be names without a port, such as ops.internal",
        );
        names
    }

    pub fn secrets(&mut self, name: &str) -> Vec<SecretString> {
        let text = self.text(name);
        let blank = !text.is_empty() && text.split(',').any(|part| part.trim().is_empty());
        self.refuse_if(blank, name, "has a blank entry in its list");
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(SecretString::from).collect()
    }

    pub fn url(&mut self, name: &str) -> Url {
        let url: Url = self.parsed(name, "an http:// or https:// address without a path");
        let bare = matches!(url.scheme(), "http" | "https")
            && url.host_str().is_some()
            && url.path() == "/"
            && url.query().is_none();
        self.refuse_if(!bare, name, "must be an http:// or https:// address without a path");
        url
    }

    /// 0 switches it off.
    pub fn span_or_off(&mut self, name: &str, unit_seconds: f64) -> Option<Duration> {
        let value: f64 = self.parsed(name, "a number of minutes, 0 for off");
        self.refuse_if(!(0.0..1e6).contains(&value), name, "must be a number of minutes, 0 for off");
        (value > 0.0).then(|| Duration::try_from_secs_f64(value * unit_seconds).unwrap_or_default())
    }

    pub fn span(&mut self, name: &str, unit_seconds: f64) -> Duration {
        let value: f64 = self.parsed(name, "a number above 0");
        self.refuse_if(!(value > 0.0 && value < 1e6), name, "must be a number above 0");
        Duration::try_from_secs_f64(value * unit_seconds).unwrap_or_default()
    }
}
