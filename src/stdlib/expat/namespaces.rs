//! Namespaces: which prefix means what, and names told as `URI separator name`.

use super::event::code;

const XML: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

/// The prefixes in force.
#[derive(Clone)]
pub struct Namespaces {
    separator: String,
    /// Names are followed by their prefixes.
    pub triplets: bool,
    bindings: Vec<(Option<String>, Option<String>)>,
}

/// What becomes of a start tag.
pub struct Entered {
    /// The element's name.
    pub name: String,
    /// Attributes without declarations of prefixes.
    pub attributes: Vec<(String, String)>,
    /// How many of them were written.
    pub specified: usize,
    /// Prefixes with URIs.
    pub declared: Vec<(Option<String>, Option<String>)>,
}

impl Namespaces {
    /// None declared yet.
    pub fn new(separator: String) -> Namespaces {
        Namespaces { separator, triplets: false, bindings: vec![(Some("xml".into()), Some(XML.into()))] }
    }

    /// The last declared prefix goes out of force.
    pub fn leave(&mut self) -> Option<Option<String>> {
        self.bindings.pop().map(|b| b.0)
    }

    fn uri(&self, prefix: Option<&str>) -> Option<&str> {
        self.bindings.iter().rev().find(|b| b.0.as_deref() == prefix)?.1.as_deref()
    }

    fn told(&self, name: &str, is_attribute: bool) -> Result<String, usize> {
        let (prefix, local) = match name.split_once(':') {
            Some((prefix, local)) => (Some(prefix), local),
            None if is_attribute => return Ok(name.to_owned()),
            None => (None, name),
        };
        match (prefix, self.uri(prefix)) {
            (Some(_), None) => Err(code::UNBOUND_PREFIX),
            (None, None) => Ok(name.to_owned()),
            (prefix, Some(uri)) => {
                let s = &self.separator;
                Ok(match prefix.filter(|_| self.triplets) {
                    Some(prefix) => format!("{uri}{s}{local}{s}{prefix}"),
                    None => format!("{uri}{s}{local}"),
                })
            }
        }
    }

    fn declare(&mut self, prefix: Option<&str>, uri: &str) -> Result<(), usize> {
        match (prefix, uri) {
            (Some("xmlns"), _) => return Err(code::RESERVED_PREFIX_XMLNS),
            (Some("xml"), uri) if uri != XML => return Err(code::RESERVED_PREFIX_XML),
            (Some(p), XML) if p != "xml" => return Err(code::RESERVED_NAMESPACE_URI),
            (None, XML) | (_, XMLNS) => return Err(code::RESERVED_NAMESPACE_URI),
            (Some(_), "") => return Err(code::UNDECLARING_PREFIX),
            _ => {}
        }
        let uri = (!uri.is_empty()).then(|| uri.to_owned());
        self.bindings.push((prefix.map(str::to_owned), uri));
        Ok(())
    }

    /// A start tag: its declarations come into force.
    pub fn enter(&mut self, name: &str, all: Vec<(String, String)>, specified: usize) -> Result<Entered, usize> {
        let before = self.bindings.len();
        let (mut rest, mut kept) = (Vec::new(), specified);
        for (i, (key, value)) in all.into_iter().enumerate() {
            let prefix = match key.strip_prefix("xmlns") {
                Some("") => None,
                Some(p) if p.starts_with(':') => Some(&p[1..]),
                _ => {
                    rest.push((key, value));
                    continue;
                }
            };
            self.declare(prefix, &value)?;
            kept -= usize::from(i < specified);
        }
        let mut attributes: Vec<(String, String)> = Vec::with_capacity(rest.len());
        for (key, value) in rest {
            let told = self.told(&key, true)?;
            if attributes.iter().any(|a| a.0 == told) {
                return Err(code::DUPLICATE_ATTRIBUTE);
            }
            attributes.push((told, value));
        }
        let name = self.told(name, false)?;
        Ok(Entered { name, attributes, specified: kept, declared: self.bindings[before..].to_vec() })
    }
}
