//! The customer portal's configurations and sessions.
use super::{Answer, Params, Refusal, customers, portal_features::FeaturesGiven, portal_flow};
use crate::{
    objects::*,
    params::{Given, Patch, WebUrl},
    state::{World, wall},
    wire,
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    features: Option<FeaturesGiven>,
    business_profile: Option<Profile>,
    active: Option<bool>,
    #[serde(default)]
    default_return_url: Patch<String>,
    #[serde(default)]
    name: Patch<String>,
    login_page: Option<LoginPage>,
    #[serde(default)]
    metadata: Given,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    #[serde(default)]
    headline: Patch<String>,
    #[serde(default)]
    privacy_policy_url: Patch<String>,
    #[serde(default)]
    terms_of_service_url: Patch<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LoginPage {
    enabled: bool,
}

pub fn create_configuration(w: &mut World, p: Params) -> Answer {
    let given: Fields = p.read()?;
    match (&given.features, given.active) {
        (None, _) => return Err(Refusal::missing("features")),
        (_, Some(_)) => return Err(Refusal::unknown("active")),
        _ => {}
    }
    let (id, now) = (w.id("bpc_"), w.now());
    let mut configuration =
        PortalConfiguration { id, created: now, updated: now, active: true, ..Default::default() };
    given.into(w, &mut configuration)?;
    let object = wire::portal_configuration(&configuration);
    w.portal_configurations.put(configuration);
    w.emit("billing_portal.configuration.created", object.clone());
    Ok(object)
}

pub fn update_configuration(w: &mut World, id: &str, p: Params) -> Answer {
    let given: Fields = p.read()?;
    let mut configuration = known(w, id)?.clone();
    let before = wire::portal_configuration(&configuration);
    if configuration.is_default && given.active == Some(false) {
        return Err(Refusal::invalid("You cannot deactivate the default configuration.").at("active"));
    }
    given.into(w, &mut configuration)?;
    configuration.updated = w.now();
    let after = wire::portal_configuration(&configuration);
    w.portal_configurations.put(configuration);
    w.emit_change("billing_portal.configuration.updated", &before, after.clone());
    Ok(after)
}

impl Fields {
    fn into(self, w: &World, c: &mut PortalConfiguration) -> Answer<()> {
        if let Some(profile) = self.business_profile {
            profile.headline.apply(&mut c.headline);
            if c.headline.as_ref().is_some_and(|text| text.chars().count() > 60) {
                return Err(Refusal::invalid("Invalid string: must be at most 60 characters")
                    .at("business_profile[headline]"));
            }
            profile.privacy_policy_url.apply(&mut c.privacy_policy_url);
            profile.terms_of_service_url.apply(&mut c.terms_of_service_url);
        }
        c.active = self.active.unwrap_or(c.active);
        self.default_return_url.apply(&mut c.default_return_url);
        self.name.apply(&mut c.name);
        c.login_page = self.login_page.map_or(c.login_page, |page| page.enabled);
        if let Some(features) = self.features {
            features.into(w, &mut c.features)?;
        }
        self.metadata.merge(&mut c.metadata)
    }
}

fn known<'w>(w: &'w World, id: &str) -> Answer<&'w PortalConfiguration> {
    w.portal_configurations.get(id).ok_or_else(|| Refusal::not_found("billing_portal configuration", id))
}

const NO_CONFIGURATION: &str = "No configuration provided and your test mode default configuration has not been created. Provide a configuration or create your default by saving your customer portal settings in test mode at https://dashboard.stripe.com/test/settings/billing/portal.";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewSession {
    customer: String,
    configuration: Option<String>,
    return_url: Option<WebUrl>,
    locale: Option<String>,
    on_behalf_of: Option<String>,
}

pub fn create_session(w: &mut World, mut p: Params) -> Answer {
    let flow = p.map("flow_data")?;
    let new: NewSession = p.read_but(&["after_expiration"])?;
    customers::named(w, &new.customer)?;
    let configuration = configuration(w, new.configuration)?;
    let flow = flow.map(|given| portal_flow::read(w, given, &new.customer, &configuration)).transpose()?;
    let session = PortalSession {
        id: w.id("bps_"),
        created: w.now(),
        customer: new.customer,
        configuration: configuration.id,
        return_url: new.return_url.map(|url| url.0).or(configuration.default_return_url),
        locale: new.locale,
        on_behalf_of: new.on_behalf_of,
        flow,
        secret: format!("test_{}", w.secret()),
        visit: None,
        seen: wall(),
        done: false,
        challenged: None,
    };
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
