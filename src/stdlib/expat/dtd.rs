//! Document types: the declarations of the internal subset, and what is known from them.

use super::event::{Event, Model, code};
use super::text::{Reference, Stop, char_at, invalid, is_space, lines, name, name_rest, reference, skip_space, text};
use rustc_hash::FxHashMap;

/// A declared entity.
#[derive(Clone, Debug, Default)]
pub struct Entity {
    /// Its text, unless it is external.
    pub value: Option<String>,
    /// Where it is.
    pub system: Option<String>,
    /// Its public name.
    pub public: Option<String>,
    /// Not XML: in this notation.
    pub notation: Option<String>,
    /// Being expanded.
    pub open: bool,
}

/// A declared attribute.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Text as written; other types lose superfluous spaces.
    pub is_text: bool,
    /// What it is when not given.
    pub default: Option<String>,
}

/// What a document type declares.
#[derive(Debug, Default)]
pub struct Dtd {
    /// General entities.
    pub entities: FxHashMap<String, Entity>,
    /// Parameter entities.
    pub parameters: FxHashMap<String, Entity>,
    /// Attributes by element.
    pub attributes: FxHashMap<String, Vec<Attribute>>,
    /// There are declarations that were not read, perhaps.
    pub incomplete: bool,
    /// The document says that those do not matter.
    pub standalone: bool,
}

/// Where a declaration's text ends: the offset behind its `>`.
pub fn declaration_end(s: &[u8]) -> Result<usize, Stop> {
    let (mut at, mut quote) = (2, None);
    loop {
        let (c, n) = char_at(s, at)?;
        match (c, quote) {
            (_, Some(q)) if c == q => quote = None,
            (_, Some(_)) => {}
            ('"' | '\'', None) => quote = Some(c),
            ('>', None) => return Ok(at + 1),
            ('<', None) => return invalid(at),
            _ => {}
        }
        at += n;
    }
}

/// The tokens of a declaration: words, texts in quotes, signs, and the spaces between them.
pub fn pieces(raw: &str) -> Vec<&str> {
    let (bytes, mut out, mut at) = (raw.as_bytes(), Vec::new(), 0);
    while at < bytes.len() {
        let rest = &bytes[at..];
        let is_word = |b: &u8| !is_space(*b) && !b"()|,>\"'%<".contains(b);
        let n = match rest[0] {
            b if is_space(b) => rest.iter().take_while(|b| is_space(**b)).count(),
            b'<' => 2 + rest[2.min(rest.len())..].iter().take_while(|b| is_word(b)).count(),
            q @ (b'"' | b'\'') => memchr::memchr(q, &rest[1..]).map_or(rest.len(), |n| n + 2),
            b')' => 1 + usize::from(matches!(rest.get(1), Some(b'?' | b'*' | b'+'))),
            b if is_word(&b) => rest.iter().take_while(|b| is_word(b)).count(),
            _ => 1,
        };
        out.push(&raw[at..at + n]);
        at += n;
    }
    out
}

/// Reads a declaration from left to right.
pub struct Reader<'a> {
    /// The text.
    pub s: &'a [u8],
    /// Where.
    pub at: usize,
}

