// A customer's whole life at a sandbox, through Stripe's own SDK: `node life.mjs HOST PORT`.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import Stripe from "stripe";

const [host, port] = process.argv.slice(2);
const at = (key, more = {}) =>
  new Stripe(key, { host, port: Number(port), protocol: "http", telemetry: false, maxNetworkRetries: 0, ...more });
const stripe = at("sk_test_node");

/** The control API; undefined where this sandbox does not have it. */
async function control(method, path, body) {
  const answer = await fetch(`http://${host}:${port}/_sandbox/api${path}`, {
    method, headers: { "content-type": "application/json" }, body: JSON.stringify(body),
  });
  return answer.ok ? answer.json() : undefined;
}

async function catalogue() {
  const product = await stripe.products.create({ name: "Node plan", marketing_features: [{ name: "Everything" }] });
  const monthly = await stripe.prices.create({
    product: product.id, currency: "usd", unit_amount: 1200, recurring: { interval: "month" }, lookup_key: "node_month",
  });
  const yearly = await stripe.prices.create({
    product: product.id, currency: "usd", unit_amount: 12000, recurring: { interval: "year" }, lookup_key: "node_year",
  });
  const found = await stripe.prices.list({ lookup_keys: ["node_month"], expand: ["data.product"] });
  assert.deepEqual(found.data.map((price) => price.id), [monthly.id]);
  assert.equal(found.data[0].product.name, "Node plan");
  return { product, monthly, yearly };
}

async function subscribed(customer, monthly) {
  const session = await stripe.checkout.sessions.create({
    mode: "subscription", customer: customer.id, line_items: [{ price: monthly.id, quantity: 2 }],
    success_url: "https://portico.test/return?session_id={CHECKOUT_SESSION_ID}", cancel_url: "https://portico.test/",
    subscription_data: { metadata: { org: "acme" } },
  });
  assert.equal(session.status, "open");
  assert.ok(session.url.startsWith(`http://${host}:${port}/c/pay/`), session.url);
  const done = await control("POST", "/act", { action: "complete_checkout", session: session.id, card: "4242424242424242" });
  if (done) {
    assert.ok(done.ok, JSON.stringify(done));
    const complete = await stripe.checkout.sessions.retrieve(session.id, { expand: ["subscription", "line_items"] });
    assert.deepEqual([complete.status, complete.payment_status], ["complete", "paid"]);
    return complete.subscription;
  }
  assert.equal((await stripe.checkout.sessions.expire(session.id)).status, "expired");
  const card = await stripe.paymentMethods.attach("pm_card_visa", { customer: customer.id });
  await stripe.customers.update(customer.id, { invoice_settings: { default_payment_method: card.id } });
  return stripe.subscriptions.create({
    customer: customer.id, items: [{ price: monthly.id, quantity: 2 }], metadata: { org: "acme" },
  });
}

async function lookedAt(customer, subscription) {
  const whole = await stripe.subscriptions.retrieve(subscription.id, {
    expand: ["latest_invoice.payments", "customer", "default_payment_method", "items.data.price.product"],
  });
  assert.equal(whole.status, "active");
  assert.equal(whole.latest_invoice.amount_paid, 2400);
  assert.equal(whole.latest_invoice.payments.data[0].status, "paid");
  assert.equal(whole.customer.email, "nora@node.test");
  assert.equal(whole.items.data[0].price.product.name, "Node plan");
  assert.ok(whole.items.data[0].current_period_end > whole.items.data[0].current_period_start);
  assert.deepEqual(whole.metadata, { org: "acme" });
  const list = await stripe.subscriptions.list({ customer: customer.id, status: "all", limit: 100 });
  assert.deepEqual(list.data.map((one) => one.id), [subscription.id]);
  return whole.items.data[0];
}

