//! The slug of an organisation: its part of a URL, made from its name.

/// Words that are, or may become, part of a URL where a slug is.
const RESERVED: &[&str] = &["new", "create", "edit", "delete", "settings", "billing", "admin", "all"];

/// In the order to try: `acme`, `acme-2` … `acme-9`, then with something nobody else has.
pub fn candidates(name: &str) -> impl Iterator<Item = String> {
    let base = base(name);
    let numbered = base.clone();
    let unique = format!("{base}-{}", &uuid::Uuid::now_v7().simple().to_string()[20..]);
    let plain = (!RESERVED.contains(&base.as_str())).then_some(base);
    plain.into_iter().chain((2..10).map(move |n| format!("{numbered}-{n}"))).chain([unique])
}

/// Whether part of a URL can be a slug at all; if not, it is not looked up.
pub fn could_be(word: &str) -> bool {
    word.len() <= 64 && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Lower case, ASCII, hyphens between words, at most 40 characters; `org` if nothing is left.
fn base(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        let plain = fold(c);
        match plain.is_empty() {
            false => slug.push_str(plain.as_str()),
            true if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            true => {}
        }
    }
    slug.truncate(40);
    let slug = slug.trim_matches('-');
    if slug.is_empty() { "org".into() } else { slug.into() }
}

/// The letters people expect; anything else separates words.
fn fold(c: char) -> String {
    match c {
        'a'..='z' | '0'..='9' => c.into(),
        'ä' | 'æ' => "ae".into(),
        'ö' | 'ø' | 'œ' => "oe".into(),
        'ü' => "ue".into(),
        'ß' => "ss".into(),
        'à' | 'á' | 'â' | 'ã' | 'å' => "a".into(),
        'ç' => "c".into(),
        'è' | 'é' | 'ê' | 'ë' => "e".into(),
        'ì' | 'í' | 'î' | 'ï' => "i".into(),
        'ñ' => "n".into(),
        'ò' | 'ó' | 'ô' | 'õ' => "o".into(),
        'ù' | 'ú' | 'û' => "u".into(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::candidates;

    #[test]
    fn a_name_becomes_a_word_for_urls() {
        for (name, slug) in [
            ("Acme Anvils Ltd.", "acme-anvils-ltd"),
            ("  Größe & Söhne  ", "groesse-soehne"),
            ("Café São João", "cafe-sao-joao"),
            ("株式会社", "org"),
            ("../../etc", "etc"),
            ("New", "new-2"),
        ] {
            assert_eq!(candidates(name).next().unwrap(), slug, "{name}");
        }
    }

    #[test]
    fn a_taken_word_gets_a_number_and_in_the_end_something_unique() {
        let all: Vec<_> = candidates("Acme").collect();

        assert_eq!(&all[..3], ["acme", "acme-2", "acme-3"]);
        assert!(all.last().unwrap().len() > "acme-99".len());
    }
}
