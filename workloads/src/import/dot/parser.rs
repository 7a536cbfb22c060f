//! Statements of DOT: nodes, edges, defaults and subgraphs.

use super::Fault;
use super::lexer::{Lexer, Token, fault};
use crate::import::numbers::MAX_BYTES;
use runtime::registry::Dimension;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Subgraphs within subgraphs.
const MAX_DEPTH: usize = 64;

/// `{ a b } -> { c d }` is an edge for each pair, so a short text may mean very many.
const MAX_EDGES: usize = 1 << 24;

/// The graph of a text.
#[derive(Debug, Default)]
pub(super) struct Parsed<'t> {
    pub name: Cow<'t, str>,
    pub nodes: Vec<Node<'t>>,
    pub edges: Vec<Edge>,
}

#[derive(Debug)]
pub(super) struct Node<'t> {
    pub name: Cow<'t, str>,
    /// Where it is first named.
    pub at: usize,
    pub attributes: NodeAttributes<'t>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct NodeAttributes<'t> {
    pub cost: Ranked<f64>,
    pub scratch_bytes: Ranked<u64>,
    pub bytes: Option<u64>,
    pub cores: Option<u32>,
    pub kernel: Option<Cow<'t, str>>,
}

#[derive(Clone, Debug)]
pub(super) struct Edge {
    pub from: u32,
    pub to: u32,
    pub bytes: Ranked<u64>,
}

/// A value that several attributes may give; the one of the lowest rank counts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ranked<T> {
    pub value: Option<T>,
    rank: usize,
}

impl<T> Ranked<T> {
    fn set(&mut self, rank: usize, value: T) {
        if self.value.is_none() || rank <= self.rank {
            *self = Self { value: Some(value), rank };
        }
    }
}

/// Defaults of a graph or subgraph; inner ones begin with those of the outer.
#[derive(Clone, Default)]
struct Scope<'t> {
    node: NodeAttributes<'t>,
    edge: Ranked<u64>,
}

/// A key and its value with its place.
type Attribute<'t> = (Cow<'t, str>, Cow<'t, str>, usize);

struct Parser<'t> {
    lexer: Lexer<'t>,
    token: Token<'t>,
    at: usize,
    parsed: Parsed<'t>,
    /// Positions in the list of nodes by name.
    numbers: BTreeMap<Cow<'t, str>, u32>,
    /// Of a strict graph: positions in the list of edges by ends.
    known_edges: Option<BTreeMap<(u32, u32), usize>>,
}

/// Parses a directed graph.
pub(super) fn parse(text: &str) -> Result<Parsed<'_>, Fault> {
    let mut parser = Parser {
        lexer: Lexer::new(text),
        token: Token::End,
        at: 0,
        parsed: Parsed::default(),
        numbers: BTreeMap::new(),
        known_edges: None,
    };
    parser.advance()?;
    if parser.take_word("strict")? {
        parser.known_edges = Some(BTreeMap::new());
    }
    if !parser.take_word("digraph")? {
        let message = match parser.is_word("graph") {
            true => "an undirected graph does not order its tasks; expected `digraph`",
            false => "expected `digraph`",
        };
        return Err(fault(parser.at, message.to_owned()));
    }
    if parser.token != Token::Mark('{') {
        parser.parsed.name = parser.name("the graph's name or `{`")?.0;
    }
    parser.expect('{')?;
    parser.statements(&mut Scope::default(), 0)?;
    match parser.token {
        Token::End => Ok(parser.parsed),
        _ => Err(fault(parser.at, "expected nothing behind the graph".to_owned())),
    }
}