impl Reader<'_> {
    /// Passes white space; whether there was any.
    pub fn space(&mut self) -> Result<bool, Stop> {
        let from = self.at;
        self.at = skip_space(self.s, self.at)?;
        Ok(self.at > from)
    }

    /// Passes white space, which must be there.
    pub fn must_space(&mut self) -> Result<(), Stop> {
        if self.space()? { Ok(()) } else { invalid(self.at) }
    }

    /// The next byte.
    pub fn peek(&self) -> Option<u8> {
        self.s.get(self.at).copied()
    }

    /// Passes this text, if it is next.
    pub fn eat(&mut self, what: &str) -> bool {
        let is = self.s[self.at.min(self.s.len())..].starts_with(what.as_bytes());
        if is {
            self.at += what.len();
        }
        is
    }

    /// A name.
    pub fn name(&mut self) -> Result<String, Stop> {
        let end = name(self.s, self.at)?;
        let found = text(&self.s[self.at..end]);
        self.at = end;
        Ok(found)
    }

    /// A text in quotes.
    pub fn literal(&mut self) -> Result<&[u8], Stop> {
        let Some(q @ (b'"' | b'\'')) = self.peek() else { return Err(Stop::Wrong(code::SYNTAX, self.at)) };
        let from = self.at + 1;
        let Some(n) = memchr::memchr(q, &self.s[from..]) else { return Err(Stop::More) };
        self.at = from + n + 1;
        Ok(&self.s[from..from + n])
    }

    /// `SYSTEM "…"` or `PUBLIC "…" "…"`: system id and public id.
    pub fn external_id(&mut self, notation: bool) -> Result<Option<(Option<String>, Option<String>)>, Stop> {
        if self.eat("SYSTEM") {
            self.must_space()?;
            let system = lines(self.literal()?);
            return Ok(Some((Some(system), None)));
        }
        if !self.eat("PUBLIC") {
            return Ok(None);
        }
        self.must_space()?;
        let from = self.at + 1;
        let public = self.literal()?;
        let allowed = |b: &u8| b.is_ascii_alphanumeric() || b" \r\n-'()+,./:=?;!*#@$_%".contains(b);
        if let Some(i) = public.iter().position(|b| !allowed(b)) {
            return Err(Stop::Wrong(code::PUBLICID, from + i));
        }
        let public = text(public).split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        self.space()?;
        let system = match self.peek() {
            Some(b'"' | b'\'') => Some(lines(self.literal()?)),
            _ if notation => None,
            _ => return Err(Stop::Wrong(code::SYNTAX, self.at)),
        };
        Ok(Some((system, Some(public))))
    }

    fn end(&mut self) -> Result<(), Stop> {
        self.space()?;
        if self.peek() == Some(b'>') { Ok(()) } else { Err(Stop::Wrong(code::SYNTAX, self.at)) }
    }
}

impl Dtd {
    /// Reads one declaration `<!…>`; gives what is told of it.
    pub fn declare(&mut self, s: &[u8]) -> Result<Vec<Event>, Stop> {
        let mut r = Reader { s, at: 2 };
        let keyword = r.name()?;
        r.must_space()?;
        match keyword.as_str() {
            "ENTITY" => self.entity(&mut r),
            "ATTLIST" => self.attributes(&mut r),
            "ELEMENT" => {
                let name = r.name()?;
                r.must_space()?;
                let model = content(&mut r)?;
                r.end()?;
                Ok(vec![Event::ElementDecl(name, model)])
            }
            "NOTATION" => {
                let name = r.name()?;
                r.must_space()?;
                let Some((system, public)) = r.external_id(true)? else {
                    return Err(Stop::Wrong(code::SYNTAX, r.at));
                };
                r.end()?;
                Ok(vec![Event::NotationDecl(name, system, public)])
            }
            _ => Err(Stop::Wrong(code::SYNTAX, 0)),
        }
    }

    fn entity(&mut self, r: &mut Reader<'_>) -> Result<Vec<Event>, Stop> {
        let parameter = r.eat("%");
        if parameter {
            r.must_space()?;
        }
        let name = r.name()?;
        r.must_space()?;
        let mut entity = Entity::default();
        match r.external_id(false)? {
            Some((system, public)) => {
                (entity.system, entity.public) = (system, public);
                if r.space()? && !parameter && r.eat("NDATA") {
                    r.must_space()?;
                    entity.notation = Some(r.name()?);
                }
            }
            None => {
                let from = r.at + 1;
                let literal = r.literal()?.to_vec();
                let value = self.entity_value(&literal).map_err(|e| match e {
                    Stop::Wrong(code, at) => Stop::Wrong(code, from + at),
                    Stop::More => Stop::Wrong(code::INVALID_TOKEN, from + literal.len()),
                })?;
                entity.value = Some(value);
            }
        }
        r.end()?;
        let table = if parameter { &mut self.parameters } else { &mut self.entities };
        if table.contains_key(&name) {
            return Ok(vec![Event::Other]);
        }
        let Entity { value, system, public, notation, .. } = entity.clone();
        table.insert(name.clone(), entity);
        Ok(vec![match notation {
            Some(notation) => Event::UnparsedEntityDecl(name, system, public, notation),
            None => Event::EntityDecl(name, parameter, value, system, public),
        }])
    }

