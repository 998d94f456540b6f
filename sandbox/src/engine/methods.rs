//! Payment methods of every type: what they say of themselves, and what comes of charging them.
use super::cards::{self, Holder, Verdict};
use crate::{
    objects::{Card, PaymentMethod},
    refusal::Refusal,
};
use serde_json::{Value, json};

/// How long a debit takes on the sandbox's clock.
pub const DEBIT_DAYS: i64 = 4;

/// Those that customers are likely to have, for whoever picks one.
pub const KINDS: [(&str, &str); 6] = [
    ("link", "Link"),
    ("sepa_debit", "SEPA debit"),
    ("us_bank_account", "US bank account"),
    ("bacs_debit", "BACS debit"),
    ("paypal", "PayPal"),
    ("cashapp", "Cash App"),
];

/// Stripe's test accounts that no money comes from.
const EMPTY_ACCOUNTS: [&str; 6] = [
    "DE62370400440532013001",
    "AT861904300235473202",
    "000111111116",
    "000111111113",
    "000222222227",
    "33333335",
];

/// A payment method before it has an id and a customer.
#[derive(Clone, Debug)]
pub struct NewMethod {
    pub kind: String,
    pub card: Option<Card>,
    pub details: Value,
    pub fails: bool,
}

impl NewMethod {
    pub fn card(card: Card) -> Self {
        Self { kind: "card".into(), card: Some(card), details: Value::Null, fails: false }
    }

    /// Of a type that is no card, from what was given for it; a test account where nothing was. Of a type
    /// that the sandbox does not know it keeps what was given.
    pub fn of(kind: &str, given: &Value) -> Self {
        let text = |name: &str, otherwise: &str| given[name].as_str().unwrap_or(otherwise).replace(' ', "");
        let (account, details) = match kind {
            "sepa_debit" => {
                let iban = text("iban", "DE89370400440532013000");
                let part = |from: usize, to: usize| iban.get(from..to).unwrap_or_default().to_owned();
                let details = json!({ "bank_code": part(4, 12), "branch_code": "", "country": part(0, 2),
                    "fingerprint": "sandboxsepa", "generated_from": { "charge": null, "setup_attempt": null },
                    "last4": last4(&iban) });
                (iban, details)
            }
            "us_bank_account" => {
                let account = text("account_number", "000123456789");
                let details = json!({ "account_holder_type": text("account_holder_type", "company"),
                    "account_type": text("account_type", "checking"), "bank_name": "STRIPE TEST BANK",
                    "financial_connections_account": null, "fingerprint": "sandboxach", "last4": last4(&account),
                    "networks": { "preferred": "ach", "supported": ["ach"] },
                    "routing_number": text("routing_number", "110000000"), "status_details": {} });
                (account, details)
            }
            "bacs_debit" => {
                let account = text("account_number", "00012345");
                let details = json!({ "fingerprint": "sandboxbacs", "last4": last4(&account),
                    "sort_code": text("sort_code", "108800") });
                (account, details)
            }
            "link" => (
                String::new(),
                json!({ "email": text("email", "pat@example.com"), "persistent_token": null }),
            ),
            "paypal" => (
                String::new(),
                json!({ "country": "US", "payer_email": text("payer_email", "pat@example.com"),
                    "payer_id": "PAYERSANDBOX" }),
            ),
            "cashapp" => (String::new(), json!({ "buyer_id": "buyersandbox", "cashtag": "$pat" })),
            _ => (String::new(), if given.is_object() { given.clone() } else { json!({}) }),
        };
        let fails = EMPTY_ACCOUNTS.contains(&account.as_str());
        Self { kind: kind.into(), card: None, details, fails }
    }
}

fn last4(number: &str) -> String {
    number.chars().skip(number.chars().count().saturating_sub(4)).collect()
}

/// Takes money, as far as the bank is concerned. A debit is under way for days.
pub fn charge(method: &PaymentMethod, holder: Holder) -> Verdict {
    match (&method.card, method.kind.as_str()) {
        (Some(card), _) => cards::charge(card, holder),
        (
            None,
            "sepa_debit" | "us_bank_account" | "bacs_debit" | "acss_debit" | "au_becs_debit"
            | "nz_bank_account",
        ) => Verdict::Processing,
        _ if method.fails => Verdict::Declined(debit_failed()),
        _ => Verdict::Paid,
    }
}

/// What is said of a debit that brought nothing.
pub fn debit_failed() -> Refusal {
    let said = "The customer's account has insufficient funds to cover this payment.";
    Refusal::card("payment_method_provider_decline", Some("insufficient_funds"), said)
}

/// `Visa •••• 4242`, `SEPA debit •••• 3000`, `Link (pat@example.com)`.
pub fn words(method: &PaymentMethod) -> String {
    if let Some(card) = &method.card {
        let brand = match card.brand.as_str() {
            "visa" => "Visa",
            "mastercard" => "Mastercard",
            "amex" => "American Express",
            _ => "Card",
        };
        return format!("{brand} •••• {}", card.last4);
    }
    let known = KINDS.iter().find(|(kind, _)| *kind == method.kind).map(|(_, name)| (*name).to_owned());
    let name = known.unwrap_or_else(|| method.kind.replace('_', " "));
    let of = |field: &str| method.details[field].as_str();
    match (of("last4"), of("email").or(of("payer_email")).or(of("cashtag"))) {
        (Some(last4), _) => format!("{name} •••• {last4}"),
        (None, Some(whose)) => format!("{name} ({whose})"),
        (None, None) => name,
    }
}
