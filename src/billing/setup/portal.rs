//! The portal's configuration, known by its metadata.
use super::{
    catalogue::ProductOfPlan,
    work::{Part, Work},
};
use crate::stripe::{
    Error,
    account::{Configuration, Portal, SwitchTo},
};

impl Work<'_> {
    pub(super) async fn portal(&mut self, sold: &[ProductOfPlan]) -> Result<(), Error> {
        let all = self.stripe.portal_configurations().await?;
        if let Some(id) = self.config.stripe.portal_configuration.clone() {
            self.set_by_hand(&id, &all);
            return Ok(());
        }
        let wanted = self.wanted_portal(sold);
        let ours = || all.iter().filter(|it| it.is_ours());
        // The gateway uses the first active one of the list.
        if let Some(found) = ours().find(|it| it.active).or(ours().next()) {
            return self.mend_portal(&wanted, found).await;
        }
        self.found(Part::Portal, "portal configuration: is missing".into());
        match self.mends() {
            true => self.stripe.make_portal_configuration(&wanted).await,
            false => Ok(()),
        }
    }

    /// A configuration named by STRIPE_PORTAL_CONFIGURATION is not compared; it only has to be active.
    fn set_by_hand(&mut self, id: &str, all: &[Configuration]) {
        match all.iter().any(|it| it.id == id && it.active) {
            true => self.right(format!("portal configuration {id}, set by hand")),
            false => {
                self.left(Part::Portal, format!("STRIPE_PORTAL_CONFIGURATION {id}: is missing or not active"))
            }
        }
    }

    async fn mend_portal(&mut self, wanted: &Portal, found: &Configuration) -> Result<(), Error> {
        if !found.active {
            self.found(Part::Portal, format!("portal configuration {}: is not active", found.id));
            if self.mends() {
                self.stripe.activate_portal_configuration(&found.id).await?;
            }
        }
        let differences = wanted.differs_from(found);
        if differences.is_empty() && found.active {
            self.right(format!("portal configuration {}", found.id));
        }
        for it in &differences {
            self.found(Part::Portal, format!("portal: {} is {}, should be {}", it.field, it.is, it.should));
        }
        match self.mends() && !differences.is_empty() {
            true => self.stripe.change_portal_configuration(&found.id, wanted).await,
            false => Ok(()),
        }
    }

    fn wanted_portal(&self, sold: &[ProductOfPlan]) -> Portal {
        let switch_to = sold.iter().map(|sold| SwitchTo {
            product: sold.product.clone(),
            prices: sold.prices.clone(),
            per_seat: sold.offer.per_seat,
        });
        // Stripe accepts only URLs that anybody can open.
        let page = |path: &str| {
            let url = &self.config.public_url;
            (url.scheme() == "https").then(|| format!("{}{path}", url.as_str().trim_end_matches('/')))
        };
        Portal { switch_to: switch_to.collect(), privacy: page("/privacy"), terms: page("/terms") }
    }
}
