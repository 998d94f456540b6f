//! What has to hold at the end of a history.
use super::HistoryApp;
use crate::{billing_app::DAY, expected_billing_state::is_ours};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// Mails about what is older are not sent (see billing/notices.rs).
const STALE: i64 = 3 * DAY;
impl HistoryApp {
    pub(super) async fn details(&self, slug: &str, action: &str) -> Vec<Value> {
        let query = format!(
            "select cast(e.detail as text) from audit_events e join orgs o on o.id = e.org_id
             where o.slug = '{slug}' and e.action = '{action}' order by e.at, e.id"
        );
        self.it.app.texts(&query).await.iter().map(|text| serde_json::from_str(text).unwrap()).collect()
    }

    /// What is wrong with an organisation.
    pub(super) async fn look(&self, slug: &str) -> Vec<String> {
        let mut found = self.once_in_the_audit_log(slug).await;
        let Some(customer) = self.customer(slug).await else { return found };
        let ours = self.it.billing_state_expected(slug).await;
        let mut truth = self.it.expected_state(slug, &customer).await;
        let customers = self.details(slug, "billing.customer_created").await.len();
        if customers > 1 && truth["status"].is_null() && ours["status"] == "canceled" {
            truth["status"] = "canceled".into(); // what ended was the deleted customer's
        }
        if self.is_deleted(&customer).await {
            for (field, value) in truth.as_object_mut().unwrap() {
                match field.as_str() {
                    "org" | "customer" => {}
                    "processing" => *value = false.into(),
                    "plan_known" => *value = true.into(),
                    _ => *value = Value::Null,
                }
            }
            // Whether there was anything before is ours to know.
            truth["status"] = match ours["status"].as_str() {
                None | Some("canceled") => ours["status"].clone(),
                _ => "canceled".into(),
            };
        }
        if ours != truth {
            found.push(format!("we believe {ours}\nand it is   {truth}"));
        }
        let held = self
            .it
            .app
            .at_stripe(&format!("/v1/subscriptions?customer={customer}&status=all&limit=100"))
            .await;
        let alive = |sub: &&Value| !matches!(sub["status"].as_str(), Some("canceled" | "incomplete_expired"));
        if held.iter().filter(|sub| is_ours(sub)).filter(alive).count() > 1 {
            found.push(format!("{slug} pays twice"));
        }
        found.extend(self.once_in_the_mail(slug, &held).await);
        found
    }

    async fn is_deleted(&self, customer: &str) -> bool {
        let read = self.dashboard.get(&format!("/v1/customers/{customer}"));
        read.header("authorization", "Bearer sk_test_123").await.json()["deleted"] == true
    }

    /// Entries of a field follow one another without a gap and without a double, down to what we
    /// believe now; sessions and customers stand once.
    async fn once_in_the_audit_log(&self, slug: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut last: BTreeMap<String, String> = BTreeMap::new();
        for entry in self.details(slug, "billing.subscription_changed").await {
            let word = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
            let first = if word("field") == "plan" { "free" } else { "" };
            let before = last.insert(word("field"), word("new")).unwrap_or(first.into());
            if before != word("old") || word("old") == word("new") {
                found.push(format!("the audit log said {before:?} and then {entry}"));
            }
        }
        let ours = self.it.billing_state(slug).await;
        let said = last.get("subscription").cloned().unwrap_or_default();
        if said != ours["subscription"].as_str().unwrap_or_default() {
            found.push(format!("the audit log ends with {said:?}, and we believe {ours}"));
        }
        for (action, field) in [
            ("billing.customer_created", "customer"),
            ("billing.checkout_started", "session"),
            ("billing.portal_opened", "session"),
        ] {
            let mut all: Vec<String> =
                self.details(slug, action).await.iter().map(|it| it[field].to_string()).collect();
            all.sort();
            if all.windows(2).any(|two| two[0] == two[1]) {
                found.push(format!("{action} stands twice: {all:?}"));
            }
        }
        found
    }

    /// Each beginning and each end that we came to believe in, and that is not old, was told once to
    /// each who manages billing; and every mail is sent.
    async fn once_in_the_mail(&self, slug: &str, held: &[Value]) -> Vec<String> {
        let mut found = Vec::new();
        let unsent = self.it.app.texts("select key from mails where sent_at is null").await;
        if !unsent.is_empty() {
            found.push(format!("not sent: {unsent:?}"));
        }
        let changes = self.details(slug, "billing.subscription_changed").await;
        let believed_in =
            |id: &str| changes.iter().any(|it| it["field"] == "subscription" && it["new"] == id);
        // Where another one was there by then, nothing ended for the organisation.
        let ended_for_us = |id: &str| {
            changes.iter().any(|it| it["field"] == "subscription" && it["old"] == id && it["new"] == "")
        };
        let now = self.it.app.app.billing_now().unix();
        let fresh = |at: &Value| at.as_i64().is_some_and(|at| at > now - STALE + 60);
        for sub in held.iter().filter(|sub| believed_in(sub["id"].as_str().unwrap())) {
            let id = sub["id"].as_str().unwrap();
            for (word, due) in [
                ("started", fresh(&sub["created"])),
                ("ended", sub["status"] == "canceled" && fresh(&sub["ended_at"]) && ended_for_us(id)),
            ] {
                let query = format!("select recipient from mails where key like '{word}:{id}:%'");
                let mut told: HashMap<String, usize> = HashMap::new();
                for recipient in self.it.app.texts(&query).await {
                    *told.entry(recipient).or_default() += 1;
                }
                if told.values().any(|n| *n > 1) || (due && told.len() != 2) {
                    found.push(format!("{word} {id} was told to {told:?}"));
                }
            }
        }
        found
    }
}
