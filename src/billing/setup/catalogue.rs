//! Products, known by their metadata, and prices, known by their lookup key.
use super::work::{Part, Work};
use crate::{
    billing::plans::{CURRENCY, OFFERS, Offer, Plan, lookup_key},
    stripe::{
        Error,
        account::{NewPrice, NewProduct, Price, Product},
    },
};
use std::cmp::Reverse;

/// A plan's product and prices as they are at Stripe now.
pub struct ProductOfPlan {
    pub offer: &'static Offer,
    pub product: String,
    /// The ids of its prices; fewer than there should be where some are missing and nothing may be made.
    pub prices: Vec<String>,
}

/// The plans that are sold. Free is not: Stripe does not know of it.
fn offers() -> impl Iterator<Item = &'static Offer> {
    OFFERS.iter().filter(|offer| offer.plan != Plan::Free)
}

/// The lookup keys of all prices that there have to be.
pub fn lookup_keys() -> Vec<String> {
    offers().flat_map(|offer| offer.prices().map(|(every, _)| lookup_key(offer.plan, every))).collect()
}

impl Work<'_> {
    pub(super) async fn catalogue(&mut self) -> Result<Vec<ProductOfPlan>, Error> {
        let products = self.stripe.products().await?;
        let prices = self.stripe.prices(&lookup_keys()).await?;
        let mut all = Vec::new();
        for offer in offers() {
            let product = self.product(offer, &products).await?;
            let (prices, retired) = self.prices(offer, product.as_ref(), &prices).await?;
            if let Some(product) = product {
                let is_new = !products.iter().any(|known| known.id == product.id);
                self.default_price(&product, is_new, prices.first()).await?;
                all.push(ProductOfPlan { offer, product: product.id, prices });
            }
            for old in retired {
                self.stripe.retire_price(&old, offer.plan.as_str()).await?;
            }
        }
        Ok(all)
    }

    async fn product(&mut self, offer: &'static Offer, all: &[Product]) -> Result<Option<Product>, Error> {
        let key = offer.plan.as_str();
        let wanted = wanted(offer);
        let ours = all.iter().filter(|product| product.plan() == Some(key));
        let Some(found) = ours.max_by_key(|product| (product.active, Reverse(product.created))) else {
            self.found(Part::Product, format!("product {key}: is missing"));
            return match self.mends() {
                true => self.stripe.make_product(&wanted).await.map(Some),
                false => Ok(None),
            };
        };
        let differences = differences(&wanted, found);
        if differences.is_empty() {
            self.right(format!("product {key}"));
            return Ok(Some(found.clone()));
        }
        for (field, is, should) in differences {
            self.found(Part::Product, format!("product {key}: {field} is {is}, should be {should}"));
        }
        if self.mends() {
            return self.stripe.change_product(&found.id, &wanted).await.map(Some);
        }
        Ok(Some(found.clone()))
    }

    /// The right price of each interval it is sold by, the month first, and the prices that they replace.
    async fn prices(
        &mut self,
        offer: &'static Offer,
        product: Option<&Product>,
        all: &[Price],
    ) -> Result<(Vec<String>, Vec<String>), Error> {
        let (mut sold, mut retired) = (Vec::new(), Vec::new());
        for (interval, amount) in offer.prices() {
            let key = lookup_key(offer.plan, interval);
            let found = all.iter().find(|price| price.lookup_key.as_ref() == Some(&key));
            let new = NewPrice {
                plan: offer.plan.as_str(),
                product: product.map_or("", |product| &product.id),
                lookup_key: &key,
                currency: CURRENCY,
                amount,
                interval: interval.as_str(),
            };
            let right = self.price(&new, found).await?;
            // A price of another product only loses its lookup key.
            let replaced = found.filter(|old| old.product == new.product && right.as_ref() != Some(&old.id));
            retired.extend(replaced.filter(|_| self.mends()).map(|old| old.id.clone()));
            sold.extend(right);
        }
        Ok((sold, retired))
    }

    /// Stripe never changes the amount, currency or interval of a price, so a wrong price is replaced by a new one.
    async fn price(&mut self, new: &NewPrice<'_>, found: Option<&Price>) -> Result<Option<String>, Error> {
        let key = new.lookup_key;
        let wrong = found.map(|price| misfits(new, price));
        for (field, is, should) in wrong.iter().flatten() {
            self.found(Part::Price, format!("price {key}: {field} is {is}, should be {should}"));
        }
        match (found, wrong) {
            (Some(price), Some(wrong)) if wrong.is_empty() => {
                if price.active && price.names_plan(new.plan) {
                    self.right(format!("price {key}"));
                    return Ok(Some(price.id.clone()));
                }
                let what =
                    if price.active { "does not name its plan in its metadata" } else { "is not active" };
                self.found(Part::Price, format!("price {key}: {what}"));
                if self.mends() {
                    self.stripe.activate_price(&price.id, new.plan).await?;
                }
                return Ok(Some(price.id.clone()));
            }
            (None, _) => self.found(Part::Price, format!("price {key}: is missing")),
            _ => {}
        }
        match self.mends() {
            true => self.stripe.make_price(new).await.map(|made| Some(made.id)),
            // The wrong price, which is noted above.
            false => Ok(found.map(|price| price.id.clone())),
        }
    }

    /// Makes the monthly price the product's default. Stripe does not let us deactivate a default price, so this
    /// comes before the old price is deactivated.
    async fn default_price(
        &mut self,
        product: &Product,
        is_new: bool,
        first: Option<&String>,
    ) -> Result<(), Error> {
        let Some(first) = first.filter(|first| product.default_price.as_ref() != Some(first)) else {
            return Ok(());
        };
        if !is_new {
            let key = product.plan().unwrap_or_default();
            self.found(Part::Product, format!("product {key}: default price is not its first one"));
        }
        match self.mends() {
            true => self.stripe.set_default_price(&product.id, first).await,
            false => Ok(()),
        }
    }
}

