//! The parser: bytes in, events out. It keeps what it has not understood yet, so documents may come in any pieces.

use super::dtd::{Dtd, Reader, declaration_end};
use super::encoding::Decoder;
use super::event::{Event, Fault, Position, Told, code};
use super::markup::{Tag, header_end, literal_bounds, xml_declaration};
use super::namespaces::Namespaces;
use super::text::{
    Reference, Stop, char_at, continues_name, invalid, is_space, lines, name, name_rest, reference, skip_space, text,
};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

/// Where in the document.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    /// Before anything.
    Start,
    /// Before the root element.
    Prolog,
    /// Inside of `<!DOCTYPE … [`.
    Subset,
    /// In an element, or in an external entity.
    Content,
    /// In `<![CDATA[`.
    Cdata,
    /// After the root element.
    Epilog,
}

/// An entity being read in place of its reference.
struct Expansion {
    text: Vec<u8>,
    at: usize,
    name: String,
    depth: usize,
    /// Where the reference is.
    origin: Position,
}

/// A parser.
pub struct Machine {
    decoder: Decoder,
    /// Decoded, from `at` on not understood yet.
    buffer: Vec<u8>,
    at: usize,
    /// Where `at` is, and where the present event began.
    position: Position,
    event: Position,
    place: Place,
    /// Open elements: as written, as told, and how many prefixes they declare.
    open: Vec<(String, String, usize)>,
    expansions: Vec<Expansion>,
    /// What the document type says; shared with the parsers of external entities.
    pub dtd: Rc<RefCell<Dtd>>,
    namespaces: Option<Namespaces>,
    doctype: bool,
    /// Declarations outside of the document, read after those inside: system and public id.
    outside: Option<(String, Option<String>)>,
    /// An external entity: it need not be one element.
    fragment: bool,
    events: VecDeque<Told>,
    finished: bool,
    /// Entities of the document are replaced, rather than told.
    pub expand: bool,
    /// `SetParamEntityParsing`
    pub parameter_parsing: i32,
    /// `UseForeignDTD`
    pub foreign: bool,
    /// Bytes of the document, and of entities put in place of references.
    direct: usize,
    indirect: usize,
    /// When there are so many bytes in all, they may be so many times those of the document.
    pub most: (u64, f64),
    /// Bytes at the last attempt that found no token; with fewer than twice as many the next one waits.
    before: usize,
}

type Step = Result<(), Stop>;

impl Machine {
    /// A parser of documents; with a separator, of namespaces.
    pub fn new(encoding: Option<String>, separator: Option<String>) -> Machine {
        Machine {
            decoder: Decoder::new(encoding),
            buffer: Vec::new(),
            at: 0,
            position: Position::default(),
            event: Position::default(),
            place: Place::Start,
            open: Vec::new(),
            expansions: Vec::new(),
            dtd: Rc::default(),
            namespaces: separator.map(Namespaces::new),
            doctype: false,
            outside: None,
            fragment: false,
            events: VecDeque::new(),
            finished: false,
            expand: true,
            parameter_parsing: 0,
            foreign: false,
            direct: 0,
            indirect: 0,
            most: (8 << 20, 100.0),
            before: 0,
        }
    }

    /// A parser of an external entity of this document: of its content, or of declarations.
    pub fn external(&self, declarations: bool, encoding: Option<String>) -> Machine {
        let mut m = Machine::new(encoding, None);
        (m.dtd, m.namespaces, m.expand) = (self.dtd.clone(), self.namespaces.clone(), self.expand);
        m.parameter_parsing = self.parameter_parsing;
        (m.fragment, m.doctype) = (true, declarations);
        m
    }

    /// Tells prefixes along with names.
    pub fn triplets(&mut self, on: bool) {
        if let Some(n) = &mut self.namespaces {
            n.triplets = on;
        }
    }

    /// Whether anything was read.
    pub fn started(&self) -> bool {
        self.place != Place::Start || !self.buffer.is_empty()
    }

    /// Takes in more of the document.
    pub fn feed(&mut self, data: &[u8]) {
        self.buffer.drain(..self.at);
        self.at = 0;
        self.direct += data.len();
        self.decoder.feed(data);
    }

    /// Bytes that are not understood yet.
    pub fn rest(&self) -> usize {
        self.buffer.len() - self.at + self.decoder.rest()
    }

