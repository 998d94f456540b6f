//! What the customer portal allows, and how a configuration at Stripe differs from that. The comparison uses
//! the request that would be sent, so that everything we set is also checked.
use super::requests::{Done, as_update};
use crate::stripe::{
    deadline::Deadline,
    error::Error,
    gateway::Stripe,
    metadata::{Metadata, is_ours, ours},
    view::Listed,
};
use serde::Deserialize;
use serde_json::Value;
use stripe_billing::billing_portal_configuration::{
    CreateBillingPortalConfiguration, CreateBillingPortalConfigurationBusinessProfile as Profile,
    CreateBillingPortalConfigurationFeatures as Features,
    CreateBillingPortalConfigurationFeaturesCustomerUpdate as CustomerUpdate,
    CreateBillingPortalConfigurationFeaturesCustomerUpdateAllowedUpdates as Allowed,
    CreateBillingPortalConfigurationFeaturesSubscriptionCancel as Cancel,
    CreateBillingPortalConfigurationFeaturesSubscriptionCancelCancellationReason as WhyCancel,
    CreateBillingPortalConfigurationFeaturesSubscriptionCancelCancellationReasonOptions as Reason,
    CreateBillingPortalConfigurationFeaturesSubscriptionCancelMode as CancelMode,
    CreateBillingPortalConfigurationFeaturesSubscriptionCancelProrationBehavior as CancelProration,
    CreateBillingPortalConfigurationFeaturesSubscriptionUpdate as Update,
    CreateBillingPortalConfigurationFeaturesSubscriptionUpdateBillingCycleAnchor as Anchor,
    CreateBillingPortalConfigurationFeaturesSubscriptionUpdateDefaultAllowedUpdates as Change,
    CreateBillingPortalConfigurationFeaturesSubscriptionUpdateProrationBehavior as Proration,
    CreateBillingPortalConfigurationFeaturesSubscriptionUpdateScheduleAtPeriodEnd as AtPeriodEnd,
    CreateBillingPortalConfigurationFeaturesSubscriptionUpdateScheduleAtPeriodEndConditions as Condition,
    CreateBillingPortalConfigurationFeaturesSubscriptionUpdateScheduleAtPeriodEndConditionsType as Waits,
    CreateBillingPortalConfigurationFeaturesSubscriptionUpdateTrialUpdateBehavior as Trial,
    CreateBillingPortalConfigurationLoginPage as LoginPage, InvoiceListParam, ListBillingPortalConfiguration,
    PaymentMethodUpdateParam, SubscriptionUpdateProductAdjustableQuantityParam as Seats,
    SubscriptionUpdateProductParam, UpdateBillingPortalConfiguration,
};
use stripe_client_core::{RequestBuilder, StripeRequest};

/// The largest number of seats that can be chosen in the portal.
const MAX_SEATS: i64 = 500;

/// The part of the configuration that depends on our plans and our address.
#[derive(Debug, Default)]
pub struct Portal {
    pub switch_to: Vec<SwitchTo>,
    /// Links in the portal's footer.
    pub privacy: Option<String>,
    pub terms: Option<String>,
}

/// A product people may switch to, at these prices.
#[derive(Debug)]
pub struct SwitchTo {
    pub product: String,
    pub prices: Vec<String>,
    pub per_seat: bool,
}

#[derive(Debug, Deserialize)]
pub struct Configuration {
    pub id: String,
    #[serde(default)]
    pub active: bool,
    #[serde(default)]
    pub livemode: bool,
    metadata: Option<Metadata>,
    #[serde(default)]
    features: Value,
    #[serde(default)]
    business_profile: Value,
    #[serde(default)]
    login_page: Value,
}

impl Configuration {
    pub fn is_ours(&self) -> bool {
        is_ours(self.metadata.as_ref())
    }
}

impl Listed for Configuration {
    fn id(&self) -> &str {
        &self.id
    }
}

/// A field by Stripe's name, with its value at Stripe and the one it should have.
#[derive(Debug, PartialEq, Eq)]
pub struct Difference {
    pub field: String,
    pub is: String,
    pub should: String,
}

impl Portal {
    pub fn differs_from(&self, found: &Configuration) -> Vec<Difference> {
        let pairs = [
            ("features", serde_json::to_value(self.features()), &found.features),
            ("business_profile", serde_json::to_value(self.profile()), &found.business_profile),
            ("login_page", serde_json::to_value(login_page()), &found.login_page),
        ];
        let mut all = Vec::new();
        for (name, wanted, found) in pairs {
            compare(name, &wanted.unwrap_or_default(), found, &mut all);
        }
        all
    }

    fn request(&self) -> RequestBuilder {
        CreateBillingPortalConfiguration::new(self.features())
            .business_profile(self.profile())
            .login_page(login_page())
            .metadata(ours(None))
            .build()
    }

    fn profile(&self) -> Profile {
        Profile {
            headline: Some("Manage your plan and payments".into()),
            privacy_policy_url: self.privacy.clone(),
            terms_of_service_url: self.terms.clone(),
        }
    }

    fn features(&self) -> Features {
        // The e-mail address cannot be changed there: it is where receipts go, and proves nothing about a person.
        let customer = CustomerUpdate {
            allowed_updates: Some(vec![Allowed::Address, Allowed::Name, Allowed::TaxId]),
            ..CustomerUpdate::new(true)
        };
        Features {
            customer_update: Some(customer),
            invoice_history: Some(InvoiceListParam::new(true)),
            payment_method_update: Some(PaymentMethodUpdateParam::new(true)),
            subscription_cancel: Some(cancel()),
            subscription_update: Some(self.update()),
        }
    }

