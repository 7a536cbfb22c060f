//! Nodes to typed values through serde, with every mistake told and not only the first.
//!
//! Serde stops at the first error. [`read`] reports it, cuts the node it belongs to out of the
//! tree and reads again, until nothing is wrong any more; the types are ordinary derived ones.

use super::fault::{Fault, FaultKind, described};
use super::located::MARKER;
use super::yaml::{Content, Key, Node};
use crate::mistake::{Mistake, Mistakes, Source, Span};
use serde::de::value::{StrDeserializer, U64Deserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer,
    MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor,
};
use std::collections::BTreeSet;
use std::sync::Arc;

/// More mistakes than this are not looked for.
const MAX_MISTAKES: usize = 200;

/// Reads a tree as a `T`.
///
/// Mistakes are added to `mistakes`; what is returned in their presence lacks the wrong parts, so
/// that what is left can be checked further. `None` when nothing can be made of it.
pub fn read<T: DeserializeOwned>(
    source: &Arc<Source>,
    root: &Node,
    mistakes: &mut Mistakes,
) -> Option<T> {
    let mut pruned = BTreeSet::new();
    for _ in 0..MAX_MISTAKES {
        let fault = match T::deserialize(Reader { node: root, pruned: &pruned }) {
            Ok(value) => return Some(value),
            Err(fault) => fault,
        };
        let at = fault.node.unwrap_or(root.id);
        let place = find(root, at)?;
        if !is_consequence(place, &fault.kind, &pruned) {
            mistakes.push(mistake(source, place, &fault.kind));
        }
        if at == root.id {
            return None;
        }
        pruned.insert(at);
    }
    None
}

/// A node or a key of the tree.
#[derive(Clone, Copy)]
enum Place<'a> {
    Node(&'a Node),
    Key(&'a Key),
}

fn find(node: &Node, id: u32) -> Option<Place<'_>> {
    if node.id == id {
        return Some(Place::Node(node));
    }
    match &node.value {
        Content::List(list) => list.iter().find_map(|n| find(n, id)),
        Content::Map(map) => map.iter().find_map(|(key, value)| match key.id == id {
            true => Some(Place::Key(key)),
            false => find(value, id),
        }),
        _ => None,
    }
}

/// Whether a fault only follows from one that was told already: a key that is missing because its
/// value was wrong, a list or map that is refused for want of its wrong part.
fn is_consequence(place: Place<'_>, kind: &FaultKind, pruned: &BTreeSet<u32>) -> bool {
    let Place::Node(node) = place else { return false };
    let is_pruned =
        |(key, value): &(Key, Node)| pruned.contains(&key.id) || pruned.contains(&value.id);
    match (kind, &node.value) {
        (FaultKind::Missing { field }, Content::Map(map)) => {
            map.iter().any(|entry| entry.0.text == *field && is_pruned(entry))
        }
        (_, Content::Map(map)) => map.iter().any(is_pruned),
        (_, Content::List(list)) => list.iter().any(|item| pruned.contains(&item.id)),
        _ => false,
    }
}

fn mistake(source: &Arc<Source>, place: Place<'_>, kind: &FaultKind) -> Mistake {
    let (span, found) = match place {
        Place::Node(node) => (node.span, described(node)),
        Place::Key(key) => (key.span, format!("the key `{}`", key.text)),
    };
    match kind {
        FaultKind::Custom { message, expected } if expected.is_empty() => {
            Mistake::new(source, span, message)
        }
        FaultKind::Custom { message, expected } => {
            Mistake::new(source, span, message).help(format!("expected {expected}"))
        }
        FaultKind::Type { expected } => {
            let message = format!("expected {expected}, found {found}");
            Mistake::new(source, span, message).label(format!("expected {expected}"))
        }
        FaultKind::Missing { field } => {
            Mistake::new(source, span, format!("the key `{field}` is missing"))
                .label(format!("`{field}: ...` is needed here"))
        }
        FaultKind::UnknownKey { key, known } => {
            let message = format!("there is no key `{key}` here");
            Mistake::new(source, span, message).expected_names(key, known.iter().copied())
        }
        FaultKind::UnknownWord { word, known } => {
            let message = format!("`{word}` is none of the words that can stand here");
            Mistake::new(source, span, message).expected_names(word, known.iter().copied())
        }
    }
}

/// Serde's view of a node without the pruned ones.
#[derive(Clone, Copy)]
struct Reader<'a> {
    node: &'a Node,
    pruned: &'a BTreeSet<u32>,
}

impl<'a> Reader<'a> {
    fn child(&self, node: &'a Node) -> Self {
        Self { node, pruned: self.pruned }
    }

