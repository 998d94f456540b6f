//! Form parameters with brackets, taken out one by one. What is left over at the end is unknown.
mod form;
mod read;

pub(crate) use read::words;
pub use read::{Chances, Given, Ignored, Instant, Int, LATEST, Patch, WebUrl};

use crate::refusal::{Answer, Refusal};
use form::Node;
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

    fn name_of(&self, name: &str) -> String {
        if self.at.is_empty() { name.to_owned() } else { format!("{}[{name}]", self.at) }
    }

    fn take(&mut self, name: &str) -> Option<Node> {
        let at = self.left.iter().position(|(key, _)| key == name)?;
        Some(self.left.remove(at).1)
    }

    /// Given and not empty.
    pub fn word(&mut self, name: &str) -> Answer<Option<String>> {
        self.part(name)
    }

    pub fn required(&mut self, name: &str) -> Answer<String> {
        self.word(name)?.ok_or_else(|| self.missing(name))
    }

    pub fn missing(&self, name: &str) -> Refusal {
        Refusal::missing(&self.name_of(name))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::Metadata;
    use serde::Deserialize;

    fn params(form: &str) -> Params {
        Params::parse(form.as_bytes()).unwrap()
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Item {
        price: String,
        quantity: Option<i64>,
    }

    #[test]
    fn brackets_nest_and_arrays_keep_their_order() {
        let mut p =
            params("items[1][price]=b&items[0][price]=a&items%5B0%5D%5Bquantity%5D=2&expand[]=x&expand[]=y");

        let items: Vec<Item> = p.part("items").unwrap().unwrap();

        assert_eq!((items[0].price.as_str(), items[0].quantity), ("a", Some(2)));
        assert_eq!(items[1].price, "b");
        assert_eq!(p.part::<Vec<String>>("expand").unwrap(), Some(vec!["x".into(), "y".into()]));
        assert!(p.finish().is_ok());
    }

    #[test]
    fn unnumbered_hashes_fill_up_and_then_begin_anew() {
        let mut p = params("items[][price]=a&items[][quantity]=1&items[][price]=b");

        assert_eq!(p.part::<Vec<Item>>("items").unwrap().unwrap().len(), 2);
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
        let given: Given = params("metadata[a]=&metadata[c]=3").part("metadata").unwrap().unwrap();
        given.merge(&mut kept).unwrap();
        assert_eq!(
            kept.into_iter().collect::<Vec<_>>(),
            [("b".into(), "2".into()), ("c".into(), "3".into())]
        );
    }
}