    /// Upgrades are paid at once. A change from a year to a month waits for the year's end, because the year is
    /// paid. A smaller amount alone does not wait: Business for one person costs less than Pro and gives more.
    fn update(&self) -> Update {
        let at_period_end = AtPeriodEnd { conditions: Some(vec![Condition::new(Waits::ShorteningInterval)]) };
        Update {
            billing_cycle_anchor: Some(Anchor::Unchanged),
            default_allowed_updates: Some(vec![Change::Price, Change::PromotionCode, Change::Quantity]),
            enabled: true,
            products: Some(self.switch_to.iter().map(SwitchTo::param).collect()),
            proration_behavior: Some(Proration::AlwaysInvoice),
            schedule_at_period_end: Some(at_period_end),
            // Stripe's default would end the trial when somebody changes plan.
            trial_update_behavior: Some(Trial::ContinueTrial),
        }
    }
}

impl SwitchTo {
    fn param(&self) -> SubscriptionUpdateProductParam {
        let maximum = self.per_seat.then_some(MAX_SEATS);
        let minimum = self.per_seat.then_some(1);
        SubscriptionUpdateProductParam {
            adjustable_quantity: Some(Seats { maximum, minimum, ..Seats::new(self.per_seat) }),
            ..SubscriptionUpdateProductParam::new(self.prices.clone(), self.product.clone())
        }
    }
}

fn cancel() -> Cancel {
    let reasons = [
        Reason::TooExpensive,
        Reason::MissingFeatures,
        Reason::SwitchedService,
        Reason::Unused,
        Reason::Other,
    ];
    Cancel {
        cancellation_reason: Some(WhyCancel::new(true, reasons)),
        mode: Some(CancelMode::AtPeriodEnd),
        proration_behavior: Some(CancelProration::None),
        ..Cancel::new(true)
    }
}

/// The login page is off: it lets in anybody who reads the billing address's mail, member or not.
fn login_page() -> LoginPage {
    LoginPage::new(false)
}

/// Every part of `wanted` has to be in `found`, which may hold more. The order of lists does not matter.
fn compare(field: &str, wanted: &Value, found: &Value, into: &mut Vec<Difference>) {
    match wanted {
        Value::Object(fields) => {
            for (name, wanted) in fields {
                compare(&format!("{field}.{name}"), wanted, &found[name.as_str()], into);
            }
        }
        _ if holds(wanted, found) => {}
        _ => into.push(Difference { field: field.to_owned(), is: text(found), should: text(wanted) }),
    }
}

fn holds(wanted: &Value, found: &Value) -> bool {
    match (wanted, found) {
        (Value::Object(fields), _) => fields.iter().all(|(name, it)| holds(it, &found[name.as_str()])),
        (Value::Array(wanted), Value::Array(found)) => {
            wanted.len() == found.len() && wanted.iter().all(|it| found.iter().any(|there| holds(it, there)))
        }
        _ => wanted == found,
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "nothing".into(),
        Value::String(word) => word.clone(),
        Value::Array(all) => format!("[{}]", all.iter().map(text).collect::<Vec<_>>().join(", ")),
        // A product that people may switch to is shown by its prices, a condition by its type.
        Value::Object(it) => it.get("prices").or(it.get("type")).map_or_else(|| value.to_string(), text),
        other => other.to_string(),
    }
}

impl Stripe {
    /// All configurations, with the products that Stripe leaves out unless they are expanded.
    pub async fn portal_configurations(&self) -> Result<Vec<Configuration>, Error> {
        self.all(Deadline::of_job(), |after| {
            let ask = ListBillingPortalConfiguration::new()
                .limit(100)
                .expand(["data.features.subscription_update.products".to_owned()]);
            after.into_iter().fold(ask, ListBillingPortalConfiguration::starting_after).build()
        })
        .await
    }

    pub async fn make_portal_configuration(&self, wanted: &Portal) -> Result<(), Error> {
        self.change::<Done>(wanted.request()).await.map(drop)
    }

    pub async fn change_portal_configuration(&self, id: &str, wanted: &Portal) -> Result<(), Error> {
        self.change::<Done>(as_update(wanted.request(), id)).await.map(drop)
    }

    pub async fn activate_portal_configuration(&self, id: &str) -> Result<(), Error> {
        let ask = UpdateBillingPortalConfiguration::new(id).active(true);
        self.change::<Done>(ask.build()).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn differences(wanted: Value, found: Value) -> Vec<String> {
        let mut all = Vec::new();
        compare("it", &wanted, &found, &mut all);
        all.into_iter().map(|it| format!("{} {} {}", it.field, it.is, it.should)).collect()
    }

    #[test]
    fn what_stripe_adds_of_its_own_is_no_difference_and_neither_is_order() {
        let wanted = json!({ "on": true, "words": ["a", "b"], "list": [{ "prices": ["p", "q"] }] });
        let found = json!({ "on": true, "more": 1, "words": ["b", "a"], "list": [{ "prices": ["q", "p"], "x": null }] });
        assert_eq!(differences(wanted, found), Vec::<String>::new());
    }

    #[test]
    fn each_other_field_is_named_with_both_values() {
        let wanted =
            json!({ "on": true, "deep": { "word": "a" }, "list": [{ "prices": ["p"] }], "words": ["a"] });
        let found = json!({ "on": false, "deep": null, "list": [{ "prices": ["q"] }], "words": ["a", "b"] });
        let said = differences(wanted, found);
        for line in
            ["it.on false true", "it.deep.word nothing a", "it.list [[q]] [[p]]", "it.words [a, b] [a]"]
        {
            assert!(said.iter().any(|it| it == line), "{line}: {said:?}");
        }
    }
}
