//! The language definitions: built in, or from a folder.

use std::fs;
use std::path::Path;

use include_dir::{Dir, include_dir};
use runlog_schemas::Catalog;

use super::failed;
use crate::failure::Failure;

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../languages");

/// Reads the definitions of a folder, or the built-in ones.
pub(crate) fn read_catalog(folder: Option<&Path>) -> Result<Catalog, Failure> {
    let files = match folder {
        Some(folder) => read_folder(folder)?,
        None => built_in(),
    };
    let files = files.iter().map(|(id, text)| (id.as_str(), text.as_str()));
    Catalog::from_toml(files).map_err(|error| failed("the language definitions", &error))
}

fn built_in() -> Vec<(String, String)> {
    let files = BUILT_IN.files().filter_map(|file| {
        let id = id_of(file.path())?;
        Some((id, file.contents_utf8()?.to_owned()))
    });
    files.collect()
}

fn read_folder(folder: &Path) -> Result<Vec<(String, String)>, Failure> {
    let unreadable = |path: &Path| {
        let path = path.display().to_string();
        |source| Failure::Unreadable { path, source }
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable(folder))? {
        let path = entry.map_err(unreadable(folder))?.path();
        if let Some(id) = id_of(&path) {
            files.push((id, fs::read_to_string(&path).map_err(unreadable(&path))?));
        }
    }
    if files.is_empty() {
        let folder = folder.display();
        return Err(Failure::Usage(format!(
            "there are no languages in {folder}"
        )));
    }
    Ok(files)
}

fn id_of(path: &Path) -> Option<String> {
    let is_toml = path.extension().is_some_and(|it| it == "toml");
    let stem = path.file_stem()?.to_str()?;
    is_toml.then(|| stem.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_languages_can_be_read() {
        let catalog = read_catalog(None).unwrap();
        assert!(catalog.find("python").is_some());
        assert_eq!(catalog.iter().count(), BUILT_IN.files().count());
    }

    #[test]
    fn a_folder_takes_their_place() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read_catalog(Some(folder.path())).is_err());
        let python = BUILT_IN.get_file("python.toml").unwrap().contents();
        fs::write(folder.path().join("python.toml"), python).unwrap();
        fs::write(folder.path().join("README.md"), "not a language").unwrap();
        assert_eq!(read_catalog(Some(folder.path())).unwrap().iter().count(), 1);
    }
}