    /// Whether trying again is worth it: a token in small pieces is not read from its beginning for each of them.
    pub fn worth_it(&self) -> bool {
        self.rest() >= 2 * self.before
    }

    /// Notes how an attempt went that began with so many bytes.
    pub fn attempted(&mut self, had: usize) {
        self.before = if self.rest() == had { had } else { 0 };
    }

    /// Whether this parses an entity of another parser's document.
    pub fn is_part(&self) -> bool {
        self.fragment
    }

    /// The encoding that must be given by [`Machine::map`] before parsing can go on.
    pub fn wanted_encoding(&self) -> Option<&str> {
        self.decoder.wanted()
    }

    /// What the 256 bytes of the wanted encoding mean.
    pub fn map(&mut self, table: Vec<Option<char>>) {
        self.decoder.map(table);
    }

    /// Input is text, whatever it says of itself.
    pub fn force_utf8(&mut self) {
        self.decoder.force_utf8();
    }

    /// Where the present event is.
    pub fn event_position(&self) -> Position {
        self.event
    }

    /// A fault at the present event.
    pub fn fault(&self, code: usize) -> Fault {
        Fault { code, at: self.event }
    }

    /// The next event; `None` when there is none yet, or at the end of the document.
    pub fn next(&mut self, last: bool) -> Result<Option<Told>, Fault> {
        loop {
            if let Some(told) = self.events.pop_front() {
                self.event = told.at;
                return Ok(Some(told));
            }
            self.event = self.expansions.first().map_or(self.position, |e| e.origin);
            if self.finished {
                return Ok(None);
            }
            self.decode(last)?;
            if self.wanted_encoding().is_some() {
                return Ok(None);
            }
            self.event = self.expansions.first().map_or(self.position, |e| e.origin);
            let before = (self.at, self.place, self.expansions.len(), self.expansions.last().map(|e| e.at));
            match self.step(last) {
                Ok(()) => {
                    let now = (self.at, self.place, self.expansions.len(), self.expansions.last().map(|e| e.at));
                    if before == now && self.events.is_empty() {
                        return Ok(None);
                    }
                }
                Err(Stop::More) if !last && self.expansions.is_empty() => return Ok(None),
                Err(Stop::More) => return Err(self.unfinished()),
                Err(Stop::Wrong(code, offset)) => {
                    self.finished = true;
                    return Err(self.wrong(code, offset));
                }
            }
        }
    }

    /// The document ends inside of something.
    fn unfinished(&mut self) -> Fault {
        self.finished = true;
        let code = match self.place {
            Place::Cdata => code::UNCLOSED_CDATA_SECTION,
            _ if !self.expansions.is_empty() => code::INVALID_TOKEN,
            _ => {
                let rest = &self.buffer[self.at..];
                let cut = std::str::from_utf8(rest).is_err_and(|e| e.error_len().is_none() && e.valid_up_to() == 0);
                if cut { code::PARTIAL_CHAR } else { code::UNCLOSED_TOKEN }
            }
        };
        self.fault(code)
    }

    /// A fault at an offset from the present token.
    fn wrong(&self, code: usize, offset: usize) -> Fault {
        if !self.expansions.is_empty() {
            return self.fault(code);
        }
        let mut at = self.position;
        let end = self.buffer.len().min(self.at + offset);
        advance(&mut at, &self.buffer[self.at..end], &self.decoder);
        Fault { code, at }
    }

    fn decode(&mut self, last: bool) -> Result<(), Fault> {
        match self.decoder.decode(&mut self.buffer, last) {
            Ok(0) => Ok(()),
            Ok(mark) => {
                // The byte order mark counts as a character.
                (self.position.column, self.position.offset) = (1, mark);
                Ok(())
            }
            Err(code) => {
                self.finished = true;
                Err(self.fault(code))
            }
        }
    }

    /// What is read now: the document or an entity.
    fn source(&self) -> &[u8] {
        match self.expansions.last() {
            Some(e) => &e.text[e.at..],
            None => &self.buffer[self.at..],
        }
    }

    /// Passes `n` bytes and tells of them.
    fn tell(&mut self, n: usize, event: Event) {
        let raw = text(&self.source()[..n]);
        self.pass(n);
        let at = self.event;
        self.events.push_back(Told { event, raw, at });
    }

    fn pass(&mut self, n: usize) {
        match self.expansions.last_mut() {
            Some(e) => e.at += n,
            None => {
                advance(&mut self.position, &self.buffer[self.at..self.at + n], &self.decoder);
                self.at += n;
            }
        }
    }

