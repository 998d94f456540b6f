//! What stands on invoices, where they go and in which language: the customer's details at Stripe. Name and
//! address follow the organisation until somebody chooses others, on the billing page or in the portal.
use super::db;
use crate::{
    App,
    audit::{self, Event},
    db::{OrgTx, Scope},
    error::{Error, Result},
    jobs::{self, Job},
    stripe::{CustomerDetails, CustomerState},
};

/// The details as the form of the billing page has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    pub name: String,
    pub email: String,
    /// A language of `LANGUAGES`, or empty until one was chosen: Stripe chooses.
    pub language: String,
}

/// What Stripe held when it was last asked; before there is a customer, what one would be created with.
pub async fn details(app: &App, scope: &Scope) -> Result<Details> {
    let mut tx = app.db.read(scope).await?;
    let held = db::customer_details(&mut tx, scope.org()).await?.unwrap_or_default();
    let bill_to = db::bill_to(&mut tx).await?.ok_or(Error::NotFound)?;
    Ok(Details {
        name: held.name.unwrap_or(bill_to.name),
        email: held.email.unwrap_or(bill_to.email),
        language: held.language.unwrap_or_default(),
    })
}

/// What to change at Stripe, so that the customer is called and billed as the organisation is.
pub fn change_to_follow(
    held: &CustomerState,
    written: &db::CustomerDetailsRow,
    bill_to: &db::BillTo,
    slug: &str,
) -> CustomerDetails {
    CustomerDetails {
        name: to_follow(held.name.as_deref(), written.followed_name.as_deref(), &bill_to.name),
        email: to_follow(held.email.as_deref(), written.followed_email.as_deref(), &bill_to.email),
        language: None,
        // Nobody but us writes metadata.
        slug: (held.slug() != Some(slug)).then(|| slug.to_owned()),
    }
}

/// The value to write: ours, if Stripe still holds the one that we wrote last and it is not ours any more.
fn to_follow(held: Option<&str>, followed: Option<&str>, ours: &str) -> Option<String> {
    (held.is_some() && held == followed && held != Some(ours)).then(|| ours.to_owned())
}

/// Writes down what Stripe holds of the customer, in the transaction of the billing state; records what changed,
/// and queues the job that follows the organisation where that is due.
pub async fn keep(tx: &mut OrgTx<'_>, app: &App, held: &CustomerState) -> Result<()> {
    let org = tx.org();
    let before = db::customer_details(&mut *tx, org).await?.unwrap_or_default();
    let Some(bill_to) = db::bill_to(tx).await? else { return Ok(()) };
    let followed =
        |held: Option<&str>, before: &Option<String>, ours: &String| match held == Some(ours.as_str()) {
            true => Some(ours.clone()),
            false => before.clone(),
        };
    let after = db::CustomerDetailsRow {
        name: held.name.clone(),
        email: held.email.clone(),
        language: held.language().map(str::to_owned),
        followed_name: followed(held.name.as_deref(), &before.followed_name, &bill_to.name),
        followed_email: followed(held.email.as_deref(), &before.followed_email, &bill_to.email),
    };
    if before.is_known() {
        record(tx, app, &before, &after).await?;
    }
    if change_to_follow(held, &after, &bill_to, tx.scope().slug()) != CustomerDetails::default() {
        jobs::enqueue(tx.system(), &Job::CustomerDetails(org), app.clock.now()).await?;
    }
    if before != after {
        db::set_customer_details(tx, after).await?;
    }
    Ok(())
}

/// An entry for each detail that changed, whoever changed it and where. An address is personal: it stands in the
/// part of the log that can be erased.
async fn record(
    tx: &mut OrgTx<'_>,
    app: &App,
    before: &db::CustomerDetailsRow,
    after: &db::CustomerDetailsRow,
) -> Result<()> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    for (field, old, new) in [
        ("name", text(&before.name), text(&after.name)),
        ("language", text(&before.language), text(&after.language)),
    ] {
        if old != new {
            let event = Event::BillingDetailsChanged { field, old: &old, new: &new };
            audit::record(tx, app.clock.now(), event).await?;
        }
    }
    if before.email != after.email {
        let event = Event::BillingEmailChanged { email: &text(&after.email) };
        audit::record(tx, app.clock.now(), event).await?;
    }
    Ok(())
}

/// The languages that Stripe writes invoices and receipts in: its code, and the name in English. They are those of
/// its portal (`locale` of <https://docs.stripe.com/api/customer_portal/sessions/create>).
pub const LANGUAGES: &[(&str, &str)] = &[
    ("bg", "Bulgarian"),
    ("zh", "Chinese (simplified)"),
    ("zh-HK", "Chinese (Hong Kong)"),
    ("zh-TW", "Chinese (Taiwan)"),
    ("hr", "Croatian"),
    ("cs", "Czech"),
    ("da", "Danish"),
    ("nl", "Dutch"),
    ("en", "English"),
    ("en-GB", "English (United Kingdom)"),
    ("et", "Estonian"),
    ("fil", "Filipino"),
    ("fi", "Finnish"),
    ("fr", "French"),
    ("fr-CA", "French (Canada)"),
    ("de", "German"),
    ("el", "Greek"),
    ("hu", "Hungarian"),
    ("id", "Indonesian"),
    ("it", "Italian"),
    ("ja", "Japanese"),
    ("ko", "Korean"),
    ("lv", "Latvian"),
    ("lt", "Lithuanian"),
    ("ms", "Malay"),
    ("mt", "Maltese"),
    ("nb", "Norwegian"),
    ("pl", "Polish"),
    ("pt", "Portuguese"),
    ("pt-BR", "Portuguese (Brazil)"),
    ("ro", "Romanian"),
    ("ru", "Russian"),
    ("sk", "Slovak"),
    ("sl", "Slovenian"),
    ("es", "Spanish"),
    ("es-419", "Spanish (Latin America)"),
    ("sv", "Swedish"),
    ("th", "Thai"),
    ("tr", "Turkish"),
    ("vi", "Vietnamese"),
];

#[cfg(test)]
mod tests {
    use super::to_follow;

    #[test]
    fn what_the_customer_chose_is_never_overwritten() {
        assert_eq!(to_follow(Some("Acme"), Some("Acme"), "Acme Ltd").as_deref(), Some("Acme Ltd"));
        assert_eq!(to_follow(Some("Acme Ltd"), Some("Acme"), "Acme Ltd"), None, "it is there already");
        assert_eq!(to_follow(Some("Acme Holding"), Some("Acme"), "Acme Ltd"), None, "chosen in the portal");
        assert_eq!(to_follow(None, Some("Acme"), "Acme Ltd"), None, "removed by the customer");
        assert_eq!(to_follow(Some("Acme"), None, "Acme Ltd"), None, "we do not know who wrote it");
    }
}
