//! An invoice by its public link: what it is for, the receipt, and *Pay now* while it is open.
use super::{
    Form, Wrong, bank,
    card_form::{self, CardForm},
    checkout::holder,
    form::{asks, status},
    html, message,
    page::{Back, go, guarded},
    pdf,
    sheet::{Line, Sheet},
    words,
};
use crate::{
    Sandbox, act,
    engine::{self, Holder},
    money::amount,
    objects::Invoice,
    refusal::{Answer, Refusal},
    reply::Reply,
    request::Request,
    state::{World, date, minute},
};
use askama::Template;
use hyper::Method;

#[derive(Template)]
#[template(path = "invoice.html")]
struct Page {
    page: String,
    sheet: Sheet,
    kind: &'static str,
    word: &'static str,
    said: String,
    /// Whether it can be paid here, and how.
    pay: Option<Pay>,
    back: Option<Back>,
    flash: Option<&'static str>,
    wrong: Wrong,
}

struct Pay {
    label: String,
    on_file: Option<String>,
    another: bool,
    keep: bool,
    cards: CardForm,
}

pub async fn answer(sandbox: &Sandbox, request: &Request, rest: &[&str]) -> Reply {
    let form = Form::of(request);
    match (&request.method, rest) {
        (&Method::POST, [page, "pay"]) => pay(sandbox, page, &form, Holder::Absent).await,
        (&Method::POST, [page, "bank"]) => after_bank(sandbox, page, &form).await,
        (&Method::POST, _) => message::not_found(),
        (_, [page, "bank"]) => sandbox.look(|w| question(w, page)).await,
        (_, [_] | [_, "pdf"]) if sandbox.look(|w| has_ended(w, &form)).await => message::message(
            410,
            "This link has expired",
            "Links to an invoice work for thirty days. Ask for a new one where you came from.",
            None,
        ),
        (_, [page, "pdf"]) => sandbox.look(|w| file(w, page)).await,
        (_, [page]) => sandbox.look(|w| show(w, page, &form, None)).await,
        _ => message::not_found(),
    }
}

/// Until when a link works stands in it. The sandbox's own links have no end.
fn has_ended(w: &World, form: &Form) -> bool {
    form.has("s") && form.get("s").parse::<i64>().map_or(true, |end| end <= w.now())
}

/// A draft has no page yet.
fn named<'w>(w: &'w World, page: &str) -> Option<&'w Invoice> {
    w.invoices.iter().find(|invoice| invoice.page == page && invoice.status != "draft")
}

fn show(w: &World, page: &str, form: &Form, refusal: Option<&Refusal>) -> Reply {
    let Some(invoice) = named(w, page) else { return message::not_found() };
    let processing = engine::is_processing(w, &invoice.id);
    let (kind, word) = if processing { ("info", "Processing") } else { words::invoice(&invoice.status) };
    // The card on file has no field; what its bank says stands above the form.
    let fields: &[&str] = if form.get("with") == "new" { &["number"] } else { &[] };
    let wrong = Wrong::with(refusal, fields);
    let shown = Page {
        page: page.to_owned(),
        sheet: sheet(w, invoice),
        kind,
        word,
        said: if processing { PROCESSING.into() } else { said(invoice) },
        pay: (words::is_open(invoice) && !processing).then(|| paying(w, invoice, form)),
        back: (form.get("from") == "portal").then(|| Back::here("/p/home", "Back to billing")),
        flash: (form.has("paid") && invoice.status == "paid").then_some("Paid. Thank you."),
        wrong,
    };
    html(status(refusal), &shown, &[])
}

const PROCESSING: &str = "The bank is working on it. That takes some days, and nobody needs to do anything.";

fn said(invoice: &Invoice) -> String {
    match (invoice.status.as_str(), invoice.paid_at, invoice.next_payment_attempt) {
        ("paid", Some(at), _) => format!("Paid on {}", minute(at)),
        ("open", _, _) if invoice.needs_action => {
            "The bank wants to see the card’s holder before it pays.".into()
        }
        ("open", _, Some(at)) if invoice.attempted => {
            format!("The last attempt failed. The next is on {}.", date(at))
        }
        ("open", _, _) if invoice.attempted => "The last attempt to take the payment failed.".into(),
        ("void", _, _) => "Nothing has to be paid: this invoice was withdrawn.".into(),
        _ => {
            invoice.due_date.map_or_else(|| "Waiting to be paid.".into(), |at| format!("Due on {}", date(at)))
        }
    }
}

fn paying(w: &World, invoice: &Invoice, form: &Form) -> Pay {
    let on_file = words::card_in_charge(w, &invoice.customer, invoice.subscription.as_deref());
    let another = on_file.is_none() || form.get("with") == "new";
    let label = format!("Pay {}", amount(invoice.amount_remaining(), &invoice.currency));
    let keep = !form.has("with") || form.has("keep");
    Pay { label, on_file, another, keep, cards: CardForm::of(form) }
}

