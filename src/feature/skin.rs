//! What a model wears: images and colours on its surfaces, beside its shape. Images are named by their bytes; where these
//! are kept is the store's matter.

use super::Lod;
use serde::{Deserialize, Serialize};

/// The first 128 bits of the BLAKE3 of an image file.
pub type ImageId = [u8; 16];

/// Images and colours of one model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Skin {
    pub paints: Vec<Paint>,
    /// One for each of the model's levels of detail.
    pub lods: Vec<LodSkin>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Paint {
    /// sRGB.
    Colour([u8; 3]),
    Image(ImageId),
}

/// What the surfaces of one level of detail wear.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LodSkin {
    /// For each surface the number of its paint, from 1; 0 wears nothing.
    pub worn: Vec<u32>,
    /// For each corner of the level its place in the image: right and up, 0 … 1 from the lower left; beyond, the image is
    /// repeated. None at all where no surface wears an image.
    pub uv: Vec<[f32; 2]>,
}

impl Skin {
    /// The images that are worn.
    pub fn images(&self) -> impl Iterator<Item = ImageId> + '_ {
        self.paints.iter().filter_map(|p| match p {
            Paint::Image(id) => Some(*id),
            Paint::Colour(_) => None,
        })
    }

    /// What does not fit the model's levels, if anything.
    pub(super) fn flaw(&self, lods: &[Lod]) -> Option<&'static str> {
        let fits = |(lod, skin): (&Lod, &LodSkin)| {
            skin.worn.len() == lod.surfaces.len()
                && (skin.uv.is_empty() || skin.uv.len() == lod.corners.len())
                && skin.worn.iter().all(|&n| n as usize <= self.paints.len())
                && skin.uv.iter().flatten().all(|x| x.is_finite())
        };
        let all = lods.len() == self.lods.len() && lods.iter().zip(&self.lods).all(fits);
        (!all).then_some("a skin that does not fit it")
    }
}
