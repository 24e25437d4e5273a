//! What a document consists of, as the machine tells it, and what can be wrong with it.

/// The content model of an element: type, quantifier, name and children, by expat's numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// `XML_CTYPE_…`
    pub kind: i32,
    /// `XML_CQUANT_…`
    pub quantifier: i32,
    /// Of an element.
    pub name: Option<String>,
    /// Of a group.
    pub children: Vec<Model>,
}

/// One thing in the document.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Version, encoding, and standalone: 1, 0, or -1 when not said.
    XmlDecl(Option<String>, Option<String>, i32),
    /// Name, system and public id, and whether there is an internal subset.
    StartDoctype(String, Option<String>, Option<String>, bool),
    /// The end of the document type.
    EndDoctype,
    /// Name and content model.
    ElementDecl(String, Model),
    /// Element, attribute, type, default, required or fixed.
    AttlistDecl(String, String, String, Option<String>, bool),
    /// Name, whether it is a parameter entity, value, system id, public id.
    EntityDecl(String, bool, Option<String>, Option<String>, Option<String>),
    /// Name, system id, public id, notation.
    UnparsedEntityDecl(String, Option<String>, Option<String>, String),
    /// Name, system id, public id.
    NotationDecl(String, Option<String>, Option<String>),
    /// Name and attributes; how many of these were written.
    StartElement(String, Vec<(String, String)>, usize),
    /// Name.
    EndElement(String),
    /// Prefix and URI.
    StartNamespace(Option<String>, Option<String>),
    /// Prefix.
    EndNamespace(Option<String>),
    /// Characters.
    Text(String),
    /// Target and data.
    Instruction(String, String),
    /// Its text.
    Comment(String),
    /// `<![CDATA[`
    StartCdata,
    /// `]]>`
    EndCdata,
    /// An entity that is not read: name, whether it is a parameter entity.
    Skipped(String, bool),
    /// An entity to be read by the program: context, system id, public id.
    External(Option<String>, Option<String>, Option<String>),
    /// There are declarations elsewhere; may the document be read without them?
    NotStandalone,
    /// Nothing of these: for the default handler only.
    Other,
}

/// An event with its source text, which the default handler gets when nobody wants the event.
#[derive(Clone, Debug)]
pub struct Told {
    /// What.
    pub event: Event,
    /// As written.
    pub raw: String,
    /// Where.
    pub at: Position,
}

/// A place in the input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// From 0.
    pub line: usize,
    /// In characters, from 0.
    pub column: usize,
    /// In bytes.
    pub offset: usize,
}

/// The document is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Index in [`MESSAGES`].
    pub code: usize,
    /// Where.
    pub at: Position,
}

macro_rules! faults {
    ($($name:ident $text:literal;)*) => {
        /// Names and messages of the errors, by number from 1 on.
        pub static MESSAGES: &[(&str, &str)] = &[$((concat!("XML_ERROR_", stringify!($name)), $text)),*];
        #[allow(non_camel_case_types, clippy::upper_case_acronyms, dead_code)]
        enum Number { None, $($name),* }
        /// The numbers.
        pub mod code {
            $(
                #[doc = $text]
                #[allow(dead_code)]
                pub const $name: usize = super::Number::$name as usize;
            )*
        }
    };
}
faults! {
    NO_MEMORY "out of memory";
    SYNTAX "syntax error";
    NO_ELEMENTS "no element found";
    INVALID_TOKEN "not well-formed (invalid token)";
    UNCLOSED_TOKEN "unclosed token";
    PARTIAL_CHAR "partial character";
    TAG_MISMATCH "mismatched tag";
    DUPLICATE_ATTRIBUTE "duplicate attribute";
    JUNK_AFTER_DOC_ELEMENT "junk after document element";
    PARAM_ENTITY_REF "illegal parameter entity reference";
    UNDEFINED_ENTITY "undefined entity";
    RECURSIVE_ENTITY_REF "recursive entity reference";
    ASYNC_ENTITY "asynchronous entity";
    BAD_CHAR_REF "reference to invalid character number";
    BINARY_ENTITY_REF "reference to binary entity";
    ATTRIBUTE_EXTERNAL_ENTITY_REF "reference to external entity in attribute";
    MISPLACED_XML_PI "XML or text declaration not at start of entity";
    UNKNOWN_ENCODING "unknown encoding";
    INCORRECT_ENCODING "encoding specified in XML declaration is incorrect";
    UNCLOSED_CDATA_SECTION "unclosed CDATA section";
    EXTERNAL_ENTITY_HANDLING "error in processing external entity reference";
    NOT_STANDALONE "document is not standalone";
    UNEXPECTED_STATE "unexpected parser state - please send a bug report";
    ENTITY_DECLARED_IN_PE "entity declared in parameter entity";
    FEATURE_REQUIRES_XML_DTD "requested feature requires XML_DTD support in Expat";
    CANT_CHANGE_FEATURE_ONCE_PARSING "cannot change setting once parsing has begun";
    UNBOUND_PREFIX "unbound prefix";
    UNDECLARING_PREFIX "must not undeclare prefix";
    INCOMPLETE_PE "incomplete markup in parameter entity";
    XML_DECL "XML declaration not well-formed";
    TEXT_DECL "text declaration not well-formed";
    PUBLICID "illegal character(s) in public id";
    SUSPENDED "parser suspended";
    NOT_SUSPENDED "parser not suspended";
    ABORTED "parsing aborted";
    FINISHED "parsing finished";
    SUSPEND_PE "cannot suspend in external parameter entity";
    RESERVED_PREFIX_XML "reserved prefix (xml) must not be undeclared or bound to another namespace name";
    RESERVED_PREFIX_XMLNS "reserved prefix (xmlns) must not be declared or undeclared";
    RESERVED_NAMESPACE_URI "prefix must not be bound to one of the reserved namespace names";
    INVALID_ARGUMENT "invalid argument";
    NO_BUFFER "a successful prior call to function XML_GetBuffer was required";
    AMPLIFICATION_LIMIT_BREACH "limit on input amplification factor (from DTD and entities) breached";
    NOT_STARTED "parser not started";
}
