//! Who writes while the program is squeezed, and remembers what was acknowledged.
use crate::{
    client::{Answer, Client},
    program::{Program, WEBHOOK_SECRET},
};
use hmac::{Hmac, Mac};
use std::time::UNIX_EPOCH;

const OWNER: [(&str, &str); 2] =
    [("email", "demo@example.com"), ("password", concat!(env!("CARGO_PKG_NAME"), " demo password"))];
/// The demo's plan has room for 50 projects.
const PROJECTS: usize = 45;

/// What went wrong: which request, and what came instead.
pub type Outcome = Result<(), String>;

pub struct Witness {
    pub olivia: Client,
    stripe: Client,
    tried: usize,
    /// Acknowledged: ids of events answered with 200, names of projects answered with a redirect.
    events: Vec<String>,
    projects: Vec<String>,
    /// Seconds by which the program's clock is ahead.
    pub ahead: i64,
}

impl Witness {
    pub fn of(program: &Program) -> Self {
        let (olivia, stripe) = (Client::of(&program.address), Client::of(&program.address));
        let mut witness =
            Self { olivia, stripe, tried: 0, events: Vec::new(), projects: Vec::new(), ahead: 0 };
        let entered = witness.signs_in();
        assert!(entered.is_ok(), "{entered:?}\n{}", program.said());
        witness
    }

    pub fn signs_in(&mut self) -> Outcome {
        expect(303, "POST /sign-in", self.olivia.post("/sign-in", &OWNER)).map(drop)
    }

    /// Everything once: it is ready, a page, a project, a webhook, a click that asks Stripe.
    pub fn works(&mut self) -> Outcome {
        expect(200, "GET /readyz", self.stripe.get("/readyz"))?;
        let page = self.olivia.get("/account");
        if page.as_ref().is_ok_and(|page| page.location().starts_with("/sign-in")) {
            self.signs_in()?; // a clock that jumped by a day has ended the session, as it should
        } else {
            expect(200, "GET /account", page)?;
        }
        self.event(200)?;
        self.project()?;
        let there = self.click()?;
        if there.starts_with("http") {
            return Ok(());
        }
        self.signs_in()?; // by a clock that jumped the sign-in was too long ago, or has not been yet
        match self.click()? {
            there if there.starts_with("http") => Ok(()),
            there => Err(format!("the click leads to {there}")),
        }
    }

    fn click(&mut self) -> Result<String, String> {
        let clicked = self.olivia.post("/orgs/acme/billing/portal", &[]);
        Ok(expect(303, "POST …/billing/portal", clicked)?.location().to_owned())
    }

    /// An event of Stripe's with a body of so many bytes, at least.
    pub fn event(&mut self, bytes: usize) -> Outcome {
        self.tried += 1;
        let id = format!("evt_hold{}", self.tried);
        let now = UNIX_EPOCH.elapsed().expect("after 1970").as_secs() as i64 + self.ahead;
        let body = format!(
            r#"{{"id":"{id}","object":"event","type":"customer.updated","created":{now},"livemode":false,
                "data":{{"object":{{"id":"cus_hold","object":"customer","name":"{}"}}}}}}"#,
            "x".repeat(bytes)
        );
        let signature = format!("stripe-signature: t={now},v1={}\r\n", signed(&format!("{now}.{body}")));
        let answer = self.stripe.send("POST", "/webhooks/stripe", &signature, &body);
        expect(200, "POST /webhooks/stripe", answer)?;
        self.events.push(id);
        Ok(())
    }

    pub fn project(&mut self) -> Outcome {
        if self.projects.len() >= PROJECTS {
            return Ok(());
        }
        self.tried += 1;
        let name = format!("Project {}", self.tried);
        let made = self.olivia.post("/orgs/acme/projects", &[("name", &name)]);
        let made = expect(303, "POST …/projects", made)?;
        if made.location() != "/orgs/acme/projects" {
            return Err(format!("a project leads to {}", made.location()));
        }
        self.projects.push(name);
        Ok(())
    }

    /// Nothing that was acknowledged is lost.
    pub fn finds_everything(&mut self, program: &Program) {
        let page = self.olivia.get("/orgs/acme/projects").expect("it answers").body;
        let lost: Vec<&String> = self
            .projects
            .iter()
            .filter(|name| !page.contains(&format!("{name}<")) && !page.contains(&format!("\"{name}\"")))
            .collect();
        assert!(lost.is_empty(), "acknowledged and not there: {lost:?}");
        let kept = program.command(&["stripe", "events", "--json"]);
        let lost: Vec<&String> =
            self.events.iter().filter(|id| !kept.contains(&format!("\"{id}\""))).collect();
        assert!(lost.is_empty(), "acknowledged and not there: {lost:?}");
        assert!(!self.events.is_empty() && !self.projects.is_empty(), "nothing was written");
    }
}

fn expect(status: u16, what: &str, answer: std::io::Result<Answer>) -> Result<Answer, String> {
    match answer {
        Ok(answer) if answer.status == status => Ok(answer),
        Ok(answer) => Err(format!("{what}: {}", answer.status)),
        Err(error) => Err(format!("{what}: {error}")),
    }
}

fn signed(text: &str) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(WEBHOOK_SECRET.as_bytes()).expect("any key will do");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}