impl<'t> Parser<'t> {
    fn advance(&mut self) -> Result<Token<'t>, Fault> {
        let (token, at) = self.lexer.next()?;
        self.at = at;
        Ok(std::mem::replace(&mut self.token, token))
    }

    fn is_word(&self, keyword: &str) -> bool {
        matches!(self.token, Token::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    fn take_word(&mut self, keyword: &str) -> Result<bool, Fault> {
        let found = self.is_word(keyword);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn take(&mut self, mark: char) -> Result<bool, Fault> {
        let found = self.token == Token::Mark(mark);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn expect(&mut self, mark: char) -> Result<(), Fault> {
        match self.take(mark)? {
            true => Ok(()),
            false => Err(fault(self.at, format!("expected `{mark}`, found {}", self.shown()))),
        }
    }

    fn shown(&self) -> String {
        match &self.token {
            Token::Word(word) => format!("{word:?}"),
            Token::Name(name) => format!("{name:?}"),
            Token::Mark(mark) => format!("`{mark}`"),
            Token::Arrow { directed: true } => "`->`".to_owned(),
            Token::Arrow { directed: false } => "`--`".to_owned(),
            Token::End => "the end of the text".to_owned(),
        }
    }

    /// A name in any spelling, quoted parts joined by `+`; and where it begins.
    fn name(&mut self, expected: &str) -> Result<(Cow<'t, str>, usize), Fault> {
        let at = self.at;
        if !matches!(self.token, Token::Word(_) | Token::Name(_)) {
            return Err(fault(at, format!("expected {expected}, found {}", self.shown())));
        }
        let mut name = match self.advance()? {
            Token::Name(name) => name,
            Token::Word(word) => Cow::Borrowed(word),
            _ => unreachable!("checked above"),
        };
        while self.take('+')? {
            match self.advance()? {
                Token::Name(more) => name.to_mut().push_str(&more),
                _ => return Err(fault(at, "expected a quoted text behind `+`".to_owned())),
            }
        }
        Ok((name, at))
    }

    /// Statements up to the closing brace; returns the nodes named in them.
    fn statements(&mut self, scope: &mut Scope<'t>, depth: usize) -> Result<Vec<u32>, Fault> {
        if depth > MAX_DEPTH {
            return Err(fault(self.at, format!("more than {MAX_DEPTH} subgraphs deep")));
        }
        let mut named = Vec::new();
        while !self.take('}')? {
            if !self.take(';')? && !self.take(',')? {
                named.extend(self.statement(scope, depth)?);
            }
        }
        Ok(named)
    }

    fn statement(&mut self, scope: &mut Scope<'t>, depth: usize) -> Result<Vec<u32>, Fault> {
        for keyword in ["graph", "node", "edge"] {
            if self.take_word(keyword)? {
                for attribute in self.attributes()? {
                    match keyword {
                        "node" => set_node(&mut scope.node, &attribute)?,
                        "edge" => set_edge(&mut scope.edge, &attribute)?,
                        _ => {}
                    }
                }
                return Ok(Vec::new());
            }
        }
        let first = self.operand(scope, depth)?;
        let Some(mut from) = first else { return Ok(Vec::new()) };
        let mut named = from.clone();
        let first_edge = self.parsed.edges.len();
        let mut repeated = Vec::new();
        while let Token::Arrow { directed } = self.token {
            if !directed {
                let message = "`--` does not order its tasks; expected `->`";
                return Err(fault(self.at, message.to_owned()));
            }
            self.advance()?;
            let at = self.at;
            let to = self.operand(scope, depth)?;
            let to = to.ok_or_else(|| fault(at, "expected a node behind `->`".to_owned()))?;
            self.join(&from, &to, scope.edge, &mut repeated)?;
            named.extend(&to);
            from = to;
        }
        let is_edge = first_edge < self.parsed.edges.len() || !repeated.is_empty();
        for attribute in self.attributes()? {
            if is_edge {
                let new = first_edge..self.parsed.edges.len();
                for edge in new.chain(repeated.iter().copied()) {
                    set_edge(&mut self.parsed.edges[edge].bytes, &attribute)?;
                }
            } else {
                for node in &named {
                    set_node(&mut self.parsed.nodes[*node as usize].attributes, &attribute)?;
                }
            }
        }
        Ok(named)
    }

    /// A node or a subgraph: the nodes it stands for. `None` for `key = value`.
    fn operand(&mut self, scope: &mut Scope<'t>, depth: usize) -> Result<Option<Vec<u32>>, Fault> {
        let is_subgraph = self.take_word("subgraph")?;
        if is_subgraph && self.token != Token::Mark('{') {
            self.name("a subgraph's name or `{`")?;
        }
        if is_subgraph || self.token == Token::Mark('{') {
            self.expect('{')?;
            let mut named = self.statements(&mut scope.clone(), depth + 1)?;
            named.sort_unstable();
            named.dedup();
            return Ok(Some(named));
        }
        let (name, at) = self.name("a node, an edge or `}`")?;
        if self.take('=')? {
            self.name("a value")?;
            return Ok(None);
        }
        // Ports say where on a node's outline an edge ends.
        for _ in 0..2 {
            if self.take(':')? {
                self.name("a port")?;
            }
        }
        let next = self.parsed.nodes.len() as u32;
        let number = *self.numbers.entry(name.clone()).or_insert(next);
        if number == next {
            self.parsed.nodes.push(Node { name, at, attributes: scope.node.clone() });
        }
        Ok(Some(vec![number]))
    }

    fn join(
        &mut self,
        from: &[u32],
        to: &[u32],
        bytes: Ranked<u64>,
        repeated: &mut Vec<usize>,
    ) -> Result<(), Fault> {
        if from.len().saturating_mul(to.len()) > MAX_EDGES - self.parsed.edges.len() {
            return Err(fault(self.at, format!("more than {MAX_EDGES} edges")));
        }
        for (from, to) in from.iter().flat_map(|from| to.iter().map(move |to| (*from, *to))) {
            let next = self.parsed.edges.len();
            if let Some(known) = &mut self.known_edges {
                let edge = *known.entry((from, to)).or_insert(next);
                if edge != next {
                    repeated.push(edge);
                    continue;
                }
            }
            self.parsed.edges.push(Edge { from, to, bytes });
        }
        Ok(())
    }

    /// Any number of lists in brackets.
    fn attributes(&mut self) -> Result<Vec<Attribute<'t>>, Fault> {
        let mut attributes = Vec::new();
        while self.take('[')? {
            while !self.take(']')? {
                let (key, key_at) = self.name("an attribute or `]`")?;
                // A key alone is true.
                let (value, at) = match self.take('=')? {
                    true => self.name("a value")?,
                    false => (Cow::Borrowed("true"), key_at),
                };
                attributes.push((key, value, at));
                if !self.take(';')? {
                    self.take(',')?;
                }
            }
        }
        Ok(attributes)
    }
}

fn set_node<'t>(node: &mut NodeAttributes<'t>, attribute: &Attribute<'t>) -> Result<(), Fault> {
    match attribute.0.as_ref() {
        "cost" => node.cost.set(0, work(attribute)?),
        "weight" => node.cost.set(1, work(attribute)?),
        "size" => node.cost.set(2, work(attribute)?),
        "scratch_bytes" => node.scratch_bytes.set(0, size(attribute)?),
        "memory" => node.scratch_bytes.set(1, size(attribute)?),
        "bytes" => node.bytes = Some(size(attribute)?),
        "cores" => node.cores = Some(cores(attribute)?),
        "kernel" => node.kernel = Some(attribute.1.clone()),
        _ => {}
    }
    Ok(())
}

fn set_edge(bytes: &mut Ranked<u64>, attribute: &Attribute<'_>) -> Result<(), Fault> {
    match attribute.0.as_ref() {
        "bytes" => bytes.set(0, size(attribute)?),
        "size" => bytes.set(1, size(attribute)?),
        "weight" => bytes.set(2, size(attribute)?),
        _ => {}
    }
    Ok(())
}

fn refuse(attribute: &Attribute<'_>, expected: &str) -> Fault {
    let (key, value, at) = attribute;
    fault(*at, format!("`{key}` is {value:?}; expected {expected}"))
}

fn work(attribute: &Attribute<'_>) -> Result<f64, Fault> {
    let work = attribute.1.trim().parse::<f64>().ok();
    let work = work.filter(|work| work.is_finite() && *work >= 0.0);
    work.ok_or_else(|| refuse(attribute, "a finite number of at least 0"))
}

fn size(attribute: &Attribute<'_>) -> Result<u64, Fault> {
    let text = attribute.1.trim();
    let bytes = text.parse::<f64>().ok().or_else(|| Dimension::Size.parse(text).ok());
    let bytes = bytes.filter(|bytes| (0.0..=MAX_BYTES as f64).contains(bytes));
    let expected = "a number of bytes from 0 to 2^53 or a text such as \"64 MiB\"";
    bytes.map(|bytes| bytes.ceil() as u64).ok_or_else(|| refuse(attribute, expected))
}

fn cores(attribute: &Attribute<'_>) -> Result<u32, Fault> {
    let cores = attribute.1.trim().parse::<u32>().ok().filter(|cores| *cores > 0);
    cores.ok_or_else(|| refuse(attribute, "a whole number of at least 1"))
}