async function portal(customer, subscription, item, { product, monthly, yearly }) {
  const configuration = await stripe.billingPortal.configurations.create({
    features: {
      invoice_history: { enabled: true },
      payment_method_update: { enabled: true },
      subscription_cancel: { enabled: true, mode: "at_period_end" },
      subscription_update: {
        enabled: true, default_allowed_updates: ["price"], proration_behavior: "always_invoice",
        products: [{ product: product.id, prices: [monthly.id, yearly.id] }],
      },
    },
  });
  const off = await stripe.billingPortal.configurations.update(configuration.id, {
    features: { subscription_cancel: { enabled: false } },
  });
  assert.equal(off.features.subscription_cancel.enabled, false);
  const session = await stripe.billingPortal.sessions.create({
    customer: customer.id, configuration: configuration.id, return_url: "https://portico.test/back",
    flow_data: {
      type: "subscription_update_confirm",
      subscription_update_confirm: { subscription: subscription.id, items: [{ id: item.id, price: yearly.id }] },
      after_completion: { type: "redirect", redirect: { return_url: "https://portico.test/done" } },
    },
  });
  assert.equal(session.flow.type, "subscription_update_confirm");
  assert.equal((await fetch(session.url, { redirect: "manual" })).status < 400, true);
}

async function changed(customer, subscription, item, yearly) {
  const preview = await stripe.invoices.createPreview({
    subscription: subscription.id, subscription_details: { items: [{ id: item.id, price: yearly.id, quantity: 1 }] },
  });
  const switched = await stripe.subscriptions.update(subscription.id, {
    items: [{ id: item.id, price: yearly.id, quantity: 1 }], expand: ["latest_invoice"],
  });
  assert.ok(Math.abs(switched.latest_invoice.total - preview.total) <= 1, "the preview was right to the second");
  const leaving = await stripe.subscriptions.update(subscription.id, { cancel_at_period_end: true });
  assert.equal(leaving.cancel_at, leaving.items.data[0].current_period_end);
  assert.equal((await stripe.subscriptions.update(subscription.id, { cancel_at: "" })).cancel_at, null);
  assert.equal((await stripe.subscriptions.cancel(subscription.id)).status, "canceled");
  assert.equal((await stripe.subscriptions.list({ customer: customer.id })).data.length, 0);
}

async function events() {
  const seen = new Set();
  for await (const event of stripe.events.list({ limit: 3 })) {
    assert.ok(!seen.has(event.id), "no event comes twice");
    seen.add(event.id);
  }
  assert.ok(seen.size > 12, `${seen.size} events`);
  const paid = await stripe.events.list({ types: ["invoice.paid", "customer.created"] }).autoPagingToArray({ limit: 100 });
  assert.ok(paid.some((event) => event.type === "invoice.paid") && paid.every((event) => seen.has(event.id)));
  assert.equal((await stripe.events.retrieve(paid[0].id)).id, paid[0].id);
}

async function replays() {
  const options = { idempotencyKey: "node:customer:1" };
  const once = await stripe.customers.create({ name: "Once" }, options);
  const again = await stripe.customers.create({ name: "Once" }, options);
  assert.equal(again.id, once.id);
  assert.equal(again.lastResponse.headers["idempotent-replayed"], "true");
  assert.match(again.lastResponse.requestId, /^req_/);
  await rejects(stripe.customers.create({ name: "Twice" }, options), Stripe.errors.StripeIdempotencyError, { statusCode: 400 });
}

async function rejects(promise, kind, fields) {
  const error = await promise.then(() => assert.fail(`expected a ${kind.name}`), (error) => error);
  assert.ok(error instanceof kind, `${kind.name}, not ${error.type}: ${error.message}`);
  for (const [name, value] of Object.entries(fields)) assert.equal(error[name], value, `${name} of ${error.message}`);
  return error;
}

async function errors(customer) {
  const { StripeInvalidRequestError, StripeAuthenticationError, StripeCardError, StripeConnectionError } = Stripe.errors;
  const unknown = await rejects(stripe.customers.retrieve("cus_nobody"), StripeInvalidRequestError,
    { statusCode: 404, code: "resource_missing" });
  assert.match(unknown.requestId, /^req_/);
  await rejects(stripe.customers.create({ colour: "red" }), StripeInvalidRequestError,
    { code: "parameter_unknown", param: "colour" });
  await rejects(stripe.customers.retrieve("../customers/x/../y?z"), StripeInvalidRequestError, { statusCode: 404 });
  await rejects(at("sk_live_never").customers.list(), StripeAuthenticationError, { statusCode: 401 });
  await rejects(at("nonsense").customers.list(), StripeAuthenticationError, { statusCode: 401 });
  await rejects(stripe.paymentMethods.attach("pm_card_chargeDeclined", { customer: customer.id }), StripeCardError,
    { code: "card_declined", decline_code: "generic_decline" });
  const closed = await closedPort();
  await rejects(new Stripe("sk_test_x", { host, port: closed, protocol: "http", maxNetworkRetries: 0 }).customers.list(),
    StripeConnectionError, {});
}