    fn also(&mut self, event: Event, raw: &str) {
        self.events.push_back(Told { event, raw: raw.to_owned(), at: self.event });
    }

    fn step(&mut self, last: bool) -> Step {
        match self.place {
            Place::Start => self.start(last),
            Place::Prolog => self.prolog(last),
            Place::Subset => self.subset(last),
            Place::Content => self.content(last),
            Place::Cdata => self.cdata(),
            Place::Epilog => self.epilog(last),
        }
    }

    /// `<?xml …?>`, if it is there.
    fn start(&mut self, last: bool) -> Step {
        let s = self.source();
        const OPENING: &[u8] = b"<?xml";
        if s.len() < OPENING.len() + 1 && OPENING.starts_with(&s[..s.len().min(5)]) && !last {
            return Ok(());
        }
        let next = match (self.fragment, self.doctype) {
            (false, _) => Place::Prolog,
            (true, false) => Place::Content,
            (true, true) => Place::Subset,
        };
        if !(s.starts_with(OPENING) && s.get(5).copied().is_some_and(is_space)) {
            self.place = next;
            return Ok(());
        }
        let Some(end) = memchr::memmem::find(s, b"?>") else { return Err(Stop::More) };
        let (version, encoding, standalone) = xml_declaration(&s[..end + 2], self.fragment)?;
        if let Some(e) = &encoding {
            let at = memchr::memmem::find(s, e.as_bytes()).unwrap_or(0);
            if let Some(code) = self.decoder.declared(e) {
                return Err(Stop::Wrong(code, at));
            }
        }
        self.place = next;
        self.dtd.borrow_mut().standalone = standalone == 1;
        self.tell(end + 2, Event::XmlDecl(version, encoding, standalone));
        // What follows is decoded as declared.
        self.decoder.restart(&mut self.buffer, self.at);
        Ok(())
    }

    /// White space at the beginning, as its own event; whether there was any.
    fn space(&mut self) -> bool {
        let n = self.source().iter().take_while(|&&b| is_space(b)).count();
        if n > 0 {
            self.tell(n, Event::Other);
        }
        n > 0
    }

    fn prolog(&mut self, last: bool) -> Step {
        if self.space() {
            return Ok(());
        }
        let s = self.source();
        match s {
            [] if last => Err(Stop::Wrong(code::NO_ELEMENTS, 0)),
            [] => Ok(()),
            [b'<'] => Err(Stop::More),
            [b'<', b'!' | b'?', ..] => self.miscellaneous(),
            [b'<', ..] => {
                name(s, 1)?;
                if self.foreign && !self.doctype {
                    self.dtd.borrow_mut().incomplete = true;
                    if self.parameter_parsing != 0 {
                        self.also(Event::External(None, None, None), "");
                    }
                }
                self.place = Place::Content;
                Ok(())
            }
            _ => {
                let (c, n) = char_at(s, 0)?;
                if !continues_name(c) {
                    return Err(Stop::Wrong(code::SYNTAX, 0));
                }
                match name_rest(s, n) {
                    Ok(end) if !is_space(s[end]) && !b">),|[%?*+".contains(&s[end]) => invalid(end),
                    Err(Stop::More) if !last => Err(Stop::More),
                    _ => Err(Stop::Wrong(code::SYNTAX, 0)),
                }
            }
        }
    }

    fn epilog(&mut self, last: bool) -> Step {
        if self.space() {
            return Ok(());
        }
        match self.source() {
            [] => {
                self.finished = last;
                Ok(())
            }
            [b'<'] | [b'<', b'!'] => Err(Stop::More),
            [b'<', b'!', b'-', ..] | [b'<', b'?', ..] => self.miscellaneous(),
            [b'&', ..] => invalid(0),
            s => {
                char_at(s, 0)?;
                if s[0] == b'<' && s[1] != b'!' {
                    name(s, 1)?;
                }
                Err(Stop::Wrong(code::JUNK_AFTER_DOC_ELEMENT, 0))
            }
        }
    }

