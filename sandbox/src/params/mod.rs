//! Form parameters with brackets, taken out one by one. What is left over at the end is unknown.
mod form;
mod read;

pub(crate) use read::words;
pub use read::{Given, Ignored, Instant, Int, LATEST, Patch, WebUrl};

use crate::{
    objects::Metadata,
    refusal::{Answer, Refusal},
};
use form::Node;
use read::{LARGEST, shown};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The parameters of a request, or of one of its hashes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Params {
    /// `items[0]`, to name a parameter in full; empty at the top.
    at: String,
    left: Vec<(String, Node)>,
}

impl Params {
    /// From a query or a form body.
    pub fn parse(encoded: &[u8]) -> Answer<Self> {
        Ok(Self { at: String::new(), left: form::parse(encoded)? })
    }

    /// From the fields of a JSON object; `null` is as if it were not there.
    pub fn from_json(fields: Map<String, Value>) -> Self {
        Self {
            at: String::new(),
            left: fields.into_iter().filter_map(|(key, it)| Some((key, node(it)?))).collect(),
        }
    }

    /// All of it as `T`. A parameter that `T` does not have is unknown.
    pub fn read<T: DeserializeOwned>(self) -> Answer<T> {
        read::read(&self.at, self.left)
    }

    /// One parameter by itself, if it is given and not empty.
    pub fn part<T: DeserializeOwned>(&mut self, name: &str) -> Answer<Option<T>> {
        let at = self.left.iter().position(|(key, _)| key == name);
        let field = at.map(|at| self.left.remove(at)).filter(|(_, node)| *node != Node::Text(String::new()));
        field.map(|(name, node)| read::read_one(&self.at, name, node)).transpose()
    }

    /// As `read`; these change nothing here, whatever they hold.
    pub fn read_but<T: DeserializeOwned>(mut self, ignored: &[&str]) -> Answer<T> {
        self.ignore(ignored);
        self.read()
    }

    /// Its name in full, as errors give it.
    pub fn name_of(&self, name: &str) -> String {
        if self.at.is_empty() { name.to_owned() } else { format!("{}[{name}]", self.at) }
    }

    fn take(&mut self, name: &str) -> Option<Node> {
        let at = self.left.iter().position(|(key, _)| key == name)?;
        Some(self.left.remove(at).1)
    }

    pub fn has(&self, name: &str) -> bool {
        self.left.iter().any(|(key, _)| key == name)
    }

    /// As given; an empty one means "unset".
    pub fn text(&mut self, name: &str) -> Answer<Option<String>> {
        match self.take(name) {
            None => Ok(None),
            Some(Node::Text(text)) if text.chars().count() > 5000 => {
                Err(Refusal::invalid("Invalid string: must be at most 5000 characters.".to_owned())
                    .at(self.name_of(name)))
            }
            Some(Node::Text(text)) => Ok(Some(text)),
            Some(Node::Map(_)) => Err(Refusal::invalid("Invalid string: {}").at(self.name_of(name))),
        }
    }

    /// Into a field, if it is given; an empty one unsets it.
    pub fn set(&mut self, name: &str, field: &mut Option<String>) -> Answer<()> {
        if let Some(text) = self.text(name)? {
            *field = Some(text).filter(|text| !text.is_empty());
        }
        Ok(())
    }

    /// Given and not empty.
    pub fn word(&mut self, name: &str) -> Answer<Option<String>> {
        Ok(self.text(name)?.filter(|text| !text.is_empty()))
    }

    pub fn required(&mut self, name: &str) -> Answer<String> {
        self.word(name)?.ok_or_else(|| self.missing(name))
    }

    pub fn missing(&self, name: &str) -> Refusal {
        Refusal::missing(&self.name_of(name))
    }

    pub fn int(&mut self, name: &str) -> Answer<Option<i64>> {
        let Some(text) = self.word(name)? else { return Ok(None) };
        let number = text.parse::<i64>().ok().filter(|n| (-LARGEST..=LARGEST).contains(n));
        number.map(Some).ok_or_else(|| {
            Refusal::invalid(format!("Invalid integer: {}", shown(&text)))
                .with_code("parameter_invalid_integer")
                .at(self.name_of(name))
        })
    }

    /// Unix seconds.
    pub fn instant(&mut self, name: &str) -> Answer<Option<i64>> {
        match self.int(name)? {
            Some(at) if !(0..=LATEST).contains(&at) => {
                Err(Refusal::invalid("Invalid timestamp.").at(self.name_of(name)))
            }
            at => Ok(at),
        }
    }

