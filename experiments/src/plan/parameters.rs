//! Parameters as given, checked against what a registry entry declares.

use crate::mistake::{Mistake, Mistakes, Source};
use crate::spec::{At, GivenParameters, Scalar};
use runtime::registry::{Kind, ParameterError, ParameterInfo, Parameters, Value};
use std::sync::Arc;

/// Names and values in the order of the registry entry, only those that differ from defaults.
pub type Given = Vec<(String, Value)>;

/// Most combinations of one entry.
const MAX_COMBINATIONS: usize = 10_000;

/// Every combination of the values given: a list of values makes one combination each.
///
/// Mistakes are collected over all of them; wrong values are left out.
pub fn combinations(
    source: &Arc<Source>,
    owner: &'static str,
    infos: &[ParameterInfo],
    given: &GivenParameters,
    mistakes: &mut Mistakes,
) -> Vec<Given> {
    let mut all: Vec<Given> = vec![Vec::new()];
    for (name, values) in given {
        let mut accepted = Vec::new();
        for value in &values.0 {
            match check(source, owner, infos, name, value) {
                Ok(value) => accepted.push(value),
                Err(mistake) => {
                    let is_name_wrong = infos.iter().all(|i| i.name != name.value);
                    mistakes.push(mistake);
                    if is_name_wrong {
                        break;
                    }
                }
            }
        }
        if all.len().saturating_mul(accepted.len()) > MAX_COMBINATIONS {
            let message = format!("these are more than {MAX_COMBINATIONS} combinations of values");
            mistakes.push(Mistake::new(source, name.span, message));
            break;
        }
        if !accepted.is_empty() {
            all = (all.iter())
                .flat_map(|before| {
                    accepted.iter().map(move |value| {
                        let mut with = before.clone();
                        with.push((name.value.clone(), value.clone()));
                        with
                    })
                })
                .collect();
        }
    }
    all.iter().map(|given| normal(infos, given)).collect()
}

/// The value as the parameter has it.
///
/// # Errors
/// The mistake at the name or at the value.
pub fn check(
    source: &Arc<Source>,
    owner: &'static str,
    infos: &[ParameterInfo],
    name: &At<String>,
    value: &At<Scalar>,
) -> Result<Value, Mistake> {
    let pair = [(name.value.clone(), value.value.0.clone())];
    match Parameters::resolve(owner, infos, &pair) {
        Ok(resolved) => {
            let found = resolved.iter().find(|(n, _)| *n == name.value);
            Ok(found.map_or(value.value.0.clone(), |(_, v)| v.clone()))
        }
        Err(ParameterError::Unknown { known, .. }) => {
            let message = format!("{owner} has no parameter `{}`", name.value);
            let mistake = Mistake::new(source, name.span, message);
            Err(match known.is_empty() {
                true => mistake.help(format!("{owner} has no parameters")),
                false => mistake.expected_names(&name.value, known),
            })
        }
        Err(ParameterError::BadValue { value: given, expected, .. }) => {
            let info = infos.iter().find(|i| i.name == name.value);
            let why = match (info.map(|i| i.kind), &value.value.0) {
                (Some(Kind::Quantity { dimension, .. }), Value::Text(text)) => {
                    dimension.parse(text).err().map_or(String::new(), |why| format!(": {why}"))
                }
                _ => String::new(),
            };
            let message = format!("`{}` of {owner} cannot be `{given}`{why}", name.value);
            let mistake = Mistake::new(source, value.span, message);
            Err(match (info.map(|i| i.kind), &value.value.0) {
                (Some(Kind::Choice { options, .. }), Value::Text(text)) => {
                    mistake.expected_names(text, options.iter().copied())
                }
                _ => mistake.help(format!("expected {expected}")),
            })
        }
    }
}

/// The parameters that differ from their defaults, in declaration order.
pub fn normal(infos: &[ParameterInfo], given: &[(String, Value)]) -> Given {
    let value_of = |name: &str| given.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v);
    let differs = |info: &&ParameterInfo| {
        value_of(info.name).is_some_and(|v| *v != info.kind.default_value())
    };
    (infos.iter().filter(differs))
        .filter_map(|info| Some((info.name.to_owned(), value_of(info.name)?.clone())))
        .collect()
}

/// The name with what differs from the defaults, as the command line reads it.
pub fn label(name: &str, given: &[(String, Value)]) -> String {
    if given.is_empty() {
        return name.to_owned();
    }
    let pairs: Vec<String> = given.iter().map(|(n, v)| format!("{n}: {}", word(v))).collect();
    format!("{name}:{{{}}}", pairs.join(", "))
}

/// A value as YAML reads it back.
fn word(value: &Value) -> String {
    match value {
        Value::Text(text) => {
            let is_plain =
                |c: char| c.is_alphanumeric() || matches!(c, ' ' | '/' | '.' | '-' | '_');
            let is_safe = text.chars().all(is_plain) && text.trim() == text && !text.is_empty();
            match is_safe && text.parse::<f64>().is_err() && text != "true" && text != "false" {
                true => text.clone(),
                false => format!("{text:?}"),
            }
        }
        // A whole float keeps its point, so that it is read back as one.
        Value::Float(f) if f.fract() == 0.0 && f.abs() < 1e15 => format!("{f:.1}"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFOS: [ParameterInfo; 2] = [
        ParameterInfo { name: "n", summary: "", kind: Kind::Int { default: 4, min: 1, max: 9 } },
        ParameterInfo {
            name: "way",
            summary: "",
            kind: Kind::Choice { default: "up", options: &["up", "down"] },
        },
    ];

    #[test]
    fn labels_tell_only_what_differs() {
        let given =
            [("way".to_owned(), Value::Text("down".to_owned())), ("n".to_owned(), Value::Int(4))];
        assert_eq!(label("x", &normal(&INFOS, &given)), "x:{way: down}");
        assert_eq!(label("x", &normal(&INFOS, &[])), "x");
        let odd = [("t".to_owned(), Value::Text("a, b".to_owned()))];
        assert_eq!(label("x", &odd), "x:{t: \"a, b\"}");
        let whole = [("f".to_owned(), Value::Float(2.0))];
        assert_eq!(label("x", &whole), "x:{f: 2.0}");
    }

    #[test]
    fn lists_of_values_are_combined() {
        let source = Source::new("test", "");
        let at = |v: Value| At::new(Scalar(v), Default::default());
        let name = |n: &str| At::new(n.to_owned(), Default::default());
        let given = vec![
            (name("n"), crate::spec::Values(vec![at(Value::Int(1)), at(Value::Int(2))])),
            (name("way"), crate::spec::Values(vec![at(Value::Text("down".into()))])),
        ];
        let mut mistakes = Mistakes::default();
        let all = combinations(&source, "x", &INFOS, &given, &mut mistakes);
        assert!(mistakes.is_empty());
        let labels: Vec<_> = all.iter().map(|g| label("x", g)).collect();
        assert_eq!(labels, ["x:{n: 1, way: down}", "x:{n: 2, way: down}"]);
    }
}