    /// A comment, an instruction, or the document type.
    fn miscellaneous(&mut self) -> Step {
        let s = self.source();
        if s.starts_with(b"<!--") {
            return self.comment();
        }
        if s[1] == b'?' {
            return self.instruction();
        }
        const DOCTYPE: &[u8] = b"<!DOCTYPE";
        if s.len() < DOCTYPE.len() && DOCTYPE.starts_with(s) || b"<!--".starts_with(s) {
            return Err(Stop::More);
        }
        if !s.starts_with(DOCTYPE) || self.doctype || self.place != Place::Prolog {
            let at = s.iter().zip(DOCTYPE).position(|(a, b)| a != b).unwrap_or(3);
            let is_token = at > 2 || s.get(2) == Some(&b'[');
            return if is_token { Err(Stop::Wrong(code::SYNTAX, 0)) } else { invalid(at) };
        }
        self.document_type()
    }

    fn document_type(&mut self) -> Step {
        let s = self.source().to_vec();
        header_end(&s)?;
        let mut r = Reader { s: &s, at: 9 };
        let mut tokens = vec![0, 9];
        r.must_space()?;
        tokens.push(r.at);
        let name = r.name()?;
        tokens.push(r.at);
        let mut ids = None;
        if r.space()? && !matches!(r.peek(), Some(b'[' | b'>')) {
            tokens.push(r.at);
            let word = r.at + 6;
            ids = r.external_id(false)?;
            if ids.is_none() {
                return Err(Stop::Wrong(code::SYNTAX, r.at));
            }
            tokens.extend(literal_bounds(&s, word, r.at));
            r.space()?;
        }
        tokens.push(r.at);
        let subset = match r.peek() {
            Some(b'[') => true,
            Some(b'>') => false,
            _ => return invalid(r.at),
        };
        tokens.push(r.at + 1);
        let (system, public) = ids.unwrap_or_default();
        self.doctype = true;
        if system.is_some() {
            self.dtd.borrow_mut().incomplete = true;
        }
        let outside = system.is_some() && self.parameter_parsing != 0;
        if system.is_some() && !self.dtd.borrow().standalone {
            self.also(Event::NotStandalone, "");
        }
        // The default handler gets the declaration token by token.
        tokens.dedup();
        for w in tokens.windows(2) {
            self.also(Event::StartDoctype(String::new(), None, None, false), &text(&s[w[0]..w[1]]));
        }
        self.also(Event::StartDoctype(name, system.clone(), public.clone(), subset), "");
        self.pass(r.at + 1);
        self.outside = system.zip(Some(public)).filter(|_| outside);
        if subset {
            self.place = Place::Subset;
        } else {
            self.end_document_type();
        }
        Ok(())
    }

    fn end_document_type(&mut self) {
        if let Some((system, public)) = self.outside.take() {
            self.also(Event::External(None, Some(system), public), "");
        }
        self.also(Event::EndDoctype, "");
        self.place = Place::Prolog;
    }

    fn subset(&mut self, last: bool) -> Step {
        if self.space() {
            return Ok(());
        }
        let s = self.source();
        match s {
            [] if last && self.fragment => {
                self.finished = true;
                Ok(())
            }
            [] if last => Err(Stop::Wrong(code::NO_ELEMENTS, 0)),
            [] => Ok(()),
            [b']', ..] if !self.fragment => {
                let end = skip_space(s, 1)?;
                if s[end] != b'>' {
                    return invalid(end);
                }
                for raw in [text(&s[..1]), text(&s[1..end]), text(&s[end..end + 1])] {
                    if !raw.is_empty() {
                        self.also(Event::EndDoctype, &raw);
                    }
                }
                self.pass(end + 1);
                self.end_document_type();
                Ok(())
            }
            [b'%', ..] => {
                let end = name(s, 1)?;
                if s[end] != b';' {
                    return invalid(end);
                }
                let parameter = text(&s[1..end]);
                let known = self.dtd.borrow().parameters.get(&parameter).cloned();
                let read = self.parameter_parsing != 0;
                let mut event = if read { Event::Skipped(parameter, true) } else { Event::Other };
                match known.and_then(|e| e.value).filter(|_| read) {
                    // Its declarations, in place.
                    Some(value) => {
                        self.declarations(value.as_bytes())?;
                        event = Event::Other;
                    }
                    None => self.dtd.borrow_mut().incomplete = true,
                }
                if !self.dtd.borrow().standalone {
                    self.also(Event::NotStandalone, "");
                }
                self.tell(end + 1, event);
                Ok(())
            }
            [b'<', b'!', b'-', ..] | [b'<', b'?', ..] => self.miscellaneous(),
            [b'<', b'!', ..] => {
                let end = declaration_end(s)?;
                let declaration = s[..end].to_vec();
                let told = self.dtd.borrow_mut().declare(&declaration)?;
                self.pass(end);
                let raw = text(&declaration);
                for (i, event) in told.into_iter().enumerate() {
                    self.also(event, if i == 0 { &raw } else { "" });
                }
                Ok(())
            }
            [b'<'] => Err(Stop::More),
            _ => {
                char_at(s, 0)?;
                Err(Stop::Wrong(code::SYNTAX, 0))
            }
        }
    }

