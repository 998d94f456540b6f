//! Values that mean the same on both engines.
pub use sqlx::types::Json;
use sqlx::{Decode, Encode, Postgres, Sqlite, Type, encode::IsNull, error::BoxDynError};
use time::{Duration, OffsetDateTime};

/// An instant in UTC to the microsecond: `timestamptz` on Postgres, integer microseconds on
/// SQLite, because sqlx's text form sorts `…00.5Z` before `…00Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct At(OffsetDateTime);

impl At {
    /// Cut to the microsecond, so that a value equals itself after a round trip.
    pub fn new(instant: OffsetDateTime) -> Self {
        Self(instant.replace_nanosecond(instant.nanosecond() / 1000 * 1000).unwrap_or(instant))
    }

    /// From unix seconds that others sent. What is before 1970 or after 2999 is held at that end: both
    /// engines keep what lies between, and a deadline can be added to it.
    pub fn from_unix(seconds: i64) -> Self {
        const LAST: i64 = 32_503_679_999;
        let held = OffsetDateTime::from_unix_timestamp(seconds.clamp(0, LAST));
        Self(held.expect("these are years that the type has"))
    }

    pub fn unix(self) -> i64 {
        self.0.unix_timestamp()
    }

    pub fn micros(self) -> i64 {
        (self.0.unix_timestamp_nanos() / 1000) as i64
    }

    pub fn utc(self) -> OffsetDateTime {
        self.0
    }
}

impl std::ops::Add<Duration> for At {
    type Output = At;
    fn add(self, span: Duration) -> At {
        At(self.0 + span)
    }
}

impl std::ops::Sub<Duration> for At {
    type Output = At;
    fn sub(self, span: Duration) -> At {
        At(self.0 - span)
    }
}

impl Type<Sqlite> for At {
    fn type_info() -> sqlx::sqlite::SqliteTypeInfo {
        <i64 as Type<Sqlite>>::type_info()
    }
    fn compatible(info: &sqlx::sqlite::SqliteTypeInfo) -> bool {
        <i64 as Type<Sqlite>>::compatible(info)
    }
}

impl<'q> Encode<'q, Sqlite> for At {
    fn encode_by_ref(
        &self,
        buffer: &mut Vec<sqlx::sqlite::SqliteArgumentValue<'q>>,
    ) -> Result<IsNull, BoxDynError> {
        <i64 as Encode<Sqlite>>::encode(self.micros(), buffer)
    }
}

impl<'r> Decode<'r, Sqlite> for At {
    fn decode(value: sqlx::sqlite::SqliteValueRef<'r>) -> Result<Self, BoxDynError> {
        let micros = <i64 as Decode<Sqlite>>::decode(value)?;
        Ok(At(OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000)?))
    }
}

impl Type<Postgres> for At {
    fn type_info() -> sqlx::postgres::PgTypeInfo {
        <OffsetDateTime as Type<Postgres>>::type_info()
    }
}

impl<'q> Encode<'q, Postgres> for At {
    fn encode_by_ref(&self, buffer: &mut sqlx::postgres::PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        <OffsetDateTime as Encode<Postgres>>::encode(self.0, buffer)
    }
}

impl<'r> Decode<'r, Postgres> for At {
    fn decode(value: sqlx::postgres::PgValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(At(<OffsetDateTime as Decode<Postgres>>::decode(value)?))
    }
}

/// What is kept of a text from outside: at most so many characters, and no NUL, which Postgres refuses.
pub fn kept(text: &str, most: usize) -> String {
    text.chars().filter(|c| *c != '\0').take(most).collect()
}

/// An enum kept as a word in a text column, the same word in forms and logs.
#[macro_export]
macro_rules! text_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$vmeta])* $variant),+ }

        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }
        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(word: &str) -> std::result::Result<Self, String> {
                match word {
                    $($text => Ok(Self::$variant),)+
                    other => Err(format!(concat!("not a ", stringify!($name), ": {}"), other)),
                }
            }
        }
        impl<DB: sqlx::Database> sqlx::Type<DB> for $name where &'static str: sqlx::Type<DB> {
            fn type_info() -> DB::TypeInfo { <&'static str as sqlx::Type<DB>>::type_info() }
            fn compatible(info: &DB::TypeInfo) -> bool { <&'static str as sqlx::Type<DB>>::compatible(info) }
        }
        impl<'q, DB: sqlx::Database> sqlx::Encode<'q, DB> for $name where &'q str: sqlx::Encode<'q, DB> {
            fn encode_by_ref(&self, buffer: &mut DB::ArgumentBuffer<'q>) -> std::result::Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
                <&'q str as sqlx::Encode<'q, DB>>::encode(self.as_str(), buffer)
            }
        }
        impl<'r, DB: sqlx::Database> sqlx::Decode<'r, DB> for $name where &'r str: sqlx::Decode<'r, DB> {
            fn decode(value: DB::ValueRef<'r>) -> std::result::Result<Self, sqlx::error::BoxDynError> {
                Ok(<&'r str as sqlx::Decode<'r, DB>>::decode(value)?.parse::<Self>()?)
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::{At, kept};

    #[test]
    fn an_instant_from_outside_is_one_that_both_engines_keep() {
        for (seconds, year) in [(i64::MIN, 1970), (-377_705_116_800, 1970), (0, 1970), (i64::MAX, 2999)] {
            assert_eq!(At::from_unix(seconds).utc().year(), year);
        }
    }

    #[test]
    fn a_text_from_outside_is_kept_without_nul_and_cut_between_characters() {
        assert_eq!(kept("a\0bäc", 3), "abä");
    }

    #[test]
    fn an_instant_survives_a_round_trip_through_microseconds() {
        let at = At::new(time::macros::datetime!(2026-11-24 10:00:00.123456789 UTC));

        assert_eq!(at.micros() % 1_000_000, 123_456);
        assert_eq!(At::from_unix(at.unix()).unix(), at.unix());
    }
}