    /// The text of an entity: characters are replaced, entities are not.
    fn entity_value(&self, s: &[u8]) -> Result<String, Stop> {
        let (mut out, mut at) = (String::new(), 0);
        while at < s.len() {
            if s[at] == b'&' {
                let (found, end) = reference(s, at)?;
                match found {
                    Reference::Char(c) if s[at + 1] == b'#' => out.push(c),
                    _ => out.push_str(&text(&s[at..end])),
                }
                at = end;
            } else if s[at] == b'%' {
                return Err(Stop::Wrong(code::PARAM_ENTITY_REF, at));
            } else {
                let (c, n) = char_at(s, at)?;
                out.push(c);
                at += n;
            }
        }
        Ok(out.replace("\r\n", "\n"))
    }

    fn attributes(&mut self, r: &mut Reader<'_>) -> Result<Vec<Event>, Stop> {
        let element = r.name()?;
        let mut told = Vec::new();
        loop {
            let spaced = r.space()?;
            if r.peek() == Some(b'>') {
                break;
            }
            if !spaced {
                return invalid(r.at);
            }
            let name = r.name()?;
            r.must_space()?;
            let kind = attribute_type(r)?;
            r.must_space()?;
            let (default, required) = if r.eat("#REQUIRED") {
                (None, true)
            } else if r.eat("#IMPLIED") {
                (None, false)
            } else {
                let fixed = r.eat("#FIXED");
                if fixed {
                    r.must_space()?;
                }
                let from = r.at + 1;
                let literal = r.literal()?.to_vec();
                let value = self.attribute_value(&literal, kind == "CDATA").map_err(|e| match e {
                    Stop::Wrong(code, at) => Stop::Wrong(code, from + at),
                    Stop::More => Stop::Wrong(code::INVALID_TOKEN, from + literal.len()),
                })?;
                (Some(value), fixed)
            };
            let known = self.attributes.entry(element.clone()).or_default();
            if known.iter().all(|a| a.name != name) {
                known.push(Attribute { name: name.clone(), is_text: kind == "CDATA", default: default.clone() });
            }
            told.push(Event::AttlistDecl(element.clone(), name, kind, default, required));
        }
        Ok(if told.is_empty() { vec![Event::Other] } else { told })
    }

    /// The value of an attribute as the program gets it.
    pub fn attribute_value(&mut self, s: &[u8], is_text: bool) -> Result<String, Stop> {
        let mut out = String::new();
        self.expand(s, &mut out)?;
        if !is_text {
            out = out.split(' ').filter(|p| !p.is_empty()).collect::<Vec<_>>().join(" ");
        }
        Ok(out)
    }

    fn expand(&mut self, s: &[u8], out: &mut String) -> Result<(), Stop> {
        let mut at = 0;
        while at < s.len() {
            match s[at] {
                b'\r' if s.get(at + 1) == Some(&b'\n') => at += 1,
                b if is_space(b) => {
                    out.push(' ');
                    at += 1;
                }
                b'&' => {
                    let (found, end) = reference(s, at)?;
                    match found {
                        Reference::Char(c) => out.push(c),
                        Reference::Entity(name) => self.expand_entity(&name, at, out)?,
                    }
                    at = end;
                }
                b'<' => return invalid(at),
                _ => {
                    let (c, n) = char_at(s, at)?;
                    out.push(c);
                    at += n;
                }
            }
        }
        Ok(())
    }

    fn expand_entity(&mut self, name: &str, at: usize, out: &mut String) -> Result<(), Stop> {
        let Some(entity) = self.entities.get_mut(name) else {
            let skipped = self.incomplete && !self.standalone;
            return if skipped { Ok(()) } else { Err(Stop::Wrong(code::UNDEFINED_ENTITY, at)) };
        };
        if entity.open {
            return Err(Stop::Wrong(code::RECURSIVE_ENTITY_REF, at));
        }
        if entity.notation.is_some() {
            return Err(Stop::Wrong(code::BINARY_ENTITY_REF, at));
        }
        let Some(value) = entity.value.clone() else {
            return Err(Stop::Wrong(code::ATTRIBUTE_EXTERNAL_ENTITY_REF, at));
        };
        entity.open = true;
        let result = self.expand(value.as_bytes(), out);
        if let Some(entity) = self.entities.get_mut(name) {
            entity.open = false;
        }
        if out.len() > 1 << 24 {
            return Err(Stop::Wrong(code::AMPLIFICATION_LIMIT_BREACH, at));
        }
        result.map_err(|e| match e {
            Stop::Wrong(code, _) => Stop::Wrong(code, at),
            Stop::More => Stop::Wrong(code::INVALID_TOKEN, at),
        })
    }
}

