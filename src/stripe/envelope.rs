//! The envelope of an event, thin or snapshot, of any API version: its id, its type, its object and customer.
//! The object inside is not used, because it may be out of date; it is fetched from Stripe instead.
use super::json;
use crate::db::kept;
use serde_json::Value;

/// No id of Stripe's is longer.
const LONGEST_ID: usize = 255;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// For a thin event the id of its snapshot event, so that both count as one.
    pub id: String,
    /// `customer.subscription.updated`, without the `v1.` of thin ones.
    pub kind: String,
    /// Unix seconds; 0 where it could not be read.
    pub created: i64,
    pub livemode: bool,
    pub api_version: Option<String>,
    pub object_id: Option<String>,
    pub customer: Option<String>,
}

impl Envelope {
    /// None if the body is not an event.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let event: Value = serde_json::from_slice(&json::plain(body)).ok()?;
        let kind = event["type"].as_str()?;
        let object = &event["data"]["object"];
        let related = &event["related_object"];
        let id = id(&event["snapshot_event"]).or(id(&event["id"]))?;
        Some(Self {
            id,
            kind: kept(kind.strip_prefix("v1.").unwrap_or(kind), LONGEST_ID),
            created: instant(&event["created"]),
            livemode: event["livemode"].as_bool().unwrap_or(false),
            api_version: event["api_version"].as_str().map(|version| kept(version, 50)),
            object_id: self::id(&object["id"]).or(self::id(&related["id"])),
            customer: customer(object)
                .or_else(|| self::id(&related["id"]).filter(|_| related["type"] == "customer")),
        })
    }
}

/// The customer an object belongs to, or is.
fn customer(object: &Value) -> Option<String> {
    if object["object"] == "customer" {
        return id(&object["id"]);
    }
    id(&object["customer"]).or_else(|| id(&object["customer"]["id"]))
}

/// Only what can be an id of Stripe's, since it may become part of a path.
fn id(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    (plain && !text.is_empty() && text.len() <= LONGEST_ID).then(|| text.to_owned())
}

/// Seconds, or the ISO 8601 of thin events.
fn instant(value: &Value) -> i64 {
    let iso = |text: &str| {
        let at = time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339);
        at.map(time::OffsetDateTime::unix_timestamp).unwrap_or_default()
    };
    value.as_i64().unwrap_or_else(|| value.as_str().map_or(0, iso))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thin_and_snapshot_of_one_event_are_one() {
        let snapshot = br#"{"id":"evt_1","object":"event","type":"customer.subscription.updated","created":7,"livemode":false,
            "api_version":"2026-09-30.endive","data":{"object":{"id":"sub_1","object":"subscription","customer":"cus_1"}}}"#;
        let thin = br#"{"id":"evt_thin_1","object":"v2.core.event","type":"v1.customer.subscription.updated",
            "created":"1970-01-01T00:00:07Z","livemode":false,"snapshot_event":"evt_1",
            "related_object":{"id":"sub_1","type":"subscription","url":"/v1/subscriptions/sub_1"}}"#;

        let (snapshot, thin) = (Envelope::parse(snapshot).unwrap(), Envelope::parse(thin).unwrap());

        assert_eq!((&snapshot.id, &snapshot.kind, snapshot.created), (&thin.id, &thin.kind, thin.created));
        assert_eq!((snapshot.customer.as_deref(), thin.customer), (Some("cus_1"), None));
        assert_eq!(snapshot.object_id, thin.object_id);
    }

    #[test]
    fn a_customer_is_found_however_it_is_named() {
        let of = |object: &str| {
            let body = format!(r#"{{"id":"evt_1","type":"x","data":{{"object":{object}}}}}"#);
            Envelope::parse(body.as_bytes()).unwrap().customer
        };
        assert_eq!(of(r#"{"object":"customer","id":"cus_1"}"#).as_deref(), Some("cus_1"));
        assert_eq!(of(r#"{"object":"invoice","customer":{"id":"cus_1"}}"#).as_deref(), Some("cus_1"));
        assert_eq!(of(r#"{"object":"invoice","customer":"cus_x/../../v1/charges"}"#), None);
        assert_eq!(of("null"), None);
    }

    proptest::proptest! {
        #[test]
        fn whatever_arrives_never_crashes(body: Vec<u8>, text in r#"[{}\[\]":,a-z0-9_ ]{0,200}"#) {
            Envelope::parse(&body);
            Envelope::parse(text.as_bytes());
        }

        #[test]
        fn an_id_is_never_more_than_letters_digits_and_underscores(id in ".{0,40}") {
            let body = serde_json::json!({ "id": id, "type": "x", "data": { "object": { "id": id, "customer": id } } });
            if let Some(envelope) = Envelope::parse(body.to_string().as_bytes()) {
                proptest::prop_assert!(envelope.id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
            }
        }

        /// Trees of JSON with the names that we look for, in any place and of any kind.
        #[test]
        fn whatever_json_arrives_what_is_taken_from_it_is_plain_and_short(event in tree()) {
            let body = event.to_string();
            if let Some(it) = Envelope::parse(body.as_bytes()) {
                let ids = [Some(it.id), it.object_id, it.customer];
                for id in ids.into_iter().flatten() {
                    proptest::prop_assert!((1..=LONGEST_ID).contains(&id.len()), "{}", id);
                    proptest::prop_assert!(id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'), "{}", id);
                }
                proptest::prop_assert!(it.kind.chars().count() <= LONGEST_ID);
                proptest::prop_assert!(!event["type"].is_null(), "an event says what it is");
            }
        }

        /// What is around it changes nothing of what an event says.
        #[test]
        fn what_an_event_says_is_read_whatever_else_it_holds(more in tree(), n in 0..1_000_000i64, live: bool) {
            let (id, object, customer) = (format!("evt_{n}"), format!("sub_{n}"), format!("cus_{n}"));
            let event = serde_json::json!({ "id": id, "type": "customer.subscription.updated", "created": n, "livemode": live,
                "more": more, "data": { "previous_attributes": more,
                    "object": { "id": object, "object": "subscription", "customer": customer, "items": more } } });
            let it = Envelope::parse(event.to_string().as_bytes()).unwrap();
            proptest::prop_assert_eq!((it.id, it.object_id, it.customer), (id, Some(object), Some(customer)));
            proptest::prop_assert_eq!((it.created, it.livemode), (n, live));
        }
    }

    fn tree() -> impl proptest::strategy::Strategy<Value = Value> {
        use proptest::prelude::*;
        let name = prop_oneof![
            3 => proptest::sample::select(vec![
                "id", "type", "object", "data", "created", "livemode", "customer", "snapshot_event", "related_object", "api_version",
            ]).prop_map(str::to_owned),
            1 => ".{0,8}",
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[a-z_0-9]{0,12}|.{0,300}|customer|v1\\.x|2027-01-01T00:00:00Z".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 60, 8, move |inner| {
            prop_oneof![
                4 => proptest::collection::vec((name.clone(), inner.clone()), 0..8)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
                1 => proptest::collection::vec(inner, 0..4).prop_map(Value::from),
            ]
        })
    }
}
