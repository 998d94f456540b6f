//! Every list of the API: what it holds, and what it can be narrowed down by.
use super::{
    Answer, Paging, Params, Refusal, customers,
    list::{Span, page_of_objects},
};
use crate::{
    objects::*,
    params::words,
    state::{DAY, World},
    wire,
};
use serde::Deserialize;

words! {
    PriceType: "one_time" | "recurring";
    SessionStatus: "complete" | "expired" | "open";
    InvoiceStatus: "draft" | "open" | "paid" | "uncollectible" | "void";
}

/// Stripe forgets events after that long.
const KEPT: i64 = 30 * DAY;

/// A function for each: reads paging, `created` and the filters, and answers with a page, newest first. A filter
/// is a parameter, its type, and what it asks of a row.
macro_rules! lists {
    ($($name:ident($w:ident, $it:ident: $row:ty) in $table:ident at $url:literal, $render:expr, if $always:expr;
        ignoring $ignored:expr; $(known $known:ident;)?
        { $($field:ident $(as $rename:literal)?: $type:ty => $fits:expr;)* })+) => {$(
        pub fn $name($w: &World, mut p: Params) -> Answer {
            #[derive(Deserialize)]
            #[serde(deny_unknown_fields)]
            struct Filter {
                $($(#[serde(rename = $rename)])? $field: Option<$type>,)*
            }
            let (paging, created) = (Paging::take(&mut p)?, Span::take(&mut p)?);
            let filter: Filter = p.read_but($ignored)?;
            let _ = &filter;
            $(customers::known($w, filter.$known.as_deref())?;)?
            let fits = |$it: &&$row| {
                created.holds($it.created) && $always
                    $(&& filter.$field.as_ref().is_none_or(|$field| $fits))*
            };
            paging.of($url, $w.$table.iter().rev().filter(fits), $render)
        }
    )+};
}
lists! {
    customers(w, it: Customer) in customers at "/v1/customers", wire::customer, if !it.deleted;
        ignoring &[];
        {
            email: String => it.email.as_ref() == Some(email);
            test_clock: String => it.test_clock.as_ref() == Some(test_clock);
        }

    products(w, it: Product) in products at "/v1/products", wire::product, if true;
        ignoring &["shippable", "url"];
        {
            active: bool => it.active == *active;
            ids: Vec<String> => ids.contains(&it.id);
        }

    prices(w, it: Price) in prices at "/v1/prices", wire::price, if true;
        ignoring &["recurring"];
        {
            active: bool => it.active == *active;
            product: String => it.product == *product;
            lookup_keys: Vec<String> => it.lookup_key.as_ref().is_some_and(|key| lookup_keys.contains(key));
            kind as "type": PriceType => (kind.0 == "recurring") == it.recurring.is_some();
            currency: String => it.currency == *currency;
        }

    coupons(w, it: Coupon) in coupons at "/v1/coupons", |it| wire::coupon(w, it), if !it.deleted;
        ignoring &[]; {}

    promotion_codes(w, it: PromotionCode) in promotion_codes at "/v1/promotion_codes", wire::promotion_code, if true;
        ignoring &[];
        {
            code: String => it.code.eq_ignore_ascii_case(code);
            coupon: String => it.coupon == *coupon;
            active: bool => it.active == *active;
            customer: String => it.customer.as_ref() == Some(customer);
        }

    checkout_sessions(w, it: CheckoutSession) in checkout_sessions at "/v1/checkout/sessions",
        |it| wire::checkout_session(w, it), if true;
        ignoring &["customer_details", "payment_intent", "payment_link"];
        {
            customer: String => it.customer.as_ref() == Some(customer);
            subscription: String => it.subscription.as_ref() == Some(subscription);
            status: SessionStatus => it.status == status.0;
        }

    portal_configurations(w, it: PortalConfiguration) in portal_configurations
        at "/v1/billing_portal/configurations", wire::portal_configuration, if true;
        ignoring &[];
        {
            active: bool => it.active == *active;
            is_default: bool => it.is_default == *is_default;
        }

    schedules(w, it: Schedule) in schedules at "/v1/subscription_schedules", |it| wire::schedule(w, it), if true;
        ignoring &["scheduled", "canceled_at", "completed_at", "released_at"];
        {
            customer: String => it.customer == *customer;
        }

    invoices(w, it: Invoice) in invoices at "/v1/invoices", |it| wire::invoice(w, it), if true;
        ignoring &[];
        known customer;
        {
            customer: String => it.customer == *customer;
            subscription: String => it.subscription.as_ref() == Some(subscription);
            status: InvoiceStatus => it.status == status.0;
            collection_method: String => it.collection_method == *collection_method;
            due_date: Span => it.due_date.is_some_and(|at| due_date.holds(at));
        }

    invoice_items(w, it: InvoiceItem) in invoice_items at "/v1/invoiceitems", |it| wire::invoice_item(w, it), if true;
        ignoring &[];
        {
            customer: String => it.customer == *customer;
            invoice: String => it.invoice.as_ref() == Some(invoice);
            pending: bool => it.invoice.is_none() == *pending;
        }

    refunds(w, it: Refund) in refunds at "/v1/refunds", |it| wire::refund(w, it), if true;
        ignoring &[];
        {
            charge: String => w.payments.get(&it.payment).is_some_and(|of| of.charge.as_ref() == Some(charge));
            payment_intent: String => it.payment == *payment_intent;
        }

    credit_notes(w, it: CreditNote) in credit_notes at "/v1/credit_notes", |it| wire::credit_note(w, it), if true;
        ignoring &[];
        {
            invoice: String => it.invoice == *invoice;
            customer: String => it.customer == *customer;
        }

    events(w, it: Event) in events at "/v1/events", wire::event, if it.created >= w.now() - KEPT;
        ignoring &["related_object"];
        {
            kind as "type": String => matches(kind, &it.kind);
            types: AtMostTwenty => types.0.contains(&it.kind);
            delivery_success: bool => (it.pending_webhooks == 0) == *delivery_success;
        }

    endpoints(w, it: Endpoint) in endpoints at "/v1/webhook_endpoints", |it| wire::endpoint(it, false), if true;
        ignoring &[]; {}

    test_clocks(w, it: TestClock) in test_clocks at "/v1/test_helpers/test_clocks", |it| wire::test_clock(w, it), if true;
        ignoring &[]; {}
}

/// Types of events; a request has room for twenty.
struct AtMostTwenty(Vec<String>);

impl<'de> Deserialize<'de> for AtMostTwenty {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match Vec::deserialize(from)? {
            types if types.len() <= 20 => Ok(Self(types)),
            _ => Err(serde::de::Error::custom("You can pass at most 20 types.")),
        }
    }
}

/// `customer.*` and the like.
fn matches(pattern: &str, kind: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == kind, |start| kind.starts_with(start))
}