/// The type of an attribute, written without spaces.
fn attribute_type(r: &mut Reader<'_>) -> Result<String, Stop> {
    let mut kind = String::new();
    if r.peek() != Some(b'(') {
        kind = r.name()?;
        const KINDS: [&str; 8] = ["CDATA", "ID", "IDREF", "IDREFS", "ENTITY", "ENTITIES", "NMTOKEN", "NMTOKENS"];
        if kind != "NOTATION" {
            return if KINDS.contains(&kind.as_str()) { Ok(kind) } else { Err(Stop::Wrong(code::SYNTAX, r.at)) };
        }
        r.must_space()?;
    }
    if !r.eat("(") {
        return Err(Stop::Wrong(code::SYNTAX, r.at));
    }
    kind.push('(');
    loop {
        r.space()?;
        let end = name_rest(r.s, r.at)?;
        if end == r.at {
            return invalid(end);
        }
        kind.push_str(&text(&r.s[r.at..end]));
        r.at = end;
        r.space()?;
        if r.eat(")") {
            kind.push(')');
            return Ok(kind);
        }
        if !r.eat("|") {
            return invalid(r.at);
        }
        kind.push('|');
    }
}

const EMPTY: i32 = 1;
const ANY: i32 = 2;
const MIXED: i32 = 3;
const NAME: i32 = 4;
const CHOICE: i32 = 5;
const SEQUENCE: i32 = 6;

fn quantifier(r: &Reader<'_>) -> i32 {
    match r.peek() {
        Some(b'?') => 1,
        Some(b'*') => 2,
        Some(b'+') => 3,
        _ => 0,
    }
}

/// A content model.
fn content(r: &mut Reader<'_>) -> Result<Model, Stop> {
    let plain = |kind| Model { kind, quantifier: 0, name: None, children: Vec::new() };
    if r.eat("EMPTY") {
        return Ok(plain(EMPTY));
    }
    if r.eat("ANY") {
        return Ok(plain(ANY));
    }
    let start = r.at;
    if r.eat("(") {
        r.space()?;
        if r.eat("#PCDATA") {
            return mixed(r);
        }
    }
    r.at = start;
    group(r, 0)
}

fn mixed(r: &mut Reader<'_>) -> Result<Model, Stop> {
    let mut children = Vec::new();
    loop {
        r.space()?;
        if r.eat(")") {
            let star = r.eat("*");
            if !children.is_empty() && !star {
                return Err(Stop::Wrong(code::SYNTAX, r.at));
            }
            return Ok(Model { kind: MIXED, quantifier: if star { 2 } else { 0 }, name: None, children });
        }
        if !r.eat("|") {
            return Err(Stop::Wrong(code::SYNTAX, r.at));
        }
        r.space()?;
        children.push(Model { kind: NAME, quantifier: 0, name: Some(r.name()?), children: Vec::new() });
    }
}

fn group(r: &mut Reader<'_>, depth: usize) -> Result<Model, Stop> {
    if depth > 1000 || !r.eat("(") {
        return Err(Stop::Wrong(code::SYNTAX, r.at));
    }
    let (mut children, mut separator) = (Vec::new(), None);
    loop {
        r.space()?;
        let mut child = match r.peek() {
            Some(b'(') => group(r, depth + 1)?,
            _ => Model { kind: NAME, quantifier: 0, name: Some(r.name()?), children: Vec::new() },
        };
        if child.kind == NAME {
            child.quantifier = quantifier(r);
            r.at += usize::from(child.quantifier != 0);
        }
        children.push(child);
        r.space()?;
        match r.peek() {
            Some(b')') => break,
            Some(b @ (b'|' | b',')) if separator.is_none_or(|s| s == b) => separator = Some(b),
            _ => return Err(Stop::Wrong(code::SYNTAX, r.at)),
        }
        r.at += 1;
    }
    r.at += 1;
    let kind = if separator == Some(b'|') { CHOICE } else { SEQUENCE };
    let q = quantifier(r);
    r.at += usize::from(q != 0);
    Ok(Model { kind, quantifier: q, name: None, children })
}
