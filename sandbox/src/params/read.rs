//! Typed requests: a struct says what a request may hold; what does not fit is said in Stripe's words,
//! at the full name of the parameter.
use super::form::Node;
use crate::{
    objects::Metadata,
    refusal::{Answer, Refusal},
};
use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor},
    forward_to_deserialize_any,
};
use std::{fmt, vec};

/// Far past any amount or instant, and far from where arithmetic would overflow.
pub const LARGEST: i64 = 1_000_000_000_000_000;
/// The end of the year 2199, in unix seconds.
pub const LATEST: i64 = 7_258_118_399;

/// Fields as `T`; `at` is the name of the hash that they are of.
pub fn read<T: DeserializeOwned>(at: &str, fields: Vec<(String, Node)>) -> Answer<T> {
    T::deserialize(Reader(Node::Map(fields))).map_err(|mistake| mistake.refusal(at))
}

/// The value of one field.
pub fn read_one<T: DeserializeOwned>(at: &str, name: String, node: Node) -> Answer<T> {
    T::deserialize(Reader(node)).map_err(|mistake| mistake.inside(&name).refusal(at))
}

/// As much of what was sent as a message needs.
pub fn shown(text: &str) -> String {
    text.chars().take(100).collect()
}

/// What a request says of a field that may be unset: nothing, an empty text, or a value.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Patch<T> {
    #[default]
    Keep,
    Clear,
    Set(T),
}

impl<T> Patch<T> {
    pub fn is_given(&self) -> bool {
        !matches!(self, Patch::Keep)
    }

    pub fn into_option(self) -> Option<T> {
        match self {
            Patch::Set(value) => Some(value),
            _ => None,
        }
    }

    pub fn map<U>(self, with: impl FnOnce(T) -> U) -> Patch<U> {
        match self {
            Patch::Keep => Patch::Keep,
            Patch::Clear => Patch::Clear,
            Patch::Set(value) => Patch::Set(with(value)),
        }
    }

    /// Into a field, if it is given; an empty text unsets it.
    pub fn apply(self, field: &mut Option<T>) {
        match self {
            Patch::Keep => {}
            Patch::Clear => *field = None,
            Patch::Set(value) => *field = Some(value),
        }
    }
}

impl<T> Patch<Option<T>> {
    /// As `apply`; a value that turns out to be none unsets the field too.
    pub fn apply_flat(self, field: &mut Option<T>) {
        match self {
            Patch::Keep => {}
            Patch::Clear => *field = None,
            Patch::Set(value) => *field = value,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(from)?.map_or(Patch::Clear, Patch::Set))
    }
}

/// A whole number within bounds.
#[derive(Clone, Copy, Debug)]
pub struct Int<const LEAST: i64, const MOST: i64>(pub i64);

impl<'de, const LEAST: i64, const MOST: i64> Deserialize<'de> for Int<LEAST, MOST> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match i64::deserialize(from)? {
            n if (LEAST..=MOST).contains(&n) => Ok(Self(n)),
            _ => Err(de::Error::custom(format!(
                "Invalid value for {{name}}: must be between {LEAST} and {MOST}."
            ))),
        }
    }
}

/// Unix seconds.
#[derive(Clone, Copy, Debug)]
pub struct Instant(pub i64);

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match i64::deserialize(from)? {
            at if (0..=LATEST).contains(&at) => Ok(Self(at)),
            _ => Err(de::Error::custom("Invalid timestamp.")),
        }
    }
}

/// Taken, whatever it holds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ignored;

impl<'de> Deserialize<'de> for Ignored {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        de::IgnoredAny::deserialize(from).map(|_| Self)
    }
}

/// A text out of a few words, kept as a text.
macro_rules! words {
    ($($name:ident: $($word:literal)|+;)+) => {$(
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name(pub String);

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                const WORDS: &[&str] = &[$($word),+];
                let given = String::deserialize(from)?;
                match WORDS.contains(&given.as_str()) {
                    true => Ok(Self(given)),
                    false => Err(<D::Error as serde::de::Error>::unknown_variant(&given, WORDS)),
                }
            }
        }
    )+};
}
pub(crate) use words;

/// `metadata` as it is given; merged key by key.
#[derive(Clone, Debug, Default)]
pub struct Given(Option<Vec<(String, String)>>);

impl Given {
    /// Into what is there: an empty value unsets its key, an empty hash all.
    pub fn merge(self, into: &mut Metadata) -> Answer<()> {
        let Some(given) = self.0 else { return Ok(()) };
        if given.is_empty() {
            into.clear();
        }
        for (key, text) in given {
            match text.is_empty() {
                true => drop(into.remove(&key)),
                false => drop(into.insert(key, text)),
            }
        }
        match into.len() {
            0..=50 => Ok(()),
            _ => Err(Refusal::invalid("Metadata can have up to 50 keys.").at("metadata")),
        }
    }