    /// A whole number within bounds.
    pub fn int_in(&mut self, name: &str, least: i64, most: i64) -> Answer<Option<i64>> {
        match self.int(name)? {
            Some(n) if !(least..=most).contains(&n) => Err(Refusal::invalid(format!(
                "Invalid value for {}: must be between {least} and {most}.",
                self.name_of(name)
            ))
            .at(self.name_of(name))),
            n => Ok(n),
        }
    }

    pub fn decimal(&mut self, name: &str) -> Answer<Option<f64>> {
        let Some(text) = self.word(name)? else { return Ok(None) };
        let number = text.parse::<f64>().ok().filter(|n| n.is_finite());
        number.map(Some).ok_or_else(|| {
            Refusal::invalid(format!("Invalid decimal: {}", shown(&text))).at(self.name_of(name))
        })
    }

    pub fn flag(&mut self, name: &str) -> Answer<Option<bool>> {
        match self.word(name)?.as_deref() {
            None => Ok(None),
            Some("true" | "1") => Ok(Some(true)),
            Some("false" | "0") => Ok(Some(false)),
            Some(other) => {
                Err(Refusal::invalid(format!("Invalid boolean: {}", shown(other))).at(self.name_of(name)))
            }
        }
    }

    /// One of the words.
    pub fn choice(&mut self, name: &str, words: &[&str]) -> Answer<Option<String>> {
        match self.word(name)? {
            Some(word) if !words.contains(&word.as_str()) => {
                let name = self.name_of(name);
                Err(Refusal::invalid(format!("Invalid {name}: must be one of {}", words.join(", "))).at(name))
            }
            word => Ok(word),
        }
    }

    /// A hash. An empty string unsets it: an empty hash.
    pub fn map(&mut self, name: &str) -> Answer<Option<Params>> {
        let at = self.name_of(name);
        match self.take(name) {
            None => Ok(None),
            Some(Node::Map(left)) => Ok(Some(Params { at, left })),
            Some(Node::Text(text)) if text.is_empty() => Ok(Some(Params { at, left: Vec::new() })),
            Some(Node::Text(_)) => Err(Refusal::invalid("Invalid object").at(at)),
        }
    }

    /// An array of hashes, in order.
    pub fn maps(&mut self, name: &str) -> Answer<Option<Vec<Params>>> {
        let Some(list) = self.map(name)? else { return Ok(None) };
        let Params { at, left } = in_order(list)?;
        let each = left.into_iter().map(|(n, node)| match node {
            Node::Map(left) => Ok(Params { at: format!("{at}[{n}]"), left }),
            Node::Text(_) => Err(Refusal::invalid("Invalid object").at(format!("{at}[{n}]"))),
        });
        each.collect::<Answer<Vec<_>>>().map(Some)
    }

    /// An array of strings, in order.
    pub fn words(&mut self, name: &str) -> Answer<Option<Vec<String>>> {
        if let Some((_, Node::Text(text))) = self.left.iter().find(|(key, _)| key == name).cloned() {
            self.take(name);
            return match text.is_empty() {
                true => Ok(Some(Vec::new())),
                false => Err(Refusal::invalid("Invalid array").at(self.name_of(name))),
            };
        }
        let Some(list) = self.map(name)? else { return Ok(None) };
        let Params { at, left } = in_order(list)?;
        let each = left.into_iter().map(|(n, node)| match node {
            Node::Text(text) => Ok(text),
            Node::Map(_) => Err(Refusal::invalid("Invalid string: {}").at(format!("{at}[{n}]"))),
        });
        each.collect::<Answer<Vec<_>>>().map(Some)
    }

    /// Merges `metadata` into what is there: an empty value unsets its key, an empty hash all.
    pub fn metadata(&mut self, into: &mut Metadata) -> Answer<()> {
        let Some(given) = self.map("metadata")? else { return Ok(()) };
        if given.left.is_empty() {
            into.clear();
        }
        for (key, node) in given.left {
            match node {
                Node::Text(text) if text.is_empty() => drop(into.remove(&key)),
                Node::Text(text) if key.len() <= 40 && text.chars().count() <= 500 => {
                    drop(into.insert(key, text))
                }
                _ => {
                    let said = "Metadata keys may be up to 40 characters long and values up to 500.";
                    return Err(Refusal::invalid(said).at(format!("{}[{key}]", given.at)));
                }
            }
        }
        match into.len() {
            0..=50 => Ok(()),
            _ => Err(Refusal::invalid("Metadata can have up to 50 keys.").at("metadata")),
        }
    }