    /// Declarations of a parameter entity.
    fn declarations(&mut self, s: &[u8]) -> Step {
        let mut at = 0;
        while at < s.len() {
            if is_space(s[at]) {
                at += 1;
                continue;
            }
            let wrong = |_| Stop::Wrong(code::INCOMPLETE_PE, 0);
            if s[at..].starts_with(b"<!--") {
                at = memchr::memmem::find(&s[at..], b"-->").map(|n| at + n + 3).ok_or(wrong(()))?;
                continue;
            }
            if !s[at..].starts_with(b"<!") {
                return Err(wrong(()));
            }
            let end = at + declaration_end(&s[at..]).map_err(|_| wrong(()))?;
            let told = self.dtd.borrow_mut().declare(&s[at..end]).map_err(|_| wrong(()))?;
            told.into_iter().for_each(|event| self.also(event, ""));
            at = end;
        }
        Ok(())
    }

    fn comment(&mut self) -> Step {
        let s = self.source();
        let mut at = 4;
        loop {
            let (c, n) = char_at(s, at)?;
            if c == '-' && char_at(s, at + 1)?.0 == '-' {
                if char_at(s, at + 2)?.0 != '>' {
                    return invalid(at + 2);
                }
                let body = lines(&s[4..at]);
                self.tell(at + 3, Event::Comment(body));
                return Ok(());
            }
            at += n;
        }
    }

    fn instruction(&mut self) -> Step {
        let s = self.source();
        let end = name(s, 2)?;
        let target = text(&s[2..end]);
        if target.eq_ignore_ascii_case("xml") {
            return if target == "xml" { Err(Stop::Wrong(code::MISPLACED_XML_PI, 0)) } else { invalid(end) };
        }
        let mut at = end;
        if !is_space(s[at]) {
            let close = char_at(s, at)?.0 == '?' && char_at(s, at + 1)?.0 == '>';
            if !close {
                return invalid(if s[at] == b'?' { at + 1 } else { at });
            }
        }
        loop {
            let (c, n) = char_at(s, at)?;
            if c == '?' && char_at(s, at + 1)?.0 == '>' {
                break;
            }
            at += n;
        }
        let data = lines(&s[skip_space(s, end)?.min(at)..at]);
        self.tell(at + 2, Event::Instruction(target, data));
        Ok(())
    }

    // ---- Content -------------------------------------------------------------------------------------------------

    fn content(&mut self, last: bool) -> Step {
        let nested = !self.expansions.is_empty();
        let s = self.source();
        match s {
            [] if nested => {
                if self.expansions.last().is_some_and(|e| e.depth != self.open.len()) {
                    return Err(Stop::Wrong(code::ASYNC_ENTITY, 0));
                }
                if let Some(e) = self.expansions.pop() {
                    if let Some(entity) = self.dtd.borrow_mut().entities.get_mut(&e.name) {
                        entity.open = false;
                    }
                }
                Ok(())
            }
            [] if last && self.fragment && self.open.is_empty() => {
                self.finished = true;
                Ok(())
            }
            [] if last => Err(Stop::Wrong(code::NO_ELEMENTS, 0)),
            [] => Ok(()),
            [b'<'] => Err(Stop::More),
            [b'<', b'/', ..] => self.end_tag(),
            [b'<', b'?', ..] => self.instruction(),
            [b'<', b'!', ..] => {
                const CDATA: &[u8] = b"<![CDATA[";
                if s.starts_with(b"<!--") {
                    return self.comment();
                }
                if s.starts_with(CDATA) {
                    self.place = Place::Cdata;
                    self.tell(CDATA.len(), Event::StartCdata);
                    return Ok(());
                }
                if CDATA.starts_with(s) || b"<!--".starts_with(s) {
                    return Err(Stop::More);
                }
                let wrong = s.iter().zip(if s[2] == b'-' { b"<!--" } else { CDATA }).position(|(a, b)| a != b);
                invalid(wrong.unwrap_or(2))
            }
            [b'<', ..] => self.start_tag(),
            [b'&', ..] => self.entity(),
            _ => self.characters(last || nested),
        }
    }