    /// As the metadata of something new.
    pub fn fresh(self) -> Answer<Metadata> {
        let mut all = Metadata::new();
        self.merge(&mut all)?;
        Ok(all)
    }
}

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Vec<(String, String)>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("metadata")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some(key) = map.next_key::<String>()? {
                    let long = key.len() > 40;
                    let MetadataText(text) = map.next_value_seed(MetadataSeed(long))?;
                    all.push((key, text));
                }
                Ok(all)
            }
        }
        from.deserialize_map(Pairs).map(|pairs| Self(Some(pairs)))
    }
}

struct MetadataText(String);
struct MetadataSeed(bool);

impl<'de> DeserializeSeed<'de> for MetadataSeed {
    type Value = MetadataText;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<MetadataText, D::Error> {
        let text = Option::<String>::deserialize(from).ok();
        match text.map(Option::unwrap_or_default) {
            Some(text) if text.is_empty() || (!self.0 && text.chars().count() <= 500) => {
                Ok(MetadataText(text))
            }
            _ => {
                Err(de::Error::custom("Metadata keys may be up to 40 characters long and values up to 500."))
            }
        }
    }
}

/// What is wrong, and at which parameter: innermost name first.
#[derive(Debug)]
struct Mistake {
    path: Vec<String>,
    code: Option<&'static str>,
    /// `{name}` stands for the full name.
    message: String,
}

impl Mistake {
    fn of(message: impl Into<String>) -> Self {
        Self { path: Vec::new(), code: None, message: message.into() }
    }

    fn inside(mut self, name: &str) -> Self {
        self.path.push(name.to_owned());
        self
    }

    fn refusal(self, at: &str) -> Refusal {
        let mut name = at.to_owned();
        for part in self.path.iter().rev() {
            name = if name.is_empty() { part.clone() } else { format!("{name}[{part}]") };
        }
        let refusal = Refusal::invalid(self.message.replace("{name}", &name)).at(name);
        Refusal { code: self.code, ..refusal }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Mistake {}

impl de::Error for Mistake {
    fn custom<T: fmt::Display>(message: T) -> Self {
        let message = message.to_string();
        let code = (message == NO_URL).then_some("url_invalid");
        Self { path: Vec::new(), code, message }
    }

    fn unknown_field(field: &str, _: &'static [&'static str]) -> Self {
        let message = "Received unknown parameter: {name}".to_owned();
        Self { path: vec![field.to_owned()], code: Some("parameter_unknown"), message }
    }

    fn missing_field(field: &'static str) -> Self {
        missing().inside(field)
    }

    fn unknown_variant(_: &str, words: &'static [&'static str]) -> Self {
        Self::of(format!("Invalid {{name}}: must be one of {}", words.join(", ")))
    }
}

fn missing() -> Mistake {
    let message = "Missing required param: {name}.".to_owned();
    Mistake { path: Vec::new(), code: Some("parameter_missing"), message }
}

const NO_URL: &str = "Not a valid URL";

/// An address of the web.
#[derive(Clone, Debug)]
pub struct WebUrl(pub String);

impl<'de> Deserialize<'de> for WebUrl {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let url = String::deserialize(from)?;
        match url.starts_with("https://") || url.starts_with("http://") {
            true => Ok(Self(url)),
            false => Err(de::Error::custom(NO_URL)),
        }
    }
}

struct Reader(Node);

impl Reader {
    fn text(self, what: &str) -> Result<String, Mistake> {
        match self.0 {
            Node::Text(text) => Ok(text),
            Node::Map(_) => Err(Mistake::of(format!("Invalid {what}: {{}}"))),
        }
    }
}

macro_rules! numbers {
    ($($method:ident)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
            let text = self.text("integer")?;
            let number = text.parse::<i64>().ok().filter(|n| (-LARGEST..=LARGEST).contains(n));
            let broken = || Mistake {
                code: Some("parameter_invalid_integer"),
                ..Mistake::of(format!("Invalid integer: {}", shown(&text)))
            };
            visitor.visit_i64(number.ok_or_else(broken)?)
        }
    )+};
}