async function closedPort() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((ready) => server.once("listening", ready));
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}

/** Stripe's worst day, where this sandbox can have one on request. */
async function faults() {
  const { errors } = Stripe;
  const cases = [
    ["429", errors.StripeRateLimitError, { statusCode: 429 }], ["403", errors.StripePermissionError, { statusCode: 403 }],
    ["401", errors.StripeAuthenticationError, { statusCode: 401 }], ["500", errors.StripeAPIError, { statusCode: 500 }],
    ["close_before", errors.StripeConnectionError, {}], ["502_html", errors.StripeAPIError, {}],
    ["truncated", errors.StripeConnectionError, {}],
  ];
  for (const [kind, expected, fields] of cases) {
    // Twice: where a connection that was kept open breaks, the SDK asks again whatever its settings.
    const rule = { method: "GET", path: "/v1/products", key: "sk_test_fault", kind, times: 2 };
    if (!(await control("POST", "/faults", rule))) return console.log("no fault rules here: that part is left out");
    await rejects(at("sk_test_fault").products.list(), expected, fields);
    await control("DELETE", "/faults");
  }
  const rule = { method: "POST", path: "/v1/customers", key: "sk_test_retry", kind: "close_after", times: 1 };
  await control("POST", "/faults", rule);
  const made = await at("sk_test_retry", { maxNetworkRetries: 2 }).customers.create({ name: "Made once" });
  assert.equal(made.lastResponse.headers["idempotent-replayed"], "true", "the SDK's own retry found the first answer");
}

/** What real accounts hold: tiers, coupons, credit, debits, transfers, schedules, refunds. */
async function realLife({ product, monthly }) {
  const tiered = await stripe.prices.create({
    product: product.id, currency: "EUR", recurring: { interval: "month", interval_count: 3 }, billing_scheme: "tiered",
    tiers_mode: "volume", tiers: [{ up_to: 10, unit_amount: 500 }, { up_to: "inf", unit_amount_decimal: "250.5" }], expand: ["tiers"],
  });
  assert.deepEqual([tiered.currency, tiered.unit_amount, tiered.tiers.length], ["eur", null, 2]);
  await rejects(stripe.prices.create({ product: product.id, currency: "zzz", unit_amount: 1 }),
    Stripe.errors.StripeInvalidRequestError, { param: "currency" });

  const otto = await stripe.customers.create({ name: "Otto", email: "otto@node.test" });
  const coupon = await stripe.coupons.create({ percent_off: 50, duration: "repeating", duration_in_months: 2 });
  await stripe.customers.createBalanceTransaction(otto.id, { amount: -100, currency: "usd" });
  const sub = await stripe.subscriptions.create({
    customer: otto.id, items: [{ price: monthly.id }], collection_method: "send_invoice", days_until_due: 30,
    discounts: [{ coupon: coupon.id }], expand: ["latest_invoice", "discounts.source.coupon"],
  });
  assert.equal(sub.discounts[0].source.coupon.percent_off, 50);
  assert.deepEqual([sub.latest_invoice.amount_due, sub.latest_invoice.total_discount_amounts[0].amount], [500, 600]);
  const paid = await stripe.invoices.pay(sub.latest_invoice.id, { paid_out_of_band: true });
  assert.deepEqual([paid.status, paid.amount_remaining], ["paid", 0]);
  const next = await stripe.invoices.createPreview({ subscription: sub.id });
  assert.deepEqual([next.total, next.starting_balance], [600, 0]);
  await rejects(stripe.subscriptions.create({ customer: otto.id, items: [{ price: tiered.id }] }),
    Stripe.errors.StripeInvalidRequestError, { statusCode: 400 });

  const schedule = await stripe.subscriptionSchedules.create({ from_subscription: sub.id });
  const [phase] = schedule.phases;
  const updated = await stripe.subscriptionSchedules.update(schedule.id, {
    phases: [
      { items: [{ price: monthly.id, quantity: 1 }], start_date: phase.start_date, end_date: phase.end_date },
      { items: [{ price: monthly.id, quantity: 3 }], duration: { interval: "month", interval_count: 2 } },
    ],
  });
  assert.deepEqual([updated.phases.length, updated.phases[1].items[0].quantity], [2, 3]);
  assert.equal((await stripe.subscriptionSchedules.release(schedule.id)).status, "released");

  const session = await stripe.checkout.sessions.create({
    mode: "subscription", customer: otto.id, line_items: [{ price: monthly.id, quantity: 1 }], success_url: "https://portico.test/",
  });
  const done = await control("POST", "/act", { customer: otto.id, action: "pay_by", session: session.id, method: "sepa_debit" });
  if (!done) return console.log("nobody pays by debit here: that part is left out");
  const waiting = await stripe.checkout.sessions.retrieve(session.id, { expand: ["invoice"] });
  assert.deepEqual([waiting.status, waiting.payment_status, waiting.invoice.status], ["complete", "unpaid", "open"]);
  await control("POST", "/act", { customer: otto.id, action: "settle_debit", outcome: "succeeded" });
  const payments = await stripe.invoicePayments.list({ invoice: waiting.invoice.id });
  const refund = await stripe.refunds.create({ payment_intent: payments.data[0].payment.payment_intent, amount: 200 });
  assert.deepEqual([refund.status, refund.amount], ["succeeded", 200]);
  const note = await stripe.creditNotes.create({ invoice: waiting.invoice.id, amount: 300, credit_amount: 300 });
  assert.equal(note.post_payment_amount, 300);
  assert.equal((await stripe.customers.retrieve(otto.id)).balance, -300);
}