fn wanted(offer: &'static Offer) -> NewProduct<'static> {
    NewProduct {
        plan: offer.plan.as_str(),
        name: offer.name,
        description: offer.tagline,
        unit_label: offer.per_seat.then_some("seat"),
        features: offer.includes(),
    }
}

type Misfits = Vec<(&'static str, String, String)>;

fn differences(wanted: &NewProduct<'_>, found: &Product) -> Misfits {
    let or_none = |text: Option<&str>| text.filter(|it| !it.is_empty()).unwrap_or("nothing").to_owned();
    only_different([
        ("active", found.active.to_string(), true.to_string()),
        ("name", found.name.clone(), wanted.name.to_owned()),
        ("description", or_none(found.description.as_deref()), or_none(Some(wanted.description))),
        ("unit label", or_none(found.unit_label.as_deref()), or_none(wanted.unit_label)),
        ("features", found.features().join(", "), wanted.features.join(", ")),
    ])
}

fn misfits(new: &NewPrice<'_>, found: &Price) -> Misfits {
    let every = found.recurring.as_ref();
    let interval = every.map_or("nothing".into(), |every| match every.interval_count {
        0 | 1 => every.interval.clone(),
        several => format!("{several} × {}", every.interval),
    });
    let usage = every.and_then(|every| every.usage_type.as_deref()).unwrap_or("licensed");
    let amount = found.unit_amount.map_or("not a whole amount".into(), |amount| amount.to_string());
    let mut all = only_different([
        ("amount", amount, new.amount.to_string()),
        ("currency", found.currency.clone().unwrap_or_default(), new.currency.to_owned()),
        ("interval", interval, new.interval.to_owned()),
        ("usage", usage.to_owned(), "licensed".into()),
    ]);
    if !new.product.is_empty() && found.product != new.product {
        all.push(("product", found.product.clone(), new.product.to_owned()));
    }
    all
}

fn only_different<const N: usize>(all: [(&'static str, String, String); N]) -> Misfits {
    all.into_iter().filter(|(_, is, should)| is != should).collect()
}