impl<'de> Deserializer<'de> for Reader {
    type Error = Mistake;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match self.0 {
            Node::Text(_) => self.deserialize_string(visitor),
            Node::Map(_) => self.deserialize_map(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match &self.0 {
            Node::Text(text) if text.is_empty() => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match self.text("boolean")?.as_str() {
            "true" | "1" => visitor.visit_bool(true),
            "false" | "0" => visitor.visit_bool(false),
            other => Err(Mistake::of(format!("Invalid boolean: {}", shown(other)))),
        }
    }

    numbers! { deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8 deserialize_u16
    deserialize_u32 deserialize_u64 }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        let text = self.text("decimal")?;
        let number = text.parse::<f64>().ok().filter(|n| n.is_finite());
        visitor.visit_f64(number.ok_or_else(|| Mistake::of(format!("Invalid decimal: {}", shown(&text))))?)
    }

    /// An empty text is as good as none; where it unsets something, the field is an option.
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match self.text("string")? {
            text if text.chars().count() > 5000 => {
                Err(Mistake::of("Invalid string: must be at most 5000 characters."))
            }
            text if text.is_empty() => Err(missing()),
            text => visitor.visit_string(text),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.deserialize_string(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        let broken = || Mistake::of("Invalid array");
        let mut left = match self.0 {
            Node::Map(left) => left,
            Node::Text(text) if text.is_empty() => Vec::new(),
            Node::Text(_) => return Err(broken()),
        };
        if left.iter().any(|(key, _)| key.parse::<u32>().is_err()) {
            return Err(broken());
        }
        left.sort_by_key(|(key, _)| key.parse().unwrap_or(u32::MAX));
        visitor.visit_seq(Fields { left: left.into_iter(), value: None })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        let left = match self.0 {
            Node::Map(left) => left,
            Node::Text(text) if text.is_empty() => Vec::new(),
            Node::Text(_) => return Err(Mistake::of("Invalid object")),
        };
        visitor.visit_map(Fields { left: left.into_iter(), value: None })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        self.deserialize_map(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        visitor.visit_enum(self.text("string")?.into_deserializer())
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i128 u128 f32 char bytes byte_buf unit unit_struct tuple tuple_struct identifier
    }
}

/// The fields of a hash or the elements of an array.
struct Fields {
    left: vec::IntoIter<(String, Node)>,
    value: Option<(String, Node)>,
}

impl<'de> MapAccess<'de> for Fields {
    type Error = Mistake;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Mistake> {
        let Some((name, node)) = self.left.next() else { return Ok(None) };
        let key = seed.deserialize(IntoDeserializer::<Mistake>::into_deserializer(name.as_str()))?;
        self.value = Some((name, node));
        Ok(Some(key))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Mistake> {
        let (name, node) = self.value.take().expect("a value is asked for after its key");
        seed.deserialize(Reader(node)).map_err(|mistake| mistake.inside(&name))
    }
}

impl<'de> SeqAccess<'de> for Fields {
    type Error = Mistake;

    fn next_element_seed<E: DeserializeSeed<'de>>(&mut self, seed: E) -> Result<Option<E::Value>, Mistake> {
        let Some((name, node)) = self.left.next() else { return Ok(None) };
        seed.deserialize(Reader(node)).map(Some).map_err(|mistake| mistake.inside(&name))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::form, *};

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Item {
        price: String,
        quantity: Option<Int<0, 100>>,
    }

    words! { Colour: "red" | "green"; }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Request {
        customer: String,
        #[serde(default)]
        items: Vec<Item>,
        #[serde(default)]
        description: Patch<String>,
        colour: Option<Colour>,
        at: Option<Instant>,
        #[serde(default)]
        metadata: Given,
    }

    fn request(encoded: &str) -> Answer<Request> {
        read("", form::parse(encoded.as_bytes()).unwrap())
    }

    #[test]
    fn a_request_is_read_whole() {
        let it = request(
            "customer=c&items[1][price]=b&items[0][price]=a&items[0][quantity]=2&description=&metadata[k]=v",
        )
        .unwrap();

        let items: Vec<_> =
            it.items.iter().map(|item| (item.price.as_str(), item.quantity.map(|n| n.0))).collect();
        assert_eq!((it.customer.as_str(), items), ("c", vec![("a", Some(2)), ("b", None)]));
        assert_eq!((it.description, it.colour, it.at.map(|at| at.0)), (Patch::Clear, None, None));
        assert_eq!(it.metadata.fresh().unwrap()["k"], "v");
    }

    #[test]
    fn what_does_not_fit_is_named_in_full() {
        for (form, code, param, message) in [
            ("items=", Some("parameter_missing"), "customer", "Missing required param: customer."),
            ("customer=", Some("parameter_missing"), "customer", "Missing required param: customer."),
            (
                "customer=c&items[0][colour]=red",
                Some("parameter_unknown"),
                "items[0][colour]",
                "Received unknown parameter: items[0][colour]",
            ),
            (
                "customer=c&items[0][quantity]=1",
                Some("parameter_missing"),
                "items[0][price]",
                "Missing required param: items[0][price].",
            ),
            (
                "customer=c&items[0][price]=p&items[0][quantity]=x",
                Some("parameter_invalid_integer"),
                "items[0][quantity]",
                "Invalid integer: x",
            ),
            (
                "customer=c&items[0][price]=p&items[0][quantity]=101",
                None,
                "items[0][quantity]",
                "Invalid value for items[0][quantity]: must be between 0 and 100.",
            ),
            ("customer=c&colour=blue", None, "colour", "Invalid colour: must be one of red, green"),
            ("customer=c&at=-1", None, "at", "Invalid timestamp."),
            ("customer=c&items=x", None, "items", "Invalid array"),
            ("customer=c&items[0]=x", None, "items[0]", "Invalid object"),
        ] {
            let refusal = request(form).unwrap_err();
            assert_eq!((refusal.code, refusal.param.as_deref()), (code, Some(param)), "{form}");
            assert_eq!(refusal.message, message);
        }
    }
}
