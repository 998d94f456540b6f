//! The card form: test cards to choose from, or a number typed in. It works without JavaScript.
use super::{Form, words};
use crate::engine::cards::{TEST_CARDS, TestCard};

pub struct CardForm {
    pub choices: Vec<Choice>,
    /// What was typed; stays in the field.
    pub typed: String,
}

pub struct Choice {
    pub number: &'static str,
    pub spaced: String,
    pub brand: &'static str,
    pub says: &'static str,
    /// `ok`, `info` or `bad`.
    pub kind: &'static str,
    pub chosen: bool,
}

impl CardForm {
    /// As it was sent, or with the first card chosen.
    pub fn of(form: &Form) -> Self {
        let number = number(form);
        let known = |number: &str| TEST_CARDS.iter().any(|card| card.number == number);
        let typed = number.clone().filter(|number| !known(&number.replace(' ', ""))).unwrap_or_default();
        let wanted = match number {
            Some(number) => number.replace(' ', ""),
            None => TEST_CARDS[0].number.to_owned(),
        };
        let mut choices: Vec<Choice> = TEST_CARDS.iter().map(|card| choice(card, &wanted)).collect();
        choices.sort_by_key(|choice| ["ok", "info", "bad"].iter().position(|kind| *kind == choice.kind));
        Self { choices, typed }
    }
}

/// The number somebody means: one just typed, else the card that was chosen. What already stood in
/// the field (`shown`) was not just typed, so that choosing another card after a refusal counts.
pub fn number(form: &Form) -> Option<String> {
    let typed = form.word("number");
    let just_typed = typed.clone().filter(|typed| typed != form.get("shown"));
    just_typed.or_else(|| form.word("card")).or(typed)
}

fn choice(card: &'static TestCard, wanted: &str) -> Choice {
    let kind = match card.says {
        says if says.starts_with("Pays") => "ok",
        says if says.starts_with("3-D") => "info",
        _ => "bad",
    };
    let groups: Vec<String> =
        card.number.as_bytes().chunks(4).map(|four| String::from_utf8_lossy(four).into_owned()).collect();
    Choice {
        number: card.number,
        spaced: groups.join(" "),
        // Beside sixteen figures there is no room for more.
        brand: if card.brand == "amex" { "Amex" } else { words::brand(card.brand) },
        says: card.says,
        kind,
        chosen: card.number == wanted,
    }
}
