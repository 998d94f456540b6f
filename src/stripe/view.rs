//! The dozen fields of Stripe's answers that we use. Unknown values are kept, missing ones are
//! absent: these views outlive API versions and stripe-mock's fixtures.
use serde::Deserialize;

/// `cus_…`, as Stripe gave it and we recorded it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, sqlx::Type)]
#[serde(transparent)]
#[sqlx(transparent, no_pg_array)]
pub struct CustomerId(pub String);

impl std::fmt::Display for CustomerId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Deserialize)]
pub struct Customer {
    pub id: CustomerId,
}

#[derive(Deserialize)]
pub struct Portal {
    pub id: String,
    pub url: String,
}

#[derive(Deserialize)]
pub struct List<T> {
    pub data: Vec<T>,
    #[serde(default)]
    pub has_more: bool,
}

#[derive(Deserialize)]
pub struct PortalConfiguration {
    pub id: String,
    #[serde(default)]
    pub metadata: Option<std::collections::HashMap<String, String>>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Subscription {
    pub id: String,
    /// Stripe's word; new ones appear.
    pub status: String,
    #[serde(default)]
    pub created: i64,
    pub cancel_at: Option<i64>,
    #[serde(default)]
    pub cancel_at_period_end: bool,
    pub trial_end: Option<i64>,
    /// Before API version 2025-03-31 the period was here, since then on the items.
    current_period_end: Option<i64>,
    items: List<Item>,
}

#[derive(Clone, Debug, Deserialize)]
struct Item {
    quantity: Option<i64>,
    current_period_end: Option<i64>,
    price: Option<Price>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Price {
    pub id: String,
    lookup_key: Option<String>,
}

impl Clone for List<Item> {
    fn clone(&self) -> Self {
        Self { data: self.data.clone(), has_more: self.has_more }
    }
}

impl std::fmt::Debug for List<Item> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.data.fmt(f)
    }
}

impl Subscription {
    /// The earliest end among its items.
    pub fn period_end(&self) -> Option<i64> {
        self.items.data.iter().filter_map(|item| item.current_period_end).min().or(self.current_period_end)
    }

    /// When it ends for good, however that was scheduled: the portal sets `cancel_at` under
    /// flexible billing, the flag under classic.
    pub fn ends_at(&self) -> Option<i64> {
        self.cancel_at.or_else(|| self.period_end().filter(|_| self.cancel_at_period_end))
    }

    /// Lookup keys of its prices.
    pub fn lookup_keys(&self) -> impl Iterator<Item = &str> {
        self.items.data.iter().filter_map(|item| item.price.as_ref()?.lookup_key.as_deref())
    }

    pub fn quantity(&self) -> Option<i64> {
        self.items.data.first().and_then(|item| item.quantity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancellation_is_seen_however_it_was_scheduled() {
        let read = |json: &str| serde_json::from_str::<Subscription>(json).unwrap();
        let flexible = read(
            r#"{"id":"sub_1","status":"active","cancel_at":200,"cancel_at_period_end":false,"items":{"data":[{"current_period_end":200}]}}"#,
        );
        let classic = read(
            r#"{"id":"sub_1","status":"active","cancel_at_period_end":true,"current_period_end":300,"items":{"data":[{}]}}"#,
        );
        let running = read(
            r#"{"id":"sub_1","status":"active_in_2031","items":{"data":[{"current_period_end":9,"price":{"id":"price_1","lookup_key":"pro_month"}}]}}"#,
        );

        assert_eq!((flexible.ends_at(), classic.ends_at(), running.ends_at()), (Some(200), Some(300), None));
        assert_eq!(running.lookup_keys().collect::<Vec<_>>(), ["pro_month"]);
    }
}