    /// Characters up to markup or the end of the line; line ends come alone.
    fn characters(&mut self, last: bool) -> Step {
        let s = self.source();
        if s[0] == b'\n' {
            self.tell(1, Event::Text("\n".to_owned()));
            return Ok(());
        }
        if s[0] == b'\r' {
            if s.len() == 1 && !last {
                return Err(Stop::More);
            }
            self.tell(if s.get(1) == Some(&b'\n') { 2 } else { 1 }, Event::Text("\n".to_owned()));
            return Ok(());
        }
        let (mut at, mut stop) = (0, None);
        // Converted text comes in pieces of a buffer's size.
        let most = if self.expansions.is_empty() && self.decoder.converts() { 1024 } else { usize::MAX };
        while at < s.len() && at < most && !matches!(s[at], b'<' | b'&' | b'\n' | b'\r') {
            if s[at] == b']' {
                if s[at..].starts_with(b"]]>") {
                    stop = Some(Stop::Wrong(code::INVALID_TOKEN, at + 2));
                    break;
                }
                if s.len() - at < 3 && b"]]>".starts_with(&s[at..]) && !last {
                    stop = Some(Stop::More);
                    break;
                }
            }
            match char_at(s, at) {
                Ok((_, n)) => at += n,
                Err(e) => {
                    stop = Some(e);
                    break;
                }
            }
        }
        match stop {
            Some(e) if at == 0 => Err(e),
            // What is right comes first.
            Some(Stop::Wrong(code, offset)) if code == code::INVALID_TOKEN && offset > at => {
                Err(Stop::Wrong(code, offset))
            }
            _ => {
                let found = text(&s[..at]);
                self.tell(at, Event::Text(found));
                Ok(())
            }
        }
    }

    fn cdata(&mut self) -> Step {
        let s = self.source();
        if s.starts_with(b"]]>") {
            self.place = Place::Content;
            self.tell(3, Event::EndCdata);
            return Ok(());
        }
        if s.is_empty() || b"]]>".starts_with(s) {
            return Err(Stop::More);
        }
        if s[0] == b'\n' || s[0] == b'\r' {
            if s == b"\r" {
                return Err(Stop::More);
            }
            self.tell(if s.starts_with(b"\r\n") { 2 } else { 1 }, Event::Text("\n".to_owned()));
            return Ok(());
        }
        let mut at = 0;
        while at < s.len() && !matches!(s[at], b'\n' | b'\r') && !s[at..].starts_with(b"]]>") {
            if s.len() - at < 3 && b"]]>".starts_with(&s[at..]) {
                break;
            }
            match char_at(s, at) {
                Ok((_, n)) => at += n,
                Err(e) if at == 0 => return Err(e),
                Err(_) => break,
            }
        }
        let found = text(&s[..at]);
        self.tell(at, Event::Text(found));
        Ok(())
    }

    fn entity(&mut self) -> Step {
        let (found, end) = reference(self.source(), 0)?;
        let name = match found {
            Reference::Char(c) => {
                self.tell(end, Event::Text(c.to_string()));
                return Ok(());
            }
            Reference::Entity(name) => name,
        };
        let known = self.dtd.borrow().entities.get(&name).cloned();
        let Some(entity) = known else {
            let dtd = self.dtd.borrow();
            if !dtd.incomplete || dtd.standalone {
                return Err(Stop::Wrong(code::UNDEFINED_ENTITY, 0));
            }
            drop(dtd);
            self.tell(end, Event::Skipped(name, false));
            return Ok(());
        };
        if entity.open {
            return Err(Stop::Wrong(code::RECURSIVE_ENTITY_REF, 0));
        }
        if entity.notation.is_some() {
            return Err(Stop::Wrong(code::BINARY_ENTITY_REF, 0));
        }
        match entity.value {
            None => self.tell(end, Event::External(Some(name), entity.system, entity.public)),
            Some(_) if !self.expand => self.tell(end, Event::Skipped(name, false)),
            Some(value) => {
                self.pass(end);
                self.indirect += value.len();
                let all = (self.direct + self.indirect) as f64;
                let limit = self.direct.max(1) as f64 * self.most.1;
                if all as u64 >= self.most.0 && all > limit || self.expansions.len() > 2000 {
                    return Err(Stop::Wrong(code::AMPLIFICATION_LIMIT_BREACH, 0));
                }
                if let Some(entity) = self.dtd.borrow_mut().entities.get_mut(&name) {
                    entity.open = true;
                }
                let (depth, origin) = (self.open.len(), self.event);
                self.expansions.push(Expansion { text: value.into_bytes(), at: 0, name, depth, origin });
            }
        }
        Ok(())
    }

