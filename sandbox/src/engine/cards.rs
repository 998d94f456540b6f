//! Test cards and what their banks say. No other number is taken: nobody should type a real one.
use crate::{
    objects::Card,
    refusal::{Answer, Refusal},
};

pub struct TestCard {
    pub number: &'static str,
    pub brand: &'static str,
    /// For whoever picks one.
    pub says: &'static str,
    bank: Bank,
}

/// What a bank answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bank {
    Pays,
    /// No, with Stripe's code, decline code and words; already when the card is added.
    Declines(&'static str, &'static str, &'static str),
    /// The card can be added, and no payment ever goes through.
    DeclinesLater,
    /// Wants to see the holder once.
    AsksOnce,
    /// Wants to see the holder each time.
    AsksAlways,
    /// Wants to see the holder, and then says no.
    AsksAndDeclines,
}

const DECLINED: &str = "Your card was declined.";

pub const TEST_CARDS: [TestCard; 12] = [
    card("4242424242424242", "visa", "Pays", Bank::Pays),
    card("5555555555554444", "mastercard", "Pays", Bank::Pays),
    card("378282246310005", "amex", "Pays", Bank::Pays),
    card(
        "4000000000000002",
        "visa",
        "Declined",
        Bank::Declines("card_declined", "generic_decline", DECLINED),
    ),
    card(
        "4000000000009995",
        "visa",
        "Declined: insufficient funds",
        Bank::Declines("card_declined", "insufficient_funds", "Your card has insufficient funds."),
    ),
    card(
        "4000000000000069",
        "visa",
        "Declined: expired",
        Bank::Declines("expired_card", "expired_card", "Your card has expired."),
    ),
    card(
        "4000000000000127",
        "visa",
        "Declined: wrong security code",
        Bank::Declines("incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect."),
    ),
    card("4000000000000341", "visa", "Can be added, every payment fails", Bank::DeclinesLater),
    card("4000002500003155", "visa", "3-D Secure once, then pays", Bank::AsksOnce),
    card("4000002760003184", "visa", "3-D Secure each time", Bank::AsksAlways),
    card("4000008400001629", "visa", "3-D Secure, then declined", Bank::AsksAndDeclines),
    card("4000056655665556", "visa", "Pays (debit)", Bank::Pays),
];

const fn card(number: &'static str, brand: &'static str, says: &'static str, bank: Bank) -> TestCard {
    TestCard { number, brand, says, bank }
}

/// Whether the card's holder is there to answer their bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A renewal: nobody is asked.
    Absent,
    Approves,
    Refuses,
}

/// What came of one attempt to take money.
#[derive(Clone, Debug)]
pub enum Verdict {
    Paid,
    /// Under way: it settles or fails in some days.
    Processing,
    Asks,
    Declined(Refusal),
}

impl TestCard {
    pub fn last4(&self) -> &'static str {
        &self.number[self.number.len() - 4..]
    }

    pub fn card(&self) -> Card {
        Card {
            brand: self.brand.into(),
            last4: self.last4().into(),
            exp_month: 12,
            exp_year: 2034,
            country: "US".into(),
            behaves_like: self.last4().into(),
            authenticated: false,
        }
    }
}

/// The test card of that number, with or without spaces.
pub fn by_number(number: &str) -> Answer<&'static TestCard> {
    let digits: String = number.chars().filter(|c| c.is_ascii_digit()).collect();
    TEST_CARDS.iter().find(|card| card.number == digits).ok_or_else(|| {
        Refusal::card("incorrect_number", None, "Only test cards work here: never type a real one.")
            .at("number")
    })
}

fn bank(card: &Card) -> Bank {
    TEST_CARDS.iter().find(|test| test.last4() == card.behaves_like).map_or(Bank::Pays, |test| test.bank)
}

/// Whether the bank lets the card be added to a customer.
pub fn admit(card: &Card) -> Answer<()> {
    match bank(card) {
        Bank::Declines(code, decline, words) => Err(Refusal::card(code, Some(decline), words)),
        _ => Ok(()),
    }
}

/// Whether the bank wants to see the holder before the card is used for the first time.
pub fn asks_first(card: &Card) -> bool {
    match bank(card) {
        Bank::AsksOnce => !card.authenticated,
        Bank::AsksAlways | Bank::AsksAndDeclines => true,
        _ => false,
    }
}

/// Takes money, as far as the bank is concerned.
pub fn charge(card: &Card, holder: Holder) -> Verdict {
    let declined = Verdict::Declined(Refusal::card("card_declined", Some("generic_decline"), DECLINED));
    match (bank(card), holder) {
        (Bank::Pays, _) => Verdict::Paid,
        (Bank::Declines(code, decline, words), _) => {
            Verdict::Declined(Refusal::card(code, Some(decline), words))
        }
        (Bank::DeclinesLater, _) => declined,
        (Bank::AsksOnce, _) if card.authenticated => Verdict::Paid,
        (_, Holder::Absent) => Verdict::Asks,
        (_, Holder::Refuses) => Verdict::Declined(not_authenticated()),
        (Bank::AsksAndDeclines, Holder::Approves) => declined,
        (_, Holder::Approves) => Verdict::Paid,
    }
}

pub fn not_authenticated() -> Refusal {
    let said = "We are unable to authenticate your payment method. Please choose a different payment method and try again.";
    Refusal::card("payment_intent_authentication_failure", None, said)
}

/// The bank wants to see the holder, and nobody has asked them yet.
pub fn asks() -> Refusal {
    let said = "Your card was declined. This transaction requires authentication.";
    Refusal::card("authentication_required", Some("authentication_required"), said)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(number: &str) -> Card {
        by_number(number).unwrap().card()
    }

    #[test]
    fn a_real_number_is_never_taken() {
        for number in ["4111111111111111", "", "4242", "42424242424242424"] {
            assert_eq!(by_number(number).err().unwrap().code, Some("incorrect_number"), "{number}");
        }
        assert!(by_number("4242 4242 4242 4242").is_ok());
    }

    #[test]
    fn a_bank_that_asks_is_content_once_its_holder_approves() {
        let mut once = card("4000002500003155");
        assert!(matches!(charge(&once, Holder::Absent), Verdict::Asks));
        assert!(matches!(charge(&once, Holder::Approves), Verdict::Paid));
        once.authenticated = true;
        assert!(matches!(charge(&once, Holder::Absent), Verdict::Paid));

        let always = Card { authenticated: true, ..card("4000002760003184") };
        assert!(matches!(charge(&always, Holder::Absent), Verdict::Asks));
        assert!(matches!(charge(&card("4000008400001629"), Holder::Approves), Verdict::Declined(_)));
    }
}
