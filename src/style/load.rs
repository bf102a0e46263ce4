//! Styles and pictures read: from the binary, or from a folder `<id>.json`, `sprites/<family>/<name>.svg`. Checks
//! what serving needs; whether a style fits the catalog is `check`'s business.

use super::sprite::Colours;
use super::{Picture, Style, Styles};
use crate::error::{Error, Finding, Result};
use crate::layer::Name;
use rust_embed::RustEmbed;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const PICTURES: &str = "sprites";

#[derive(RustEmbed)]
#[folder = "styles/"]
#[include = "*.json"]
#[include = "sprites/*/*.svg"]
struct Shipped;

impl Styles {
    /// The styles that come with the program.
    ///
    /// # Errors
    /// `Error::Config` with everything wrong; the project's tests make sure that a released binary has none.
    pub fn shipped() -> Result<Styles> {
        let read = |name: std::borrow::Cow<'static, str>| {
            let text = String::from_utf8_lossy(&Shipped::get(&name)?.data).into_owned();
            Some((Path::new("styles").join(name.as_ref()), text))
        };
        styles_of(Path::new("styles"), Shipped::iter().filter_map(read).collect())
    }

    /// The folder's styles, or the shipped ones where no folder is named.
    ///
    /// # Errors
    /// A folder that cannot be read; `Error::Config` with everything wrong in it.
    pub fn load_or_shipped(dir: Option<&Path>) -> Result<Styles> {
        match dir {
            Some(dir) => styles_of(dir, read_folder(dir)?),
            None => Styles::shipped(),
        }
    }
}

/// The styles and pictures of a folder: path and text, in the order of their paths.
///
/// # Errors
/// What cannot be read.
pub fn read_folder(dir: &Path) -> Result<Vec<(PathBuf, String)>> {
    let mut files = listed(dir, "json")?;
    let pictures = dir.join(PICTURES);
    if pictures.is_dir() {
        for family in listed_folders(&pictures)? {
            files.extend(listed(&family, "svg")?);
        }
    }
    let text = |f: PathBuf| std::fs::read_to_string(&f).map_err(|e| Error::io(&f, e)).map(|text| (f, text));
    files.into_iter().map(text).collect()
}

fn listed(dir: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = entries(dir)?.filter(|f| f.extension().is_some_and(|x| x == ending)).collect();
    files.sort();
    Ok(files)
}

fn listed_folders(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut folders: Vec<PathBuf> = entries(dir)?.filter(|f| f.is_dir()).collect();
    folders.sort();
    Ok(folders)
}

fn entries(dir: &Path) -> Result<impl Iterator<Item = PathBuf>> {
    Ok(std::fs::read_dir(dir).map_err(|e| Error::io(dir, e))?.flatten().map(|e| e.path()))
}

fn styles_of(dir: &Path, files: Vec<(PathBuf, String)>) -> Result<Styles> {
    let mut findings = vec![];
    let (mut styles, mut pictures) = (BTreeMap::new(), BTreeMap::new());
    for (file, text) in files {
        let Some(stem) = file.file_stem().map(|s| s.to_string_lossy().into_owned()) else { continue };
        let named = stem.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'));
        if !named {
            findings.push(finding(&file, "the name may have small letters, digits, - and _ alone".into()));
        }
        if file.extension().is_some_and(|x| x == "json") {
            match style(stem, file, text) {
                Ok(style) => drop(styles.insert(style.id.clone(), style)),
                Err(found) => findings.push(found),
            }
            continue;
        }
        let family = file.parent().and_then(Path::file_name).map(|f| f.to_string_lossy().into_owned());
        let picture = Picture { name: stem, family: family.unwrap_or_default(), file, svg: text };
        if let Some(other) = pictures.insert(picture.name.clone(), picture) {
            findings.push(finding(&other.file, format!("there is another picture \"{}\"", other.name)));
        }
    }
    if styles.is_empty() && findings.is_empty() {
        findings.push(finding(dir, "no style here: a style is a file <id>.json in this folder".into()));
    }
    match findings.is_empty() {
        true => Ok(Styles { styles, pictures: pictures.into_values().collect() }),
        false => Err(Error::Config(findings)),
    }
}

fn style(id: String, file: PathBuf, text: String) -> Result<Style, Finding> {
    let document: Value = serde_json::from_str(&text).map_err(|e| Finding {
        file: file.clone(),
        line: e.line(),
        what: format!("is not JSON: {e}"),
    })?;
    if !document.is_object() {
        return Err(finding(&file, "a style is a JSON object".into()));
    }
    let metadata = &document["metadata"];
    let name = document["name"].as_str().unwrap_or(&id).to_string();
    let titled = |language: &str| metadata["chengtu:title"][language].as_str().unwrap_or(&name).to_string();
    let title = Name { zh: titled("zh"), en: titled("en") };
    let colours = Colours::read(&metadata["chengtu:sprite"]).map_err(|what| finding(&file, what))?;
    Ok(Style { id, title, file, text, document, colours })
}

fn finding(file: &Path, what: String) -> Finding {
    Finding { file: file.to_path_buf(), line: 0, what }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(list: &[(&str, &str)]) -> Result<Styles> {
        styles_of(Path::new("s"), list.iter().map(|(f, t)| (PathBuf::from(f), t.to_string())).collect())
    }

    #[test]
    fn the_shipped_styles_and_pictures_are_read() {
        let styles = Styles::shipped().unwrap();
        let ids: Vec<&str> = styles.iter().map(|s| s.id.as_str()).collect();
        assert_eq!(ids, ["dark", "planner", "standard"]);
        assert!(styles.iter().all(|s| s.title.zh != s.title.en));
        assert!(styles.pictures().count() > 50);
    }

    #[test]
    fn a_folder_is_read_like_the_shipped_one() {
        let from_folder = Styles::load_or_shipped(Some(Path::new("styles"))).unwrap();
        let shipped = Styles::shipped().unwrap();
        let told = |s: &Styles| {
            let styles: Vec<(String, Value)> = s.iter().map(|s| (s.id.clone(), s.document.clone())).collect();
            (styles, s.pictures.iter().map(|p| (p.name.clone(), p.family.clone(), p.svg.clone())).collect::<Vec<_>>())
        };
        assert!(told(&from_folder) == told(&shipped));
    }

    #[test]
    fn what_cannot_be_served_is_told_by_file() {
        for (list, told) in [
            (&[][..], "s: no style here"),
            (&[("s/a.json", "{")], "s/a.json:1: is not JSON"),
            (&[("s/a.json", "[]")], "s/a.json: a style is a JSON object"),
            (&[("s/A b.json", "{}")], "s/A b.json: the name may have"),
            (&[("s/a.json", r#"{"metadata": {"chengtu:sprite": {"x": {"mark": "red;}"}}}}"#)], "s/a.json: the colour"),
            (
                &[("s/a.json", "{}"), ("s/sprites/x/p.svg", ""), ("s/sprites/y/p.svg", "")],
                "s/sprites/x/p.svg: there is another picture \"p\"",
            ),
        ] {
            let error = files(list).unwrap_err();
            assert!(error.to_string().contains(told), "{error} — {told}");
            assert_eq!(error.exit_code(), 78);
        }
        assert!(matches!(Styles::load_or_shipped(Some(Path::new("/nowhere"))), Err(Error::Missing(_))));
    }
}
