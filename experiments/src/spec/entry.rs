//! Entries of lists: a bare name, or a single-key map of a name and its parameters.

use super::arrivals::ArrivalsText;
use super::fault::expected;
use super::located::At;
use runtime::registry::Value;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// What stands after a name: parameters with one or more values each, in the file's order.
pub type GivenParameters = Vec<(At<String>, Values)>;

/// `heft`, `heft: {insertion: true}`, `file: graph.json`, `trace: run.jsonl.gz` or
/// `arrivals: {...}`.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The name, or `file`, `trace` or `arrivals`.
    pub name: At<String>,
    /// What follows it.
    pub argument: Argument,
}

/// What follows the name of an [`Entry`].
#[derive(Clone, Debug, PartialEq)]
pub enum Argument {
    /// Nothing.
    None,
    /// A path.
    Path(At<String>),
    /// Parameters.
    Parameters(GivenParameters),
    /// Graphs that arrive over time; only workloads have any use for them.
    Arrivals(At<Box<ArrivalsText>>),
}

/// One value, or a list of values that makes one entry each.
#[derive(Clone, Debug, PartialEq)]
pub struct Values(pub Vec<At<Scalar>>);

/// A value of a parameter or an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Scalar(pub Value);

/// A list of entries, or `all`.
#[derive(Clone, Debug, PartialEq)]
pub enum Entries<T> {
    /// Everything that is registered.
    All(At<()>),
    /// What is listed.
    Listed(Vec<T>),
}

impl<T> Entries<T> {
    /// The listed entries; none for [`Entries::All`].
    pub fn listed(&self) -> &[T] {
        match self {
            Self::All(_) => &[],
            Self::Listed(list) => list,
        }
    }
}

/// Keys whose value is a path.
pub(super) fn is_path(key: &str) -> bool {
    key == "file" || key == "trace"
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let At { value, span } = At::<Bare>::deserialize(deserializer)?;
        Ok(match value {
            Bare::Word(word) => Self { name: At::new(word, span), argument: Argument::None },
            Bare::Map(entry) => entry,
        })
    }
}

enum Bare {
    Word(String),
    Map(Entry),
}

impl<'de> Deserialize<'de> for Bare {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BareVisitor;
        impl<'de> Visitor<'de> for BareVisitor {
            type Value = Bare;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name, or a name with its parameters as in `heft: {insertion: true}`")
            }

            fn visit_str<E>(self, word: &str) -> Result<Bare, E> {
                Ok(Bare::Word(word.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Bare, A::Error> {
                let name: At<String> = single_key(&mut map)?;
                let argument = match name.value.as_str() {
                    "arrivals" => Argument::Arrivals(At::new(map.next_value()?, name.span)),
                    key if is_path(key) => Argument::Path(map.next_value()?),
                    _ => Argument::Parameters(map.next_value::<Given>()?.0),
                };
                no_second_key(&mut map)?;
                Ok(Bare::Map(Entry { name, argument }))
            }
        }
        deserializer.deserialize_any(BareVisitor)
    }
}

/// The only key of a map.
pub(super) fn single_key<'de, A: MapAccess<'de>>(map: &mut A) -> Result<At<String>, A::Error> {
    map.next_key()?.ok_or_else(|| A::Error::custom("this map is empty; a name is expected in it"))
}

pub(super) fn no_second_key<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    match map.next_key::<At<String>>()? {
        None => Ok(()),
        Some(key) => Err(expected(
            format!("an entry has one name, and `{}` is a second one", key.value),
            "one name, with its parameters in braces: `- name: {parameter: value}`",
        )),
    }
}

/// A map of parameters; nothing at all counts as an empty one.
pub(super) struct Given(pub GivenParameters);

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct GivenVisitor;
        impl<'de> Visitor<'de> for GivenVisitor {
            type Value = Given;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("parameters in braces, as in `{insertion: true}`")
            }

            fn visit_unit<E>(self) -> Result<Given, E> {
                Ok(Given(Vec::new()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Given, A::Error> {
                let mut given = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    given.push(entry);
                }
                Ok(Given(given))
            }
        }
        deserializer.deserialize_any(GivenVisitor)
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ScalarVisitor;
        impl Visitor<'_> for ScalarVisitor {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value: a number, a word, true or false")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Scalar, E> {
                Ok(Scalar(Value::Bool(value)))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Scalar, E> {
                Ok(Scalar(Value::Int(value)))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Scalar, E> {
                Ok(Scalar(i64::try_from(value).map_or(Value::Float(value as f64), Value::Int)))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Scalar, E> {
                Ok(Scalar(Value::Float(value)))
            }

            fn visit_str<E>(self, value: &str) -> Result<Scalar, E> {
                Ok(Scalar(Value::Text(value.to_owned())))
            }
        }
        deserializer.deserialize_any(ScalarVisitor)
    }
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match At::<OneOrMore>::deserialize(deserializer)? {
            At { value: OneOrMore::One(value), span } => Self(vec![At::new(value, span)]),
            At { value: OneOrMore::More(list), .. } => Self(list),
        })
    }
}

enum OneOrMore {
    One(Scalar),
    More(Vec<At<Scalar>>),
}

impl<'de> Deserialize<'de> for OneOrMore {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValuesVisitor;
        impl<'de> Visitor<'de> for ValuesVisitor {
            type Value = OneOrMore;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value or a list of values")
            }

            fn visit_bool<E>(self, value: bool) -> Result<OneOrMore, E> {
                Ok(OneOrMore::One(Scalar(Value::Bool(value))))
            }

            fn visit_i64<E>(self, value: i64) -> Result<OneOrMore, E> {
                Ok(OneOrMore::One(Scalar(Value::Int(value))))
            }

            fn visit_f64<E>(self, value: f64) -> Result<OneOrMore, E> {
                Ok(OneOrMore::One(Scalar(Value::Float(value))))
            }

            fn visit_str<E>(self, value: &str) -> Result<OneOrMore, E> {
                Ok(OneOrMore::One(Scalar(Value::Text(value.to_owned()))))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<OneOrMore, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = seq.next_element()? {
                    list.push(item);
                }
                match list.is_empty() {
                    true => Err(A::Error::custom("this list of values is empty")),
                    false => Ok(OneOrMore::More(list)),
                }
            }
        }
        deserializer.deserialize_any(ValuesVisitor)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for EntriesVisitor<T> {
            type Value = Option<Vec<T>>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list (each entry begins with `- `), or `all`")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<Self::Value, E> {
                match word {
                    "all" => Ok(None),
                    _ => Err(expected(
                        format!("`{word}` stands alone"),
                        format!("a list, as in `[{word}]`, or `all`"),
                    )),
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = seq.next_element()? {
                    list.push(item);
                }
                Ok(Some(list))
            }
        }
        struct Unlocated<T>(Option<Vec<T>>);
        impl<'de, T: Deserialize<'de>> Deserialize<'de> for Unlocated<T> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(EntriesVisitor(PhantomData)).map(Self)
            }
        }
        let At { value, span } = At::<Unlocated<T>>::deserialize(deserializer)?;
        Ok(match value.0 {
            None => Self::All(At::new((), span)),
            Some(list) => Self::Listed(list),
        })
    }
}
