//! What is wrong with a form, field by field, shown beside what the person typed.

/// Messages at fields. Empty means the form is fine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Errors(Vec<(&'static str, String)>);

impl Errors {
    pub fn add(&mut self, field: &'static str, message: impl Into<String>) {
        self.0.push((field, message.into()));
    }

    /// One message that belongs to no field.
    pub fn of_form(message: impl Into<String>) -> Self {
        Self(vec![("", message.into())])
    }

    pub fn of(field: &'static str, message: impl Into<String>) -> Self {
        Self(vec![(field, message.into())])
    }

    pub fn any(&self) -> bool {
        !self.0.is_empty()
    }

    /// The first message at a field.
    pub fn on(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(at, _)| *at == field).map(|(_, message)| message.as_str())
    }

    pub fn form(&self) -> Option<&str> {
        self.on("")
    }

    /// Field and message of all that have a field, for the summary.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().filter(|(at, _)| !at.is_empty()).map(|(at, message)| (*at, message.as_str()))
    }

    /// Keeps `value` or notes what is wrong with it.
    pub fn keep<T>(&mut self, field: &'static str, value: Result<T, String>) -> Option<T> {
        value.map_err(|message| self.add(field, message)).ok()
    }
}
