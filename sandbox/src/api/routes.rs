//! Every endpoint, a line each.
use super::{
    Answer, Params, Refusal, catalogue, checkout, clocks, coupons, customers, entitlements, events, invoices,
    items, lists, payment_methods, portal, refunds, schedules, subscription_items, subscriptions,
};
use crate::{state::World, wire::Kind};
use hyper::Method;

pub fn route(w: &mut World, method: &Method, path: &str, p: Params) -> Answer {
    let segments: Vec<String> = path.split('/').skip(2).map(decoded).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let newer = path.starts_with("/v2/");
    let answer = match *method {
        // A slash at the end, or an id that is empty: no such address.
        _ if segments.iter().any(|segment| segment.is_empty()) => None,
        _ if newer != segments.starts_with(&["core"]) => None,
        Method::GET => get(w, &segments, p),
        Method::POST => post(w, &segments, p),
        Method::DELETE => delete(w, &segments, p),
        _ => None,
    };
    answer.unwrap_or_else(|| {
        let shown: String = path.chars().take(200).collect();
        Err(Refusal::invalid(format!("Unrecognized request URL ({method}: {shown}). If you are trying to list objects, remove the trailing slash. If you are trying to retrieve an object, make sure you passed a valid (non-empty) identifier in your code."))
            .with_status(404))
    })
}

