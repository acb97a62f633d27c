//! All languages together, found by id or alias.

use std::collections::BTreeMap;

use super::{LanguageDefinition, LanguageError};

/// Languages whose ids and aliases are distinct.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    languages: BTreeMap<String, LanguageDefinition>,
    names: BTreeMap<String, String>,
}

impl Catalog {
    /// Reads all definitions, given as id and text.
    pub fn from_toml<'a>(
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, LanguageError> {
        let mut catalog = Self::default();
        for (id, text) in files {
            catalog.add(LanguageDefinition::from_toml(id, text)?)?;
        }
        Ok(catalog)
    }

    /// The language with that id or alias.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&LanguageDefinition> {
        self.languages.get(self.names.get(name)?)
    }

    /// All languages, by id.
    pub fn iter(&self) -> impl Iterator<Item = &LanguageDefinition> {
        self.languages.values()
    }

    fn add(&mut self, language: LanguageDefinition) -> Result<(), LanguageError> {
        for name in std::iter::once(&language.id).chain(&language.aliases) {
            if let Some(first) = self.names.insert(name.clone(), language.id.clone()) {
                let second = language.id.clone();
                return Err(LanguageError::Ambiguous {
                    name: name.clone(),
                    first,
                    second,
                });
            }
        }
        self.languages.insert(language.id.clone(), language);
        Ok(())
    }
}
