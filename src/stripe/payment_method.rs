//! Payment methods of every type, in words: cards, wallets, debits, and those that Stripe will add.
use crate::db::kept;
use serde::Deserialize;
use serde_json::{Map, Value};

/// What a customer pays with: a payment method, or one of the older sources, which Stripe still charges.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct PaymentMethod {
    #[serde(default)]
    pub id: String,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// The longest text that is kept of a payment method, in characters.
const MAX_TEXT: usize = 200;

impl PaymentMethod {
    /// Stripe's word: `card`, `sepa_debit`, `link`. Stripe adds new ones.
    pub fn kind(&self) -> String {
        let word = |field: &str| self.rest.get(field).and_then(Value::as_str);
        kept(word("type").or(word("object")).unwrap_or("unknown"), MAX_TEXT)
    }

    /// `Visa ending in 4242, expires 12/2034`
    pub fn text(&self) -> String {
        let expires = self.expires().map(|at| format!(", expires {at}")).unwrap_or_default();
        self.name() + &expires
    }

    /// `Visa ending in 4242`; `SEPA Direct Debit ending in 3000`; `Link (olivia@example.com)`. A type that is not
    /// known here is named as Stripe names it.
    pub fn name(&self) -> String {
        let kind = self.kind();
        let name = match kind.as_str() {
            "card" => brand(&self.word("brand").unwrap_or_else(|| "Card".into())),
            "sepa_debit" => "SEPA Direct Debit".into(),
            "bacs_debit" => "Bacs Direct Debit".into(),
            "us_bank_account" | "bank_account" => {
                self.word("bank_name").unwrap_or_else(|| "Bank account".into())
            }
            "paypal" => "PayPal".into(),
            "cashapp" => "Cash App".into(),
            other => brand(&other.replace('_', " ")),
        };
        let ending = self.word("last4").map(|last4| format!(" ending in {last4}")).unwrap_or_default();
        let whose = ["email", "payer_email", "cashtag"].iter().find_map(|field| self.word(field));
        let whose = whose.map(|whose| format!(" ({whose})")).unwrap_or_default();
        kept(&format!("{name}{ending}{whose}"), MAX_TEXT)
    }

    /// `12/2034`
    fn expires(&self) -> Option<String> {
        let number = |field: &str| self.details().get(field).and_then(Value::as_i64);
        Some(format!("{:02}/{}", number("exp_month")?, number("exp_year")?))
    }

    fn word(&self, field: &str) -> Option<String> {
        self.details().get(field)?.as_str().filter(|word| !word.is_empty()).map(str::to_owned)
    }

    /// What is known of this type: under the type's own name, and in the older sources at the top.
    fn details(&self) -> &Map<String, Value> {
        self.rest.get(&self.kind()).and_then(Value::as_object).unwrap_or(&self.rest)
    }
}

/// `visa` → `Visa`
fn brand(word: &str) -> String {
    if word == "amex" {
        return "American Express".into();
    }
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_is_named_in_its_own_words() {
        for (json, kind, text) in [
            (
                r#"{"id":"pm_1","object":"payment_method","type":"card","card":{"brand":"visa","last4":"4242","exp_month":1,"exp_year":2034}}"#,
                "card",
                "Visa ending in 4242, expires 01/2034",
            ),
            (
                r#"{"type":"card","card":{"brand":"amex","last4":"8431","exp_month":12,"exp_year":2030}}"#,
                "card",
                "American Express ending in 8431, expires 12/2030",
            ),
            (r#"{"type":"link","link":{"email":"olivia@example.com"}}"#, "link", "Link (olivia@example.com)"),
            (
                r#"{"type":"sepa_debit","sepa_debit":{"last4":"3000","country":"DE"}}"#,
                "sepa_debit",
                "SEPA Direct Debit ending in 3000",
            ),
            (
                r#"{"type":"us_bank_account","us_bank_account":{"bank_name":"TEST BANK","last4":"6789"}}"#,
                "us_bank_account",
                "TEST BANK ending in 6789",
            ),
            (
                r#"{"type":"bacs_debit","bacs_debit":{"last4":"2345"}}"#,
                "bacs_debit",
                "Bacs Direct Debit ending in 2345",
            ),
            (r#"{"type":"paypal","paypal":{"payer_email":"a@b.example"}}"#, "paypal", "PayPal (a@b.example)"),
            (r#"{"type":"cashapp","cashapp":{"cashtag":"$olivia"}}"#, "cashapp", "Cash App ($olivia)"),
            (r#"{"type":"kelp_pay","kelp_pay":{}}"#, "kelp_pay", "Kelp pay"),
            (
                r#"{"id":"card_1","object":"card","brand":"Visa","last4":"4242","exp_month":8,"exp_year":2031}"#,
                "card",
                "Visa ending in 4242, expires 08/2031",
            ),
            (
                r#"{"object":"source","type":"sepa_debit","sepa_debit":{"last4":"3000"}}"#,
                "sepa_debit",
                "SEPA Direct Debit ending in 3000",
            ),
        ] {
            let method: PaymentMethod = serde_json::from_str(json).unwrap();

            assert_eq!((method.kind().as_str(), method.text().as_str()), (kind, text), "{json}");
        }
    }
}
