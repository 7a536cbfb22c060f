//! "Did you mean" for the messages of serde's parsers.

use super::error::nearest;

/// Adds the nearest known key to a message about an unknown one.
///
/// The parsers write ``unknown field `x`, expected one of `a`, `b` ``, or ``expected `a` or `b` ``;
/// the YAML parser leaves out the quotes around what it expects.
pub(super) fn for_parser(message: String) -> String {
    let parts = message.split_once(", expected ").filter(|_| message.starts_with("unknown "));
    let Some((unknown, expected)) = parts else { return message };
    let Some(unknown) = unknown.split('`').nth(1) else { return message };
    let known = expected.strip_prefix("one of ").unwrap_or(expected);
    let known = known.split(", ").flat_map(|part| part.split(" or "));
    match nearest(unknown, known.map(|name| name.trim_matches('`'))) {
        Some(near) => format!("{message}; did you mean `{near}`?"),
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::for_parser;

    #[test]
    fn only_messages_about_names_get_a_suggestion() {
        let known = "expected one of `name`, `cost`";
        assert_eq!(
            for_parser(format!("unknown field `cots`, {known}")),
            format!("unknown field `cots`, {known}; did you mean `cost`?")
        );
        assert_eq!(
            for_parser("unknown variant `wirte`, expected read or write".to_owned()),
            "unknown variant `wirte`, expected read or write; did you mean `write`?"
        );
        let strange = format!("unknown field `zebra`, {known}");
        assert_eq!(for_parser(strange.clone()), strange);
        assert_eq!(for_parser("missing field `cost`".to_owned()), "missing field `cost`");
    }
}