    /// Parameters of Stripe's that change nothing here, whatever they hold.
    pub fn ignore(&mut self, names: &[&str]) {
        self.left.retain(|(key, _)| !names.contains(&key.as_str()));
    }

    /// As JSON, for hashes that are kept as they come (addresses, say).
    pub fn into_json(self) -> Value {
        let each = self.left.into_iter().map(|(key, node)| (key, json(node)));
        Value::Object(each.collect())
    }

    /// As `finish`; these change nothing here, whatever they hold.
    pub fn finish_but(mut self, ignored: &[&str]) -> Answer<()> {
        self.ignore(ignored);
        self.finish()
    }

    /// Whatever nobody took is unknown.
    pub fn finish(self) -> Answer<()> {
        match self.left.first() {
            None => Ok(()),
            Some((key, _)) => {
                let name = self.name_of(key);
                let said = format!("Received unknown parameter: {name}");
                Err(Refusal::invalid(said).with_code("parameter_unknown").at(name))
            }
        }
    }
}

fn node(value: Value) -> Option<Node> {
    let inner = |all: Vec<(String, Value)>| {
        Node::Map(all.into_iter().filter_map(|(key, it)| Some((key, node(it)?))).collect())
    };
    Some(match value {
        Value::Null => return None,
        Value::String(text) => Node::Text(text),
        Value::Bool(_) | Value::Number(_) => Node::Text(value.to_string()),
        Value::Array(list) => {
            inner(list.into_iter().enumerate().map(|(n, it)| (n.to_string(), it)).collect())
        }
        Value::Object(fields) => inner(fields.into_iter().collect()),
    })
}

fn json(node: Node) -> Value {
    match node {
        Node::Text(text) if text.is_empty() => Value::Null,
        Node::Text(text) => text.into(),
        Node::Map(left) => Params { at: String::new(), left }.into_json(),
    }
}

/// The elements of an array by their index, however they were sent.
fn in_order(mut list: Params) -> Answer<Params> {
    let at = list.at.clone();
    let index = |key: &str| key.parse::<u32>().map_err(|_| Refusal::invalid("Invalid array").at(at.clone()));
    for (key, _) in &list.left {
        index(key)?;
    }
    list.left.sort_by_key(|(key, _)| index(key).unwrap_or(u32::MAX));
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(form: &str) -> Params {
        Params::parse(form.as_bytes()).unwrap()
    }

    #[test]
    fn brackets_nest_and_arrays_keep_their_order() {
        let mut p =
            params("items[1][price]=b&items[0][price]=a&items%5B0%5D%5Bquantity%5D=2&expand[]=x&expand[]=y");

        let items = p.maps("items").unwrap().unwrap();
        let mut items = items.into_iter();

        let mut first = items.next().unwrap();
        assert_eq!((first.required("price").unwrap(), first.int("quantity").unwrap()), ("a".into(), Some(2)));
        assert_eq!(items.next().unwrap().required("price").unwrap(), "b");
        assert_eq!(p.words("expand").unwrap(), Some(vec!["x".into(), "y".into()]));
        assert!(p.finish().is_ok());
    }

    #[test]
    fn unnumbered_hashes_fill_up_and_then_begin_anew() {
        let mut p = params("items[][price]=a&items[][quantity]=1&items[][price]=b");

        assert_eq!(p.maps("items").unwrap().unwrap().len(), 2);
    }

    #[test]
    fn what_nobody_took_is_named_in_full() {
        let mut p = params("flow_data[type]=x&flow_data[colour]=red");
        let mut flow = p.map("flow_data").unwrap().unwrap();
        flow.word("type").unwrap();

        let refusal = flow.finish().unwrap_err();

        assert_eq!(refusal.message, "Received unknown parameter: flow_data[colour]");
        assert_eq!(refusal.code, Some("parameter_unknown"));
    }

    #[test]
    fn hostile_names_are_refused_and_never_crash() {
        for form in ["a[b=1", "[]=1", "=1", "a[][][][][][][][][]=1", "a=1&a[b]=2", "a[b]=1&a=2", "a[b]c=1"] {
            assert!(Params::parse(form.as_bytes()).is_err(), "{form}");
        }
        let many: String = (0..1100).map(|n| format!("k{n}=1&")).collect();
        assert!(Params::parse(many.as_bytes()).is_err());
    }

    #[test]
    fn metadata_is_merged_key_by_key() {
        let mut kept = Metadata::from([("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())]);
        params("metadata[a]=&metadata[c]=3").metadata(&mut kept).unwrap();
        assert_eq!(
            kept.into_iter().collect::<Vec<_>>(),
            [("b".into(), "2".into()), ("c".into(), "3".into())]
        );
    }
}
