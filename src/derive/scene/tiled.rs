//! What is kept of every feature of a layer beside its tree, tile by tile, as its features stand in `Node::offsets`.

use super::grow::Grown;
use crate::error::{Error, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;

/// A value of each feature of every tile.
#[derive(Debug, Clone, PartialEq)]
pub struct Tiled<T> {
    tiles: Vec<Vec<u8>>,
    of: PhantomData<T>,
}

#[derive(Serialize, Deserialize)]
enum Stored {
    /// Of each tile, the values of its features as bytes (postcard).
    V1(Vec<Vec<u8>>),
}

impl<T: Copy + Serialize + DeserializeOwned> Tiled<T> {
    /// From values in the table's order.
    pub fn of(values: &[T], grown: &Grown) -> Result<Tiled<T>> {
        let tile = |members: &Vec<u32>| {
            let own: Vec<T> = members.iter().map(|&i| values[i as usize]).collect();
            postcard::to_stdvec(&own).map_err(|e| Error::Data(format!("what is kept beside tiles: {e}")))
        };
        Ok(Tiled { tiles: grown.nodes.iter().map(|n| tile(&n.members)).collect::<Result<_>>()?, of: PhantomData })
    }

    /// Of each feature of a tile, in the order of its offsets; `None` where the tile is not known.
    pub fn tile(&self, node: usize) -> Result<Option<Vec<T>>> {
        let Some(bytes) = self.tiles.get(node) else { return Ok(None) };
        postcard::from_bytes(bytes).map(Some).map_err(|e| damaged(&e))
    }

    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let stored = Stored::V1(self.tiles.clone());
        postcard::to_stdvec(&stored).map_err(|e| Error::Data(format!("what is kept beside tiles: {e}")))
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Tiled<T>> {
        let Stored::V1(tiles) = postcard::from_bytes(bytes).map_err(|e| damaged(&e))?;
        Ok(Tiled { tiles, of: PhantomData })
    }
}

fn damaged(e: &postcard::Error) -> Error {
    Error::damaged("what is kept beside tiles", e.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::grow::Sprout;
    use super::*;

    #[test]
    fn values_are_kept_tile_by_tile() {
        let values: Vec<Option<u32>> = vec![Some(7), None, Some(300), Some(0), Some(1 << 30), None];
        let sprout = |members: &[u32]| Sprout { members: members.to_vec(), ..Sprout::default() };
        let mut grown = Grown::default();
        grown.nodes = vec![sprout(&[1, 4]), sprout(&[0, 2, 3, 5])];
        let bytes = Tiled::of(&values, &grown).unwrap().to_bytes().unwrap();
        let read = Tiled::<Option<u32>>::from_bytes(&bytes).unwrap();
        assert_eq!(read.tile(0).unwrap().unwrap(), [None, Some(1 << 30)]);
        assert_eq!(read.tile(1).unwrap().unwrap(), [Some(7), Some(300), Some(0), None]);
        assert_eq!(read.tile(2).unwrap(), None);
        assert!(Tiled::<Option<u32>>::from_bytes(&bytes[..bytes.len() - 3]).is_err());
        let damaged = Tiled::<Option<u32>> { tiles: vec![vec![9; 4]], of: PhantomData };
        assert!(damaged.tile(0).is_err());
    }
}