    /// Reads the node as a `T`; what a type finds wrong with it belongs to the node too.
    fn seed<'de, T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        seed.deserialize(self).map_err(|fault| fault.at(self.node.id))
    }

    fn is_kept(&self, node: &Node) -> bool {
        !self.pruned.contains(&node.id)
    }
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let result = match &self.node.value {
            Content::Null => visitor.visit_unit(),
            Content::Bool(value) => visitor.visit_bool(*value),
            Content::Int(value) => visitor.visit_i64(*value),
            Content::Large(value) => visitor.visit_u64(*value),
            Content::Float(value) if !value.is_finite() => {
                let expected = "a finite number".to_owned();
                Err(Fault::new(FaultKind::Type { expected }))
            }
            Content::Float(value) => visitor.visit_f64(*value),
            Content::Text(text) => visitor.visit_str(text),
            Content::List(list) => visitor.visit_seq(Items { reader: self, items: list.iter() }),
            Content::Map(map) => {
                visitor.visit_map(Entries { reader: self, entries: map.iter(), value: None })
            }
        };
        result.map_err(|fault| fault.at(self.node.id))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.node.value {
            Content::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match name == MARKER {
            true => visitor.visit_seq(Located::new(self.node.span, Inner::Node(self))),
            false => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let result = match &self.node.value {
            Content::Text(_) => visitor.visit_enum(Variant { reader: self, entry: None }),
            Content::Map(map) if map.len() == 1 && self.is_kept(&map[0].1) => {
                visitor.visit_enum(Variant { reader: self, entry: Some(&map[0]) })
            }
            _ => {
                let expected = format!("one of: {}", words.join(", "));
                Err(Fault::new(FaultKind::Type { expected }))
            }
        };
        result.map_err(|fault| fault.at(self.node.id))
    }

    /// A list of fields in order, which derived types accept too, is not what anybody means.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.node.value {
            Content::List(_) => {
                let fault = <Fault as Error>::invalid_type(Unexpected::Seq, &visitor);
                Err(fault.at(self.node.id))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

struct Items<'a> {
    reader: Reader<'a>,
    items: std::slice::Iter<'a, Node>,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        let reader = self.reader;
        let next = self.items.find(|node| reader.is_kept(node));
        next.map(|node| reader.child(node).seed(seed)).transpose()
    }
}

struct Entries<'a> {
    reader: Reader<'a>,
    entries: std::slice::Iter<'a, (Key, Node)>,
    value: Option<&'a Node>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        let Reader { pruned, .. } = self.reader;
        let is_kept = |e: &&(Key, Node)| !pruned.contains(&e.0.id) && !pruned.contains(&e.1.id);
        let Some((key, value)) = self.entries.find(is_kept) else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(KeyReader(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let value = self
            .value
            .take()
            .ok_or_else(|| <Fault as Error>::custom("a value is asked for before its key"))?;
        self.reader.child(value).seed(seed)
    }
}

/// Serde's view of a key.
#[derive(Clone, Copy)]
struct KeyReader<'a>(&'a Key);

impl<'de> Deserializer<'de> for KeyReader<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_str(&self.0.text).map_err(|fault: Fault| fault.at(self.0.id))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match name == MARKER {
            true => visitor.visit_seq(Located::new(self.0.span, Inner::Key(self))),
            false => visitor.visit_newtype_struct(self),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[derive(Clone, Copy)]
enum Inner<'a> {
    Node(Reader<'a>),
    Key(KeyReader<'a>),
}

/// The three parts of a [`super::At`]: start, end, value.
struct Located<'a> {
    span: Span,
    inner: Inner<'a>,
    next: u8,
}

impl<'a> Located<'a> {
    fn new(span: Span, inner: Inner<'a>) -> Self {
        Self { span, inner, next: 0 }
    }
}

impl<'de> SeqAccess<'de> for Located<'_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        let number = |n: usize| -> U64Deserializer<Fault> { (n as u64).into_deserializer() };
        self.next += 1;
        match (self.next, self.inner) {
            (1, _) => seed.deserialize(number(self.span.start)).map(Some),
            (2, _) => seed.deserialize(number(self.span.end)).map(Some),
            (3, Inner::Node(reader)) => reader.seed(seed).map(Some),
            (3, Inner::Key(key)) => seed.deserialize(key).map(Some),
            _ => Ok(None),
        }
    }
}

/// A word, or a word with something after it (`fixed: 5 us`).
struct Variant<'a> {
    reader: Reader<'a>,
    entry: Option<&'a (Key, Node)>,
}

impl<'de, 'a> EnumAccess<'de> for Variant<'a> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        let (word, id) = match (self.entry, &self.reader.node.value) {
            (Some((key, _)), _) => (key.text.as_str(), key.id),
            (None, Content::Text(text)) => (text.as_str(), self.reader.node.id),
            _ => ("", self.reader.node.id),
        };
        let word: StrDeserializer<'_, Fault> = word.into_deserializer();
        Ok((seed.deserialize(word).map_err(|fault| fault.at(id))?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        match self.entry {
            None => Ok(()),
            Some((key, value)) => {
                let message = format!("nothing can follow `{}`", key.text);
                Err(<Fault as Error>::custom(message).at(value.id))
            }
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        match (self.entry, &self.reader.node.value) {
            (Some((_, value)), _) => self.reader.child(value).seed(seed),
            (None, Content::Text(word)) => {
                let message = format!("a value must follow `{word}`, as in `{word}: ...`");
                Err(<Fault as Error>::custom(message).at(self.reader.node.id))
            }
            _ => Err(<Fault as Error>::custom("a value must follow")),
        }
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.struct_variant(&[], visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.entry {
            Some((_, value)) => self.reader.child(value).deserialize_any(visitor),
            None => self.reader.deserialize_any(visitor),
        }
    }
}
