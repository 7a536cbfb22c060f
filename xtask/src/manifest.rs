//! The few facts of a `Cargo.toml` that the checks need, read line by line.
//!
//! This is no TOML parser: it knows section headers, `key = value` on one line and comments, which
//! is how the manifests of this workspace are written. Cargo itself rejects what is malformed.

/// One manifest.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// `package.name`; none in a virtual workspace.
    pub name: Option<String>,
    /// `workspace.members`, as folders.
    pub members: Vec<String>,
    /// Packages in `dependencies` and `build-dependencies`, of any target, with their lines.
    pub dependencies: Vec<(String, usize)>,
    /// Every `path = "... .rs"` of a target section, from the manifest's folder.
    pub target_paths: Vec<String>,
}

/// Where the reader is: what the last section header opened.
enum Section {
    Package,
    Workspace,
    Target,
    Dependencies,
    /// The table of one dependency; the index is its entry in `Manifest::dependencies`.
    Dependency(usize),
    Other,
}

/// Reads the manifest `text`.
pub fn parse(text: &str) -> Manifest {
    let mut manifest = Manifest::default();
    let mut section = Section::Other;
    let mut in_members = false;
    for (line, code) in text.lines().enumerate().map(|(at, raw)| (at + 1, without_comment(raw))) {
        if in_members {
            manifest.members.extend(strings(code));
            in_members = !code.contains(']');
        } else if code.starts_with('[') {
            section = manifest.open(code.trim_matches(['[', ']', ' ']), line);
        } else if let Some((key, value)) = code.split_once('=') {
            let (key, value) = (key.trim(), value.trim());
            in_members =
                matches!(section, Section::Workspace) && key == "members" && !value.contains(']');
            manifest.entry(&section, key, value, line);
        }
    }
    manifest
}

impl Manifest {
    fn open(&mut self, header: &str, line: usize) -> Section {
        let parts = split_header(header);
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["package"] => Section::Package,
            ["workspace"] => Section::Workspace,
            ["lib" | "bin" | "test" | "bench" | "example"] => Section::Target,
            ["workspace", ..] => Section::Other,
            [.., "dependencies" | "build-dependencies"] => Section::Dependencies,
            [.., "dependencies" | "build-dependencies", name] => {
                self.dependencies.push(((*name).to_owned(), line));
                Section::Dependency(self.dependencies.len() - 1)
            }
            _ => Section::Other,
        }
    }

    fn entry(&mut self, section: &Section, key: &str, value: &str, line: usize) {
        let first = strings(value).into_iter().next();
        match section {
            Section::Package if key == "name" => self.name = first,
            Section::Package if key == "build" => self.target_paths.extend(first),
            Section::Workspace if key == "members" => self.members.extend(strings(value)),
            Section::Target if key == "path" => self.target_paths.extend(first),
            Section::Dependencies => {
                let name = split_header(key).into_iter().next().unwrap_or_default();
                self.dependencies.push((renamed(value).unwrap_or(name), line));
            }
            Section::Dependency(index) if key == "package" => {
                if let Some(package) = first {
                    self.dependencies[*index].0 = package;
                }
            }
            _ => {}
        }
    }
}

/// The `package` of an inline table: `{ package = "serde", version = "1" }` is serde.
fn renamed(value: &str) -> Option<String> {
    let table = value.strip_prefix('{')?;
    let entry = table.split(',').find_map(|entry| {
        let (key, value) = entry.split_once('=')?;
        (key.trim() == "package").then_some(value)
    })?;
    strings(entry).into_iter().next()
}

/// The parts of a dotted key, quotes removed: `target.'cfg(a.b)'.dependencies` has three.
fn split_header(header: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quote = None;
    for character in header.chars() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (None, '"' | '\'') => quote = Some(character),
            (None, '.') => parts.push(String::new()),
            (None, ' ') => {}
            _ => parts.last_mut().into_iter().for_each(|part| part.push(character)),
        }
    }
    parts
}

/// The contents of the quoted strings in `value`.
fn strings(value: &str) -> Vec<String> {
    value.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

fn without_comment(line: &str) -> &str {
    let mut quoted = false;
    let end = line.find(|character| {
        quoted ^= character == '"';
        character == '#' && !quoted
    });
    line[..end.unwrap_or(line.len())].trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = r##"
[package]
name = "sim"        # the package's name
build = "make.rs"
[[bench]]
name = "speed"
path = "benches/all.rs"
[dependencies]
libm.workspace = true
rt = { package = "runtime", path = "../runtime" }
"dotted" = "1"
[dev-dependencies]
schedulers.workspace = true
[dependencies.alias]
package = "workloads"
[target.'cfg(target_os = "linux")'.dependencies]
rustix = "1" # x
[build-dependencies]
cc = "1"
"##;

    #[test]
    fn reads_names_paths_and_every_kind_of_dependency_but_dev() {
        let manifest = parse(SAMPLE);
        assert_eq!(manifest.name.as_deref(), Some("sim"));
        assert_eq!(manifest.target_paths, ["make.rs", "benches/all.rs"]);
        let names: Vec<(&str, usize)> =
            manifest.dependencies.iter().map(|(name, line)| (name.as_str(), *line)).collect();
        let expected = [
            ("libm", 9),
            ("runtime", 10),
            ("dotted", 11),
            ("workloads", 14),
            ("rustix", 17),
            ("cc", 19),
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn reads_members_on_one_line_or_several() {
        let one =
            parse("[workspace]\nmembers = [\"a\", \"b\"]\n[workspace.dependencies]\nc = \"1\"\n");
        assert_eq!((one.members.len(), one.dependencies.len(), one.name), (2, 0, None));
        let several =
            parse("[workspace]\nmembers = [\n  \"a\", # first\n  \"b\",\n]\nresolver = \"3\"\n");
        assert_eq!(several.members, ["a", "b"]);
    }
}