words! {
    SubscriptionStatus: "active" | "all" | "canceled" | "ended" | "incomplete" | "incomplete_expired" | "past_due"
        | "paused" | "trialing" | "unpaid";
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Subscriptions {
    customer: Option<String>,
    price: Option<String>,
    test_clock: Option<String>,
    status: Option<SubscriptionStatus>,
    collection_method: Option<String>,
}

/// Without `status`, canceled ones are left out, as at Stripe.
pub fn subscriptions(w: &World, mut p: Params) -> Answer {
    let (paging, created) = (Paging::take(&mut p)?, Span::take(&mut p)?);
    let asked: Subscriptions =
        p.read_but(&["current_period_end", "current_period_start", "automatic_tax", "plan"])?;
    customers::known(w, asked.customer.as_deref())?;
    let wanted = |sub: &Subscription| match asked.status.as_ref().map(|status| status.0.as_str()) {
        None => sub.status != "canceled",
        Some("all") => true,
        Some("ended") => !sub.is_alive(),
        Some(word) => sub.status == word,
    };
    let rows = w.subscriptions.iter().rev().filter(|sub| {
        wanted(sub)
            && created.holds(sub.created)
            && asked.customer.as_ref().is_none_or(|customer| sub.customer == *customer)
            && asked.price.as_ref().is_none_or(|price| sub.items.iter().any(|item| item.price == *price))
            && asked.test_clock.as_ref().is_none_or(|clock| sub.test_clock.as_ref() == Some(clock))
            && asked.collection_method.as_ref().is_none_or(|method| sub.collection_method == *method)
    });
    paging.of("/v1/subscriptions", rows, |sub| wire::subscription(w, sub))
}

/// What hangs on a customer that the path names.
pub fn of_customer(w: &World, customer: &str, what: &str, mut p: Params) -> Answer {
    let paging = Paging::take(&mut p)?;
    p.finish_but(&["created", "invoice"])?;
    customers::alive(w, customer)?;
    let url = format!("/v1/customers/{customer}/{what}");
    match what {
        "tax_ids" => {
            paging.of(&url, w.tax_ids.iter().rev().filter(|it| it.customer == customer), wire::tax_id)
        }
        _ => {
            let theirs = w.balance_transactions.iter().rev().filter(|it| it.customer == customer);
            paging.of(&url, theirs, wire::balance_transaction)
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Charges {
    customer: Option<String>,
    payment_intent: Option<String>,
}

/// Tries to pay with a card or a bank account.
pub fn charges(w: &World, mut p: Params) -> Answer {
    let (paging, created) = (Paging::take(&mut p)?, Span::take(&mut p)?);
    let asked: Charges = p.read()?;
    customers::known(w, asked.customer.as_deref())?;
    let made = w.payments.iter().rev().filter(|it| {
        it.charge.is_some()
            && created.holds(it.created)
            && asked.customer.as_ref().is_none_or(|customer| it.customer == *customer)
            && asked.payment_intent.as_ref().is_none_or(|payment| it.id == *payment)
    });
    page_of_objects(&paging, "/v1/charges", made.map(|it| wire::charge(w, it)).collect())
}

/// Removes what nothing else hangs on: endpoints and test clocks.
pub fn delete(w: &mut World, kind: &'static str, id: &str, p: Params) -> Answer {
    p.finish()?;
    wire::shown(w, kind, id)?;
    match kind {
        "webhook_endpoint" => drop(w.endpoints.remove(id)),
        "test_helpers.test_clock" => {
            w.test_clocks.remove(id);
            if w.test_clocks.len() == 0 {
                w.release_clock();
            }
        }
        other => return Err(Refusal::invalid(format!("A {other} cannot be deleted."))),
    }
    Ok(wire::deleted(id, kind))
}
