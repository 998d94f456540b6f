//! Products and prices.
use super::requests::Done;
use crate::stripe::{
    deadline::Deadline,
    error::Error,
    gateway::Stripe,
    metadata::{Metadata, is_ours, ours},
    view::Listed,
};
use serde::Deserialize;
use stripe_client_core::StripeRequest;
use stripe_product::{
    price::{CreatePrice, CreatePriceRecurring, CreatePriceRecurringInterval, ListPrice, UpdatePrice},
    product::{CreateProduct, Features, ListProduct, UpdateProduct},
};
use stripe_types::Currency;

/// A product as it is to be.
pub struct NewProduct<'a> {
    /// The plan's key in plans.rs.
    pub plan: &'a str,
    pub name: &'a str,
    pub description: &'a str,
    /// What one unit is called, where the quantity can be more than one.
    pub unit_label: Option<&'a str>,
    pub features: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Product {
    pub id: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub active: bool,
    #[serde(default)]
    pub created: i64,
    pub description: Option<String>,
    pub unit_label: Option<String>,
    pub default_price: Option<String>,
    #[serde(default)]
    marketing_features: Vec<Named>,
    metadata: Option<Metadata>,
}

#[derive(Clone, Debug, Deserialize)]
struct Named {
    name: Option<String>,
}

impl Product {
    /// The key of the plan that this product stands for.
    pub fn plan(&self) -> Option<&str> {
        self.metadata.as_ref().filter(|it| is_ours(Some(it)))?.get("plan").map(String::as_str)
    }

    pub fn features(&self) -> Vec<&str> {
        self.marketing_features.iter().filter_map(|feature| feature.name.as_deref()).collect()
    }
}

impl Listed for Product {
    fn id(&self) -> &str {
        &self.id
    }
}

/// A price as it is to be.
pub struct NewPrice<'a> {
    pub plan: &'a str,
    pub product: &'a str,
    /// Taken over from the price that has it now.
    pub lookup_key: &'a str,
    pub currency: &'a str,
    /// Minor units.
    pub amount: i64,
    /// `month` or `year`.
    pub interval: &'a str,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Price {
    pub id: String,
    #[serde(default)]
    pub active: bool,
    #[serde(default)]
    pub livemode: bool,
    pub product: String,
    pub lookup_key: Option<String>,
    /// None for tiers or a decimal amount.
    pub unit_amount: Option<i64>,
    pub currency: Option<String>,
    pub recurring: Option<Recurring>,
    metadata: Option<Metadata>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Recurring {
    pub interval: String,
    #[serde(default)]
    pub interval_count: u64,
    #[serde(default)]
    pub usage_type: Option<String>,
}

impl Price {
    /// Whether its metadata names the plan. A price keeps that when it loses its lookup key.
    pub fn names_plan(&self, plan: &str) -> bool {
        let metadata = self.metadata.as_ref().filter(|it| is_ours(Some(it)));
        metadata.is_some_and(|it| it.get("plan").is_some_and(|named| named == plan))
    }
}

impl Listed for Price {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Stripe {
    pub async fn products(&self) -> Result<Vec<Product>, Error> {
        self.all(Deadline::of_job(), |after| {
            let ask = ListProduct::new().limit(100);
            after.into_iter().fold(ask, ListProduct::starting_after).build()
        })
        .await
    }

    pub async fn make_product(&self, new: &NewProduct<'_>) -> Result<Product, Error> {
        let ask = CreateProduct::new(new.name)
            .description(new.description)
            .marketing_features(features(new))
            .metadata(ours(Some(new.plan)));
        self.change(new.unit_label.into_iter().fold(ask, CreateProduct::unit_label).build()).await
    }

    pub async fn change_product(&self, id: &str, new: &NewProduct<'_>) -> Result<Product, Error> {
        let ask = UpdateProduct::new(id)
            .active(true)
            .name(new.name)
            .description(new.description)
            .marketing_features(features(new))
            .unit_label(new.unit_label.unwrap_or_default());
        self.change(ask.build()).await
    }

    /// The prices with one of these lookup keys, active or not.
    pub async fn prices(&self, lookup_keys: &[String]) -> Result<Vec<Price>, Error> {
        self.all(Deadline::of_job(), |after| {
            let ask = ListPrice::new().lookup_keys(lookup_keys).limit(100);
            after.into_iter().fold(ask, ListPrice::starting_after).build()
        })
        .await
    }

    pub async fn make_price(&self, new: &NewPrice<'_>) -> Result<Price, Error> {
        let Ok(currency) = new.currency.parse::<Currency>();
        if let Currency::Unknown(code) = currency {
            return Err(Error::Absent(format!("the currency {code}")));
        }
        let interval: CreatePriceRecurringInterval = match new.interval {
            "year" => CreatePriceRecurringInterval::Year,
            _ => CreatePriceRecurringInterval::Month,
        };
        let ask = CreatePrice::new(currency)
            .product(new.product)
            .unit_amount(new.amount)
            .recurring(CreatePriceRecurring::new(interval))
            .lookup_key(new.lookup_key)
            .transfer_lookup_key(true)
            .metadata(ours(Some(new.plan)));
        self.change(ask.build()).await
    }

    /// Deactivates a price: who pays it goes on paying it, and nobody else can choose it. Its metadata names the
    /// plan from then on, because its lookup key now belongs to another price.
    pub async fn retire_price(&self, id: &str, plan: &str) -> Result<(), Error> {
        let ask = UpdatePrice::new(id).active(false).metadata(ours(Some(plan)));
        self.change::<Done>(ask.build()).await.map(drop)
    }

    /// Activates a price again.
    pub async fn activate_price(&self, id: &str, plan: &str) -> Result<(), Error> {
        let ask = UpdatePrice::new(id).active(true).metadata(ours(Some(plan)));
        self.change::<Done>(ask.build()).await.map(drop)
    }

    /// Sets the product's default price, which Stripe does not let us deactivate.
    pub async fn set_default_price(&self, product: &str, price: &str) -> Result<(), Error> {
        self.change::<Done>(UpdateProduct::new(product).default_price(price).build()).await.map(drop)
    }
}

fn features(new: &NewProduct<'_>) -> Vec<Features> {
    new.features.iter().map(Features::new).collect()
}
