//! The card form: test cards to choose from, or a number typed in. It works without JavaScript.
use super::Form;
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
    Choice {
        number: card.number,
        spaced: spaced(card.number),
        brand: match card.brand {
            "mastercard" => "Mastercard",
            "amex" => "Amex", // beside the figures there is no room for more
            _ => "Visa",
        },
        says: card.says,
        kind,
        chosen: card.number == wanted,
    }
}

/// As it stands on the card: four times four figures, or American Express' four, six and five.
fn spaced(number: &str) -> String {
    let groups: &[usize] = if number.len() == 15 { &[4, 6, 5] } else { &[4, 4, 4, 4] };
    let (mut rest, mut parts) = (number, Vec::new());
    for length in groups {
        let (group, after) = rest.split_at((*length).min(rest.len()));
        parts.push(group);
        rest = after;
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::spaced;

    #[test]
    fn a_number_is_grouped_as_it_stands_on_the_card() {
        assert_eq!(spaced("4242424242424242"), "4242 4242 4242 4242");
        assert_eq!(spaced("378282246310005"), "3782 822463 10005");
    }
}
