//! Algorithms that know nothing of objects: numbers to text and back, format specifications, Unicode tables, codecs.