/** What the sandbox delivers is taken by the SDK, where this sandbox delivers at all. */
async function deliveries(customer) {
  let arrived;
  const first = new Promise((resolve) => (arrived = resolve));
  const server = createHttpServer((request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      response.end("{}");
      arrived({ body: Buffer.concat(parts), signature: request.headers["stripe-signature"] });
    });
  }).listen(0, "127.0.0.1");
  await new Promise((ready) => server.once("listening", ready));
  const endpoint = await stripe.webhookEndpoints.create({
    url: `http://127.0.0.1:${server.address().port}/hooks`, enabled_events: ["customer.updated"],
  });
  await stripe.customers.update(customer.id, { description: "says hello" });
  const delivered = await Promise.race([first, new Promise((done) => setTimeout(done, 3000))]);
  await stripe.webhookEndpoints.del(endpoint.id);
  server.close();
  server.closeAllConnections();
  if (!delivered && !(await control("GET", "/deliveries"))) return console.log("no webhooks here: that part is left out");
  const event = stripe.webhooks.constructEvent(delivered.body, delivered.signature, endpoint.secret);
  assert.deepEqual([event.type, event.data.object.description], ["customer.updated", "says hello"]);
  assert.equal(event.data.previous_attributes.description, null);
  const parsed = await stripe.events.retrieve(event.id);
  assert.deepEqual(parsed.data, event.data);
}

/** The signature is made by hand here, as the scheme says. */
async function signatures() {
  const [secret, payload] = ["whsec_by_hand", JSON.stringify({ id: "evt_1", object: "event", type: "customer.updated" })];
  const t = Math.floor(Date.now() / 1000);
  const v1 = createHmac("sha256", secret).update(`${t}.${payload}`).digest("hex");
  const event = stripe.webhooks.constructEvent(payload, `t=${t},v1=${v1}`, secret);
  assert.equal(event.id, "evt_1");
  for (const header of [`t=${t},v1=${v1.replace(/./, "g")}`, `t=${t - 400},v1=${v1}`, ""])
    assert.throws(() => stripe.webhooks.constructEvent(payload, header, secret), Stripe.errors.StripeSignatureVerificationError);
}

const sold = await catalogue();
const customer = await stripe.customers.create({ name: "Nora", email: "nora@node.test", metadata: { org: "acme" } });
const subscription = await subscribed(customer, sold.monthly);
const item = await lookedAt(customer, subscription);
await portal(customer, subscription, item, sold);
await changed(customer, subscription, item, sold.yearly);
await events();
await replays();
await errors(customer);
await realLife(sold);
await faults();
await signatures();
await deliveries(customer);
const gone = await stripe.customers.del(customer.id);
assert.equal(gone.deleted, true);
assert.equal((await stripe.customers.retrieve(customer.id)).deleted, true);
console.log("a whole life");
