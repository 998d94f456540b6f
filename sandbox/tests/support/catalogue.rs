//! What the sandbox's tests sell, made through the API as a client makes it: whatever a product sells
//! changes nothing here.
use super::sandbox_client::{PRO_MONTH, PRO_YEAR, SEAT_MONTH, SandboxClient, id};
use portico_sandbox::Options;

/// In US cents.
const SEAT_YEAR: i64 = 15_000;

impl SandboxClient {
    /// One that holds the catalogue, unless its file holds one already.
    pub async fn with_catalogue(options: Options) -> Self {
        let mut sandbox = Self::with(options).await;
        if sandbox.list("/v1/products").await.is_empty() {
            sandbox.make_catalogue().await;
        }
        sandbox.catalogue_made = sandbox.control_list("/events").await.last().map(id);
        sandbox
    }

    async fn make_catalogue(&self) {
        let pro = [
            ("name", "Pro"),
            ("description", "For a team that relies on it."),
            ("marketing_features[0][name]", "50 projects"),
            ("marketing_features[1][name]", "Up to 10 members"),
        ];
        let pro = self.sell("pro", &pro, PRO_MONTH, PRO_YEAR).await;
        let business = [("name", "Business"), ("unit_label", "seat")];
        let business = self.sell("business", &business, SEAT_MONTH, SEAT_YEAR).await;
        let welcome = [
            ("id", "welcome25"),
            ("name", "Welcome"),
            ("percent_off", "25"),
            ("duration", "repeating"),
            ("duration_in_months", "3"),
        ];
        self.post("/v1/coupons", &welcome).await;
        let code = [("code", "WELCOME"), ("promotion[type]", "coupon"), ("promotion[coupon]", "welcome25")];
        self.post("/v1/promotion_codes", &code).await;
        self.configure_portal([&pro, &business]).await;
    }

    /// A product and its two prices, with the lookup keys `{key}_month` and `{key}_year`; their ids.
    async fn sell(&self, key: &str, product: &[(&str, &str)], month: i64, year: i64) -> [String; 3] {
        let product = id(&self.post("/v1/products", product).await);
        let price = async |interval: &str, amount: i64| {
            let (amount, key) = (amount.to_string(), format!("{key}_{interval}"));
            let fields = [
                ("product", product.as_str()),
                ("currency", "usd"),
                ("unit_amount", &amount),
                ("recurring[interval]", interval),
                ("lookup_key", &key),
            ];
            id(&self.post("/v1/prices", &fields).await)
        };
        let (month, year) = (price("month", month).await, price("year", year).await);
        self.post(&format!("/v1/products/{product}"), &[("default_price", &month)]).await;
        [product, month, year]
    }

    /// A switch is paid at once, and only the shorter interval waits for the period's end.
    async fn configure_portal(&self, products: [&[String; 3]; 2]) {
        let feature = |name: &str, value: &str| (format!("features[{name}"), value.to_owned());
        let mut fields = vec![
            feature("customer_update][enabled]", "true"),
            feature("customer_update][allowed_updates][0]", "address"),
            feature("customer_update][allowed_updates][1]", "name"),
            feature("customer_update][allowed_updates][2]", "tax_id"),
            feature("invoice_history][enabled]", "true"),
            feature("payment_method_update][enabled]", "true"),
            feature("subscription_cancel][enabled]", "true"),
            feature("subscription_cancel][mode]", "at_period_end"),
            feature("subscription_cancel][cancellation_reason][enabled]", "true"),
            feature("subscription_update][enabled]", "true"),
            feature("subscription_update][default_allowed_updates][0]", "price"),
            feature("subscription_update][default_allowed_updates][1]", "quantity"),
            feature("subscription_update][default_allowed_updates][2]", "promotion_code"),
            feature("subscription_update][proration_behavior]", "always_invoice"),
            feature("subscription_update][trial_update_behavior]", "continue_trial"),
            feature(
                "subscription_update][schedule_at_period_end][conditions][0][type]",
                "shortening_interval",
            ),
            ("business_profile[headline]".into(), "Manage your plan and payments".into()),
        ];
        for reason in ["too_expensive", "missing_features", "switched_service", "unused", "other"] {
            fields.push(feature("subscription_cancel][cancellation_reason][options][]", reason));
        }
        for (n, [product, month, year]) in products.into_iter().enumerate() {
            let of = |name: &str| format!("subscription_update][products][{n}]{name}");
            fields.push(feature(&of("[product]"), product));
            fields.push(feature(&of("[prices][0]"), month));
            fields.push(feature(&of("[prices][1]"), year));
        }
        fields.push(feature("subscription_update][products][1][adjustable_quantity][enabled]", "true"));
        fields.push(feature("subscription_update][products][1][adjustable_quantity][maximum]", "500"));
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.post("/v1/billing_portal/configurations", &fields).await;
    }
}
