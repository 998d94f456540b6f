//! Stripe's form bodies: names with brackets, read into hashes and texts.
use crate::refusal::{Answer, Refusal};

/// Deeper than anything Stripe takes.
const DEEPEST: usize = 8;
/// More than any request of Stripe's has.
const MOST: usize = 1000;
/// Longer than any name of Stripe's.
const LONGEST_NAME: usize = 500;

#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    Text(String),
    Map(Vec<(String, Node)>),
}

/// All of it, in the order it was sent.
pub fn parse(encoded: &[u8]) -> Answer<Vec<(String, Node)>> {
    readable(encoded)?;
    let mut top = Vec::new();
    for (n, (key, value)) in url::form_urlencoded::parse(encoded).enumerate() {
        if n == MOST {
            return Err(Refusal::invalid("Too many parameters."));
        }
        let path = segments(&key)?;
        insert(&mut top, &path, value.into_owned()).ok_or_else(|| {
            Refusal::invalid(format!("Invalid parameters: {key} stands for two things")).at(key.to_string())
        })?;
    }
    Ok(top)
}

/// Text, that is: UTF-8 without null bytes.
fn readable(encoded: &[u8]) -> Answer<()> {
    let any = |is: fn(&str) -> bool| {
        url::form_urlencoded::parse(encoded).any(|(key, value)| is(&key) || is(&value))
    };
    if any(|text| text.contains('\0')) {
        return Err(Refusal::invalid("Invalid request: null bytes are not allowed."));
    }
    // Somebody may have typed the very character that stands for broken ones; then its bytes are there.
    let typed = encoded.windows(3).any(|bytes| bytes == "\u{fffd}".as_bytes())
        || encoded.to_ascii_uppercase().windows(9).any(|bytes| bytes == b"%EF%BF%BD");
    match !typed && any(|text| text.contains(char::REPLACEMENT_CHARACTER)) {
        true => Err(Refusal::invalid("Invalid request: it is not valid UTF-8.")),
        false => Ok(()),
    }
}

/// `a[0][b]` → a, 0, b; `a[]` → a, and an empty one for "the next".
fn segments(key: &str) -> Answer<Vec<&str>> {
    let broken = || Refusal::invalid("Invalid parameter name.").at(key.chars().take(100).collect::<String>());
    let (first, mut rest) = key.find('[').map_or((key, ""), |at| key.split_at(at));
    let mut path = vec![first];
    while !rest.is_empty() {
        let (inside, after) = rest.strip_prefix('[').and_then(|r| r.split_once(']')).ok_or_else(broken)?;
        path.push(inside);
        rest = after;
    }
    if first.is_empty() || path.len() > DEEPEST || key.len() > LONGEST_NAME {
        Err(broken())
    } else {
        Ok(path)
    }
}

/// None if a name would be a text and a hash at once.
fn insert(into: &mut Vec<(String, Node)>, path: &[&str], value: String) -> Option<()> {
    let (first, rest) = path.split_first()?;
    let name = if first.is_empty() { next_place(into, rest) } else { (*first).to_owned() };
    let known = into.iter().position(|(key, _)| *key == name);
    match (rest.is_empty(), known) {
        (true, None) => into.push((name, Node::Text(value))),
        (true, Some(at)) => match &mut into[at].1 {
            Node::Text(text) => *text = value, // the last one counts
            Node::Map(_) => return None,
        },
        (false, None) => {
            let mut inner = Vec::new();
            insert(&mut inner, rest, value)?;
            into.push((name, Node::Map(inner)));
        }
        (false, Some(at)) => match &mut into[at].1 {
            Node::Map(inner) => insert(inner, rest, value)?,
            Node::Text(_) => return None,
        },
    }
    Some(())
}

/// Where `a[]` goes: a new place, or the last one while its hash lacks this key.
fn next_place(list: &[(String, Node)], rest: &[&str]) -> String {
    if let (Some((last, Node::Map(inner))), Some(key)) = (list.last(), rest.first())
        && !inner.iter().any(|(k, _)| k == key)
    {
        return last.clone();
    }
    list.len().to_string()
}
