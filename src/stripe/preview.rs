//! What Stripe will charge next, as Stripe works it out: discounts, credit, tax, prorations and scheduled
//! changes included.
use super::{
    deadline::Deadline,
    error::Error,
    gateway::Stripe,
    view::{CustomerId, Expandable, List},
};
use crate::db::kept;
use serde::Deserialize;
use stripe_billing::invoice::CreatePreviewInvoice;
use stripe_client_core::StripeRequest;

/// The longest name of a coupon that is kept, in characters.
const MAX_NAME: usize = 100;

/// The next invoice of a subscription. Amounts are minor units of `currency`.
#[derive(Clone, Debug, Deserialize)]
pub struct Preview {
    /// What will be charged, once credit is used.
    pub amount_due: i64,
    /// Before the customer's balance.
    pub total: i64,
    #[serde(default)]
    pub currency: String,
    next_payment_attempt: Option<i64>,
    due_date: Option<i64>,
    period_end: i64,
    total_discount_amounts: Option<Vec<DiscountAmount>>,
    total_taxes: Option<Vec<Amount>>,
    /// Where `total_taxes` is now, before API version 2025-03-31.
    tax: Option<i64>,
    lines: Option<List<Line>>,
}

#[derive(Clone, Debug, Deserialize)]
struct Amount {
    amount: i64,
}

#[derive(Clone, Debug, Deserialize)]
struct DiscountAmount {
    amount: i64,
    #[serde(default)]
    discount: Expandable<DiscountObject>,
}

#[derive(Clone, Debug, Deserialize)]
struct DiscountObject {
    source: Option<Source>,
    /// Where `source` is now, before API version 2025-09-30.
    #[serde(default)]
    coupon: Expandable<Coupon>,
}

#[derive(Clone, Debug, Deserialize)]
struct Source {
    #[serde(default)]
    coupon: Expandable<Coupon>,
}

#[derive(Clone, Debug, Deserialize)]
struct Coupon {
    id: String,
    name: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Line {
    amount: i64,
    parent: Option<LineParent>,
    /// Where `parent` is now, before API version 2025-03-31.
    #[serde(default)]
    proration: bool,
}

#[derive(Clone, Debug, Deserialize)]
struct LineParent {
    invoice_item_details: Option<LineDetails>,
    subscription_item_details: Option<LineDetails>,
}

#[derive(Clone, Debug, Deserialize)]
struct LineDetails {
    #[serde(default)]
    proration: bool,
}

/// A coupon and what it takes off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discount {
    /// As customers know the coupon.
    pub name: String,
    /// Minor units.
    pub amount: i64,
}

impl Preview {
    /// When it is charged, or has to be paid where invoices are sent. Unix seconds.
    pub fn at(&self) -> i64 {
        self.next_payment_attempt.or(self.due_date).unwrap_or(self.period_end)
    }

    /// Each discount that takes something off.
    pub fn discounts(&self) -> Vec<Discount> {
        let all = self.total_discount_amounts.iter().flatten().filter(|off| off.amount != 0);
        all.map(|off| Discount { name: off.name(), amount: off.amount }).collect()
    }

    /// Tax, in minor units.
    pub fn tax(&self) -> i64 {
        let listed = self.total_taxes.as_ref().map(|all| all.iter().map(|tax| tax.amount).sum());
        listed.or(self.tax).unwrap_or(0)
    }

    /// What changes in the middle of a period add; below zero, what they take off.
    pub fn proration(&self) -> i64 {
        let lines = self.lines.iter().flat_map(|lines| &lines.data);
        lines.filter(|line| line.is_proration()).map(|line| line.amount).sum()
    }
}

impl DiscountAmount {
    fn name(&self) -> String {
        let discount = self.discount.object();
        let coupon = discount.and_then(|it| match &it.source {
            Some(source) => source.coupon.object(),
            None => it.coupon.object(),
        });
        let name = coupon.map(|coupon| coupon.name.as_ref().unwrap_or(&coupon.id).as_str());
        kept(name.unwrap_or("Discount"), MAX_NAME)
    }
}

impl Line {
    fn is_proration(&self) -> bool {
        let details = self.parent.as_ref().into_iter();
        let mut details = details.flat_map(|it| [&it.invoice_item_details, &it.subscription_item_details]);
        self.proration || details.any(|it| it.as_ref().is_some_and(|it| it.proration))
    }
}

impl Stripe {
    /// The next invoice of a subscription. None where there is none, or Stripe cannot say.
    pub async fn preview(
        &self,
        customer: &CustomerId,
        subscription: &str,
        until: Deadline,
    ) -> Result<Option<Preview>, Error> {
        let ask = CreatePreviewInvoice::new()
            .customer(customer.0.as_str())
            .subscription(subscription)
            .expand(["total_discount_amounts.discount.source.coupon".to_owned()]);
        // A preview changes nothing at Stripe; the key is there because each POST carries one.
        let key = format!("preview:{}", uuid::Uuid::now_v7());
        match self.transport.send(ask.build(), Some(&key), until).await {
            Ok(preview) => Ok(Some(preview)),
            Err(Error::Refused(refusal)) if matches!(refusal.status, 400 | 404) => {
                if refusal.code.as_deref() != Some("invoice_upcoming_none") {
                    tracing::warn!(%refusal, "no preview of the next invoice");
                }
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_says_what_is_taken_off_and_added() {
        let preview: Preview = serde_json::from_str(
            r#"{"amount_due":1900,"total":2400,"currency":"usd","next_payment_attempt":70,"period_end":60,
                "total_discount_amounts":[{"amount":600,"discount":{"id":"di_1","source":{"coupon":{"id":"LAUNCH","name":"Launch offer"}}}},
                                          {"amount":0,"discount":"di_2"},{"amount":100,"discount":"di_3"}],
                "total_taxes":[{"amount":120},{"amount":30}],
                "lines":{"data":[{"amount":2900},{"amount":75,"parent":{"invoice_item_details":{"proration":true}}}]}}"#,
        )
        .unwrap();

        let names: Vec<String> = preview.discounts().into_iter().map(|off| off.name).collect();
        assert_eq!(names, ["Launch offer", "Discount"]);
        assert_eq!((preview.at(), preview.tax(), preview.proration()), (70, 150, 75));
    }

    #[test]
    fn a_preview_of_an_older_api_version_says_the_same() {
        let preview: Preview = serde_json::from_str(
            r#"{"amount_due":1,"total":1,"period_end":60,"tax":5,"lines":{"data":[{"amount":7,"proration":true}]},
                "total_discount_amounts":[{"amount":2,"discount":{"coupon":{"id":"OLD"}}}]}"#,
        )
        .unwrap();

        assert_eq!(preview.discounts(), [Discount { name: "OLD".into(), amount: 2 }]);
        assert_eq!((preview.at(), preview.tax(), preview.proration()), (60, 5, 7));
    }
}