fn sheet(w: &World, invoice: &Invoice) -> Sheet {
    let customer = w.customers.get(&invoice.customer);
    let to = [customer.and_then(|c| c.name.clone()), customer.and_then(|c| c.email.clone())];
    let of = |minor: i64| amount(minor, &invoice.currency);
    let lines = invoice.lines.iter().map(|line| Line {
        what: line.description.clone(),
        period: format!("{} – {}", date(line.period_start), date(line.period_end)),
        amount: of(line.amount),
    });
    let number = invoice.number.clone().unwrap_or_default();
    Sheet {
        title: if invoice.status == "paid" { "Receipt".into() } else { "Invoice".into() },
        number,
        issued: date(invoice.finalized_at.unwrap_or(invoice.created)),
        to: to.into_iter().flatten().collect(),
        lines: lines.collect(),
        sums: sums(invoice, of),
        receipt: receipt(w, invoice),
    }
}

fn sums(invoice: &Invoice, of: impl Fn(i64) -> String) -> Vec<(String, String)> {
    let mut sums = vec![("Subtotal".to_owned(), of(invoice.subtotal()))];
    if invoice.discount > 0 {
        sums.push(("Discount".into(), of(-invoice.discount)));
    }
    let credit = invoice.total().min(-invoice.starting_balance).max(0);
    if credit > 0 {
        sums.push(("Credit used".into(), of(-credit)));
    }
    if invoice.total() < 0 {
        sums.push(("Credit for later invoices".into(), of(-invoice.total())));
    }
    match invoice.status.as_str() {
        "paid" => sums.push(("Paid".into(), of(invoice.amount_paid))),
        _ => sums.push(("Due".into(), of(invoice.amount_remaining()))),
    }
    sums
}

/// `Visa •••• 4242, 1 Jan 2027, 09:30`.
fn receipt(w: &World, invoice: &Invoice) -> Option<String> {
    let payment = w.payments.get(invoice.payment.as_ref()?).filter(|it| it.status == "succeeded")?;
    let method = w.payment_methods.get(payment.payment_method.as_ref()?)?;
    Some(format!("{}, {}", engine::methods::words(method), minute(payment.created)))
}

fn file(w: &World, page: &str) -> Reply {
    let Some(invoice) = named(w, page) else { return message::not_found() };
    let name = format!("inline; filename=\"{}.pdf\"", invoice.number.as_deref().unwrap_or("invoice"));
    guarded(Reply::of(200, "application/pdf", pdf::of(&sheet(w, invoice)))).with("content-disposition", &name)
}

async fn pay(sandbox: &Sandbox, page: &str, form: &Form, holder: Holder) -> Reply {
    let paid = sandbox.act(|w| {
        let id = known(w, page)?.id;
        let new =
            if form.get("with") == "new" { Some(card_form::number(form).unwrap_or_default()) } else { None };
        act::pay_invoice(w, &id, new.as_deref(), form.has("keep"), holder)
    });
    match paid.await {
        Ok(()) => go(&address(page, form, "paid=1")),
        Err(refusal) if asks(&refusal) => {
            keep_waiting(sandbox, page, Some(form.encoded())).await;
            go(&format!("/i/{page}/bank"))
        }
        Err(refusal) if refusal.status == 404 => message::not_found(),
        Err(refusal) => sandbox.look(|w| show(w, page, form, Some(&refusal))).await,
    }
}

fn address(page: &str, form: &Form, more: &str) -> String {
    match form.get("from") {
        "portal" => format!("/i/{page}?from=portal&{more}"),
        _ => format!("/i/{page}?{more}"),
    }
}

fn known(w: &World, page: &str) -> Answer<Invoice> {
    named(w, page).cloned().ok_or_else(|| Refusal::not_found("invoice", page))
}

async fn keep_waiting(sandbox: &Sandbox, page: &str, form: Option<String>) -> Option<String> {
    let changed = sandbox.act(|w| {
        let id = known(w, page)?.id;
        let invoice = w.invoices.change(&id);
        Ok(invoice.and_then(|invoice| std::mem::replace(&mut invoice.challenged, form)))
    });
    changed.await.ok().flatten()
}

fn question(w: &World, page: &str) -> Reply {
    match named(w, page) {
        Some(invoice) if invoice.challenged.is_some() && words::is_open(invoice) => {
            let due = amount(invoice.amount_remaining(), &invoice.currency);
            let what = format!("Invoice {} · {due}", invoice.number.as_deref().unwrap_or_default());
            bank(&format!("/i/{page}/bank"), &what, &[])
        }
        _ => go(&format!("/i/{page}")),
    }
}

async fn after_bank(sandbox: &Sandbox, page: &str, answer: &Form) -> Reply {
    match keep_waiting(sandbox, page, None).await {
        Some(form) => pay(sandbox, page, &Form::parse(form.as_bytes()), holder(answer)).await,
        None => go(&format!("/i/{page}")),
    }
}