/// `cus%5F1` is `cus_1`.
fn decoded(segment: &str) -> String {
    let pair = format!("x={}", segment.replace('+', "%2B").replace('&', "%26"));
    url::form_urlencoded::parse(pair.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

fn get(w: &mut World, path: &[&str], p: Params) -> Option<Answer> {
    if let [at @ .., id] = path
        && let Some(kind) = Kind::at(&at.join("/"))
    {
        return Some(p.finish().and_then(|()| kind.one(w, id)));
    }
    Some(match path {
        ["customers"] => lists::customers(w, p),
        ["customers", id, "tax_ids"] => lists::of_customer(w, id, "tax_ids", p),
        ["customers", id, "tax_ids", tax_id] => customers::retrieve_tax_id(w, id, tax_id, p),
        ["customers", id, "balance_transactions"] => lists::of_customer(w, id, "balance_transactions", p),
        ["customers", id, "balance_transactions", it] => {
            customers::retrieve_balance_transaction(w, id, it, p)
        }
        ["customers", id, "payment_methods"] => payment_methods::list(w, Some(id), p),
        ["products"] => lists::products(w, p),
        ["prices"] => lists::prices(w, p),
        ["coupons"] => lists::coupons(w, p),
        ["coupons", id] => coupons::retrieve(w, id, p),
        ["promotion_codes"] => lists::promotion_codes(w, p),
        ["payment_methods"] => payment_methods::list(w, None, p),
        ["events"] => lists::events(w, p),
        ["webhook_endpoints"] => lists::endpoints(w, p),
        ["entitlements", "active_entitlements"] => entitlements::active(w, p),
        ["entitlements", "features"] => entitlements::features(w, p),
        ["test_helpers", "test_clocks"] => lists::test_clocks(w, p),
        ["core", "events", id] => events::retrieve_thin(w, id, p),
        ["account"] => items::account(p),
        ["balance"] => items::balance(p),
        _ => return get_billing(w, path, p),
    })
}

fn get_billing(w: &mut World, path: &[&str], p: Params) -> Option<Answer> {
    Some(match path {
        ["checkout", "sessions"] => lists::checkout_sessions(w, p),
        ["checkout", "sessions", id, "line_items"] => checkout::line_items(w, id, p),
        ["billing_portal", "configurations"] => lists::portal_configurations(w, p),
        ["subscriptions"] => lists::subscriptions(w, p),
        ["subscription_items"] => subscription_items::list(w, p),
        ["subscription_items", id] => subscription_items::retrieve(w, id, p),
        ["subscription_schedules"] => lists::schedules(w, p),
        ["invoices"] => lists::invoices(w, p),
        ["invoices", id, "lines"] => invoices::lines(w, id, p),
        ["refunds"] => lists::refunds(w, p),
        ["credit_notes"] => lists::credit_notes(w, p),
        ["invoice_payments"] => invoices::payments(w, p),
        ["invoiceitems"] => lists::invoice_items(w, p),
        ["charges"] => lists::charges(w, p),
        ["charges", id] => items::charge(w, id, p),
        _ => return None,
    })
}

fn post(w: &mut World, path: &[&str], p: Params) -> Option<Answer> {
    Some(match path {
        ["customers"] => customers::create(w, p),
        ["customers", id] => customers::update(w, id, p),
        ["customers", id, "tax_ids"] => customers::create_tax_id(w, id, p),
        ["customers", id, "balance_transactions"] => customers::create_balance_transaction(w, id, p),
        ["products"] => catalogue::create_product(w, p),
        ["products", id] => catalogue::update_product(w, id, p),
        ["prices"] => catalogue::create_price(w, p),
        ["prices", id] => catalogue::update_price(w, id, p),
        ["coupons"] => coupons::create(w, p),
        ["promotion_codes"] => coupons::create_code(w, p),
        ["promotion_codes", id] => coupons::update_code(w, id, p),
        ["payment_methods"] => payment_methods::create(w, p),
        ["payment_methods", id] => payment_methods::update(w, id, p),
        ["payment_methods", id, "attach"] => payment_methods::attach(w, id, p),
        ["payment_methods", id, "detach"] => payment_methods::detach(w, id, p),
        ["checkout", "sessions"] => checkout::create(w, p),
        ["checkout", "sessions", id] => checkout::update(w, id, p),
        ["checkout", "sessions", id, "expire"] => checkout::expire(w, id, p),
        ["billing_portal", "sessions"] => portal::create_session(w, p),
        ["billing_portal", "configurations"] => portal::create_configuration(w, p),
        ["billing_portal", "configurations", id] => portal::update_configuration(w, id, p),
        ["subscriptions"] => subscriptions::create(w, p),
        ["subscriptions", id] => subscriptions::update(w, id, p),
        ["subscriptions", id, "resume"] => subscriptions::resume(w, id, p),
        ["subscriptions", id, "pause"] => subscriptions::pause(w, id, p),
        ["subscription_items", id] => subscription_items::update(w, id, p),
        ["subscription_schedules"] => schedules::create(w, p),
        ["subscription_schedules", id] => schedules::update(w, id, p),
        ["subscription_schedules", id, "cancel"] => schedules::cancel(w, id, p),
        ["subscription_schedules", id, "release"] => schedules::release(w, id, p),
        ["invoices", "create_preview"] => invoices::create_preview(w, p),
        ["invoices", id, "pay"] => invoices::pay(w, id, p),
        ["invoices", id, "finalize"] => invoices::finalize(w, id, p),
        ["invoices", id, "send"] => invoices::send(w, id, p),
        ["invoices", id, "mark_uncollectible"] => invoices::mark_uncollectible(w, id, p),
        ["refunds"] => refunds::create(w, p),
        ["credit_notes"] => refunds::create_note(w, p),
        ["credit_notes", id, "void"] => refunds::void_note(w, id, p),
        ["invoices", id, "void"] => invoices::void(w, id, p),
        ["webhook_endpoints"] => events::create_endpoint(w, p),
        ["webhook_endpoints", id] => events::update_endpoint(w, id, p),
        ["test_helpers", "test_clocks"] => clocks::create(w, p),
        ["test_helpers", "test_clocks", id, "advance"] => clocks::advance(w, id, p),
        _ => return None,
    })
}

fn delete(w: &mut World, path: &[&str], p: Params) -> Option<Answer> {
    Some(match path {
        ["customers", id] => customers::delete(w, id, p),
        ["customers", id, "tax_ids", tax_id] => customers::delete_tax_id(w, id, tax_id, p),
        ["customers", id, "discount"] => customers::delete_discount(w, id, p),
        ["subscriptions", id, "discount"] => subscriptions::delete_discount(w, id, p),
        ["products", id] => catalogue::delete_product(w, id, p),
        ["coupons", id] => coupons::delete(w, id, p),
        ["subscriptions", id] => subscriptions::cancel(w, id, p),
        ["webhook_endpoints", id] => lists::delete(w, "webhook_endpoint", id, p),
        ["test_helpers", "test_clocks", id] => lists::delete(w, "test_helpers.test_clock", id, p),
        _ => return None,
    })
}
