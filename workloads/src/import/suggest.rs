//! "Did you mean" for the messages of serde's parsers.

use super::error::nearest;

/// Adds the nearest known key to a message about an unknown one.
///
/// The parsers write ``unknown field `x`, expected one of `a`, `b` ``: the names stand between
/// backquotes, the unknown one first.
pub(super) fn for_parser(message: String) -> String {
    if !message.starts_with("unknown ") {
        return message;
    }
    let mut names = message.split('`').skip(1).step_by(2);
    let near = names.next().and_then(|unknown| nearest(unknown, names));
    match near {
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
        let strange = format!("unknown field `zebra`, {known}");
        assert_eq!(for_parser(strange.clone()), strange);
        assert_eq!(for_parser("missing field `cost`".to_owned()), "missing field `cost`");
    }
}
