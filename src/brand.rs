//! What the product is called. `bin/rename` changes this line, the package's name, and little else.

/// The name as a literal, for `concat!`.
macro_rules! name {
    () => {
        "Portico"
    };
}
pub(crate) use name;

/// As people read it: on pages and in mails.
pub const NAME: &str = name!();

/// As machines read it: the program, its metadata at Stripe, metrics, database roles. The package's name:
/// lower-case letters, digits and `_`, so that it is an identifier everywhere.
pub const SLUG: &str = env!("CARGO_PKG_NAME");

const _: () = {
    let (slug, mut i) = (SLUG.as_bytes(), 0);
    while i < slug.len() {
        assert!(
            matches!(slug[i], b'a'..=b'z' | b'_') || i > 0 && slug[i].is_ascii_digit(),
            "Cargo.toml: the package's name may have lower-case letters, digits and _ only"
        );
        i += 1;
    }
};
