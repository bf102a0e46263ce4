//! Nested arrays of indices (CityJSON's boundaries and semantic values) as one flat list, and the walk over it. No
//! allocation a ring, no recursion without end; what the levels mean is `geometry`'s.

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};
use std::fmt;

/// A MultiSolid's boundaries are five deep; texture values one more.
const MAX_DEPTH: u32 = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    Open,
    Close,
    Index(u32),
    Null,
}

/// Opening and closing brackets and numbers in their order.
#[derive(Debug, Default, PartialEq)]
pub struct Nested(pub Vec<Token>);

impl<'de> Deserialize<'de> for Nested {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Nested, D::Error> {
        let mut tokens = vec![];
        Level { tokens: &mut tokens, depth: 0 }.deserialize(d)?;
        Ok(Nested(tokens))
    }
}

struct Level<'a> {
    tokens: &'a mut Vec<Token>,
    depth: u32,
}

impl<'de> DeserializeSeed<'de> for Level<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("nested arrays of indices")
    }

    fn visit_u64<E: Error>(self, n: u64) -> Result<(), E> {
        let index = u32::try_from(n).map_err(|_| E::custom(format!("{n} is no index")))?;
        self.tokens.push(Token::Index(index));
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.tokens.push(Token::Null);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        if self.depth == MAX_DEPTH {
            return Err(A::Error::custom("arrays nest too deep"));
        }
        self.tokens.push(Token::Open);
        while seq.next_element_seed(Level { tokens: self.tokens, depth: self.depth + 1 })?.is_some() {}
        self.tokens.push(Token::Close);
        Ok(())
    }
}

/// A place in the list.
#[derive(Clone, Copy)]
pub struct Walk<'a> {
    rest: &'a [Token],
}

impl<'a> Walk<'a> {
    pub fn new(nested: &'a Nested) -> Walk<'a> {
        Walk { rest: &nested.0 }
    }

    /// The next token.
    pub fn take(&mut self) -> Option<Token> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// Goes into an array, if one is next.
    pub fn enter(&mut self) -> bool {
        self.take_if(Token::Open)
    }

    /// Leaves an array at its end; false where an item is next.
    pub fn leave(&mut self) -> bool {
        self.take_if(Token::Close)
    }

    /// Whether the array's end is next.
    pub fn leave_ahead(&self) -> bool {
        matches!(self.rest.first(), Some(Token::Close) | None)
    }

    /// Goes past all that is left of the array it is in.
    pub fn skip_out(&mut self) {
        let mut open = 1;
        while open > 0 {
            match self.take() {
                Some(Token::Open) => open += 1,
                Some(Token::Close) => open -= 1,
                Some(_) => {}
                None => return,
            }
        }
    }

    fn take_if(&mut self, token: Token) -> bool {
        let is = self.rest.first() == Some(&token);
        if is {
            self.rest = &self.rest[1..];
        }
        is
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Token::*;

    #[test]
    fn arrays_become_tokens() {
        let nested: Nested = serde_json::from_str("[[0, 12], null, []]").unwrap();
        assert_eq!(nested.0, [Open, Open, Index(0), Index(12), Close, Null, Open, Close, Close]);
        for bad in ["[-1]", "[4294967296]", "[1.5]", "[\"a\"]", "[{}]", "[[[[[[[[[0]]]]]]]]]"] {
            assert!(serde_json::from_str::<Nested>(bad).is_err(), "{bad}");
        }
        assert_eq!(serde_json::from_str::<Nested>("null").unwrap().0, [Null]);
    }

    #[test]
    fn the_walk_goes_in_and_out() {
        let nested: Nested = serde_json::from_str("[[1,[2]],3]").unwrap();
        let mut walk = Walk::new(&nested);
        assert!(walk.enter() && walk.enter() && !walk.leave());
        walk.skip_out();
        assert_eq!(walk.take(), Some(Index(3)));
        assert!(walk.leave() && walk.take().is_none());
    }
}
