//! URIs in a tileset → names of files in its delivery (RFC 3986, relative references alone), as a client resolves them.

use percent_encoding::percent_decode_str;

/// Why a URI names no file of the delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoName {
    /// Written in a way that is not taken; the words say which.
    Bad(&'static str),
    /// It leads out of the delivery.
    Outside,
}

/// The file that `uri` names in the file `base`: segments joined by `/`, no `.` or `..` among them.
pub fn resolved(base: &str, uri: &str) -> Result<String, NoName> {
    let path = uri.split(['?', '#']).next().unwrap_or_default();
    if path.is_empty() {
        return Err(NoName::Bad("it is empty"));
    }
    if path.contains('\\') {
        return Err(NoName::Bad("it has a backslash; clients differ in what that means"));
    }
    if path.starts_with('/') {
        return Err(NoName::Bad("it is absolute"));
    }
    if path.split('/').next().is_some_and(|first| first.contains(':')) {
        return Err(NoName::Bad("it has a scheme"));
    }
    let mut parts: Vec<String> = base.split('/').map(String::from).collect();
    parts.pop();
    for segment in path.split('/') {
        let plain = percent_decode_str(segment).decode_utf8().map_err(|_| NoName::Bad("it is not UTF-8"))?;
        match plain.as_ref() {
            "" => return Err(NoName::Bad("it has an empty segment")),
            "." => {}
            ".." => drop(parts.pop().ok_or(NoName::Outside)?),
            odd if odd.contains(['/', '\\']) || odd.chars().any(char::is_control) => {
                return Err(NoName::Bad("it has a character that no name may have"));
            }
            name => parts.push(name.to_string()),
        }
    }
    match parts.is_empty() {
        true => Err(NoName::Bad("it names a folder")),
        false => Ok(parts.join("/")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_is_resolved_as_clients_do() {
        let bad = |r: Result<String, NoName>| matches!(r, Err(NoName::Bad(_)));
        for (base, uri, name) in [
            ("tileset.json", "a.b3dm", "a.b3dm"),
            ("tileset.json", "./Data/a.b3dm?v=1#x", "Data/a.b3dm"),
            ("Data/t.json", "a/../b.glb", "Data/b.glb"),
            ("Data/t.json", "../b.glb", "b.glb"),
            ("t.json", "%E5%BB%BA%E7%AD%91/1%20a.glb", "建筑/1 a.glb"),
            ("t.json", "建筑/+a.glb", "建筑/+a.glb"),
        ] {
            assert_eq!(resolved(base, uri).as_deref(), Ok(name), "{uri}");
        }
        for uri in ["../x", "a/../../x", "%2e%2e/x", "Data/%2E%2e/../x"] {
            assert_eq!(resolved("t.json", uri), Err(NoName::Outside), "{uri}");
        }
        for uri in
            ["", "?a", "/x", "//h/x", "http://h/x", "file:x", "C:/x", "a\\x", "a%2fx", "a//x", "a/", "%ff", "%00"]
        {
            assert!(bad(resolved("t.json", uri)), "{uri}");
        }
    }
}
