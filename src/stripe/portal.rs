//! Portal sessions and the pages of the portal they open.
use super::{
    deadline::Deadline,
    error::Error,
    gateway::Stripe,
    hosts::StripeUrl,
    view::{CustomerId, Portal},
};
use crate::text_enum;
use stripe_billing::billing_portal_session::{
    CreateBillingPortalSession, CreateBillingPortalSessionFlowData,
    CreateBillingPortalSessionFlowDataSubscriptionCancel,
    CreateBillingPortalSessionFlowDataSubscriptionUpdate,
    CreateBillingPortalSessionFlowDataSubscriptionUpdateConfirm,
    CreateBillingPortalSessionFlowDataSubscriptionUpdateConfirmItems,
    CreateBillingPortalSessionFlowDataType as Page,
};
use stripe_client_core::StripeRequest;

text_enum! {
    /// Which page of the portal opens first; the words of our form's field.
    Flow { Home = "home", PaymentMethod = "payment_method", ChangePlan = "change_plan", Cancel = "cancel", Resume = "resume" }
}

/// A portal session, good for one visit.
#[derive(Debug)]
pub struct PortalSession {
    pub id: String,
    pub url: StripeUrl,
}

/// What a portal session is made for.
pub struct NewPortalSession<'a> {
    pub customer: &'a CustomerId,
    pub flow: Flow,
    /// The one that is alive, if one is.
    pub subscription: Option<&'a str>,
    /// What it is to be, where a plan was chosen on our page.
    pub switch_to: Option<PlanChange<'a>>,
    pub return_url: &'a str,
}

/// The change that the portal asks people to confirm.
pub struct PlanChange<'a> {
    /// The item of the subscription that is changed.
    pub item: &'a str,
    pub price: String,
    /// How many units of the new price. The portal would keep the old quantity: four seats of one plan would
    /// become four times another.
    pub quantity: u64,
}

impl Stripe {
    /// A session that opens on the page of `flow`. If Stripe refuses that page (switched off, already
    /// cancelled), it opens on the home page, from which everything can be reached. If Stripe refuses the
    /// configuration (the account was switched, or `stripe setup` made another), it is looked up again, once.
    pub async fn create_portal_session(
        &self,
        new: NewPortalSession<'_>,
        until: Deadline,
    ) -> Result<PortalSession, Error> {
        let portal = match self.portal_session_now(&new, until).await {
            Err(refused)
                if refused.refused_field() == Some("configuration") && self.forget_configuration() =>
            {
                tracing::warn!(%refused, "the portal configuration was refused; looking it up again");
                self.portal_session_now(&new, until).await?
            }
            answer => answer?,
        };
        Ok(PortalSession { url: self.hosts.check(portal.url)?, id: portal.id })
    }

    async fn portal_session_now(&self, new: &NewPortalSession<'_>, until: Deadline) -> Result<Portal, Error> {
        let mut home =
            CreateBillingPortalSession::new().customer(new.customer.0.as_str()).return_url(new.return_url);
        if let Some(configuration) = self.configuration(until).await? {
            home = home.configuration(configuration);
        }
        let Some(page) = page_of(new) else { return self.send_portal_session(&home, until).await };
        match self.send_portal_session(&home.clone().flow_data(page), until).await {
            Err(refused) if refused.is_about_the_page() => {
                tracing::warn!(%refused, "the portal's page was refused; opening its home page");
                self.send_portal_session(&home, until).await
            }
            answer => answer,
        }
    }

    async fn send_portal_session(
        &self,
        ask: &CreateBillingPortalSession,
        until: Deadline,
    ) -> Result<Portal, Error> {
        let key = format!("portal:{}", uuid::Uuid::now_v7());
        self.transport.send(ask.build(), Some(&key), until).await
    }
}

/// The page a session opens on; `None` is the home page: for resuming, which has no page of its own, and for a
/// flow that needs a subscription where there is none.
fn page_of(new: &NewPortalSession<'_>) -> Option<CreateBillingPortalSessionFlowData> {
    let subscription = || new.subscription.map(str::to_owned);
    match new.flow {
        Flow::Home | Flow::Resume => None,
        Flow::PaymentMethod => Some(CreateBillingPortalSessionFlowData::new(Page::PaymentMethodUpdate)),
        Flow::ChangePlan => match &new.switch_to {
            Some(PlanChange { item, price, quantity }) => {
                let mut chosen = CreateBillingPortalSessionFlowDataSubscriptionUpdateConfirmItems::new(*item);
                chosen.price = Some(price.clone());
                chosen.quantity = Some(*quantity);
                let confirm = CreateBillingPortalSessionFlowDataSubscriptionUpdateConfirm::new(
                    [chosen],
                    subscription()?,
                );
                let mut page = CreateBillingPortalSessionFlowData::new(Page::SubscriptionUpdateConfirm);
                page.subscription_update_confirm = Some(confirm);
                Some(page)
            }
            None => {
                let mut page = CreateBillingPortalSessionFlowData::new(Page::SubscriptionUpdate);
                let update = CreateBillingPortalSessionFlowDataSubscriptionUpdate::new(subscription()?);
                page.subscription_update = Some(update);
                Some(page)
            }
        },
        Flow::Cancel => {
            let mut page = CreateBillingPortalSessionFlowData::new(Page::SubscriptionCancel);
            let cancel = CreateBillingPortalSessionFlowDataSubscriptionCancel::new(subscription()?);
            page.subscription_cancel = Some(cancel);
            Some(page)
        }
    }
}
