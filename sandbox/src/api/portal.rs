//! The customer portal's configurations and sessions.
use super::{Answer, Params, Refusal, customers, portal_features, portal_flow};
use crate::{
    objects::*,
    state::{World, wall},
    wire,
};

pub fn create_configuration(w: &mut World, mut p: Params) -> Answer {
    let (id, now) = (w.id("bpc_"), w.now());
    let mut configuration =
        PortalConfiguration { id, created: now, updated: now, active: true, ..Default::default() };
    if !p.has("features") {
        return Err(p.missing("features"));
    }
    configuration_fields(w, &mut p, &mut configuration)?;
    p.finish()?;
    let object = wire::portal_configuration(&configuration);
    w.portal_configurations.put(configuration);
    w.emit("billing_portal.configuration.created", object.clone());
    Ok(object)
}

pub fn update_configuration(w: &mut World, id: &str, mut p: Params) -> Answer {
    let mut configuration = known(w, id)?.clone();
    let before = wire::portal_configuration(&configuration);
    if let Some(active) = p.flag("active")? {
        if configuration.is_default && !active {
            return Err(Refusal::invalid("You cannot deactivate the default configuration.").at("active"));
        }
        configuration.active = active;
    }
    configuration_fields(w, &mut p, &mut configuration)?;
    p.finish()?;
    configuration.updated = w.now();
    let after = wire::portal_configuration(&configuration);
    w.portal_configurations.put(configuration);
    w.emit_change("billing_portal.configuration.updated", &before, after.clone());
    Ok(after)
}

fn configuration_fields(w: &World, p: &mut Params, c: &mut PortalConfiguration) -> Answer<()> {
    if let Some(mut profile) = p.map("business_profile")? {
        profile.set("headline", &mut c.headline)?;
        if c.headline.as_ref().is_some_and(|text| text.chars().count() > 60) {
            return Err(Refusal::invalid("Invalid string: must be at most 60 characters")
                .at("business_profile[headline]"));
        }
        profile.set("privacy_policy_url", &mut c.privacy_policy_url)?;
        profile.set("terms_of_service_url", &mut c.terms_of_service_url)?;
        profile.finish()?;
    }
    p.set("default_return_url", &mut c.default_return_url)?;
    p.set("name", &mut c.name)?;
    if let Some(mut page) = p.map("login_page")? {
        c.login_page = page.flag("enabled")?.ok_or_else(|| page.missing("enabled"))?;
        page.finish()?;
    }
    if let Some(features) = p.map("features")? {
        portal_features::read(w, features, &mut c.features)?;
    }
    p.metadata(&mut c.metadata)
}

fn known<'w>(w: &'w World, id: &str) -> Answer<&'w PortalConfiguration> {
    w.portal_configurations.get(id).ok_or_else(|| Refusal::not_found("billing_portal configuration", id))
}

const NO_CONFIGURATION: &str = "No configuration provided and your test mode default configuration has not been created. Provide a configuration or create your default by saving your customer portal settings in test mode at https://dashboard.stripe.com/test/settings/billing/portal.";

pub fn create_session(w: &mut World, mut p: Params) -> Answer {
    let customer = p.required("customer")?;
    customers::named(w, &customer)?;
    let configuration = configuration(w, p.word("configuration")?)?;
    let return_url = p.word("return_url")?.or(configuration.default_return_url.clone());
    if return_url.as_ref().is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://")) {
        return Err(Refusal::invalid("Not a valid URL").with_code("url_invalid").at("return_url"));
    }
    let flow = p
        .map("flow_data")?
        .map(|given| portal_flow::read(w, given, &customer, &configuration))
        .transpose()?;
    let session = PortalSession {
        id: w.id("bps_"),
        created: w.now(),
        customer,
        configuration: configuration.id,
        return_url,
        locale: p.word("locale")?,
        on_behalf_of: p.word("on_behalf_of")?,
        flow,
        secret: format!("test_{}", w.secret()),
        visit: None,
        seen: wall(),
        done: false,
        challenged: None,
    };
    p.finish_but(&["after_expiration"])?;
    let object = wire::portal_session(w, &session);
    w.portal_sessions.put(session);
    let mut said = object.clone();
    said["url"] = serde_json::Value::Null; // an event is no place for a key
    w.emit("billing_portal.session.created", said);
    Ok(object)
}

fn configuration(w: &World, id: Option<String>) -> Answer<PortalConfiguration> {
    let Some(id) = id else {
        // At Stripe a default is saved in the Dashboard. Where there is none, the first active one serves.
        let active = || w.portal_configurations.iter().filter(|it| it.active);
        let default = active().find(|it| it.is_default).or_else(|| active().next());
        return default.cloned().ok_or_else(|| Refusal::invalid(NO_CONFIGURATION));
    };
    let found = w.portal_configurations.get(&id);
    let found = found.ok_or_else(|| Refusal::no_such("configuration", &id, "configuration"))?;
    match found.active {
        true => Ok(found.clone()),
        false => Err(Refusal::invalid(format!("The configuration {id} is not active.")).at("configuration")),
    }
}