    fn end_tag(&mut self) -> Step {
        let s = self.source();
        let end = name(s, 2)?;
        let close = skip_space(s, end)?;
        if s[close] != b'>' {
            return invalid(close);
        }
        let found = text(&s[2..end]);
        let floor = self.expansions.last().map_or(0, |e| e.depth);
        if self.open.len() <= floor {
            return Err(Stop::Wrong(code::ASYNC_ENTITY, 0));
        }
        match self.open.pop() {
            Some((written, told, prefixes)) if written == found => {
                self.tell(close + 1, Event::EndElement(told));
                self.left(prefixes);
                Ok(())
            }
            _ => Err(Stop::Wrong(code::TAG_MISMATCH, 2)),
        }
    }

    /// An element has ended.
    fn left(&mut self, prefixes: usize) {
        for _ in 0..prefixes {
            if let Some(prefix) = self.namespaces.as_mut().and_then(Namespaces::leave) {
                self.also(Event::EndNamespace(prefix), "");
            }
        }
        if self.open.is_empty() && !self.fragment {
            self.place = Place::Epilog;
        }
    }

    fn start_tag(&mut self) -> Step {
        let s = self.source();
        let tag = Tag::read(s)?;
        let element = text(&s[1..tag.name_end]);
        let (mut attributes, mut seen): (Vec<(String, String)>, _) = (Vec::new(), Vec::new());
        {
            let mut dtd = self.dtd.borrow_mut();
            let declared = dtd.attributes.get(&element).cloned().unwrap_or_default();
            for a in &tag.attributes {
                let name = text(&s[a.name.0..a.name.1]);
                if seen.contains(&name) {
                    return Err(Stop::Wrong(code::DUPLICATE_ATTRIBUTE, a.name.0));
                }
                let is_text = declared.iter().find(|d| d.name == name).is_none_or(|d| d.is_text);
                let value = dtd.attribute_value(&s[a.value.0..a.value.1], is_text).map_err(|e| match e {
                    Stop::Wrong(code::ATTRIBUTE_EXTERNAL_ENTITY_REF, at) => {
                        Stop::Wrong(code::ATTRIBUTE_EXTERNAL_ENTITY_REF, a.value.0 + at)
                    }
                    Stop::Wrong(code, _) => Stop::Wrong(code, 0),
                    more => more,
                })?;
                seen.push(name.clone());
                attributes.push((name, value));
            }
            for d in declared.into_iter().filter(|d| !seen.contains(&d.name)) {
                if let Some(value) = d.default {
                    attributes.push((d.name, value));
                }
            }
        }
        let mut specified = tag.attributes.len();
        let (mut told, mut prefixes) = (element.clone(), 0);
        if let Some(namespaces) = &mut self.namespaces {
            let entered = namespaces.enter(&element, attributes, specified).map_err(|c| Stop::Wrong(c, 0))?;
            (told, attributes, specified) = (entered.name, entered.attributes, entered.specified);
            prefixes = entered.declared.len();
            for (prefix, uri) in entered.declared {
                self.also(Event::StartNamespace(prefix, uri), "");
            }
        }
        self.tell(tag.end, Event::StartElement(told.clone(), attributes, specified));
        if tag.empty {
            // An element without content ends where its tag does.
            if self.expansions.is_empty() {
                self.event = self.position;
            }
            self.also(Event::EndElement(told), "");
            self.left(prefixes);
        } else {
            self.open.push((element, told, prefixes));
        }
        Ok(())
    }
}

fn advance(position: &mut Position, s: &[u8], decoder: &Decoder) {
    position.offset += decoder.bytes_of(s);
    for (i, &b) in s.iter().enumerate() {
        match b {
            b'\n' if i > 0 && s[i - 1] == b'\r' => {}
            b'\n' | b'\r' => (position.line, position.column) = (position.line + 1, 0),
            0x80..0xc0 => {}
            _ => position.column += 1,
        }
    }
}
