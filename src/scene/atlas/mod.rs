//! What a content wears → few textures: of each image only the parts that faces touch, packed together; at most one
//! picture without and one with transparency. Images that are repeated too often to be written out stay by themselves.
//! Images come in sizes that are there already: nothing is resampled, the finest are taken coarser until all fit.

mod pack;
mod picture;
mod plan;
mod regions;

pub use picture::Size;

use super::mesh::{Material, Mesh, Texture, Wrap};
use crate::error::Result;
use crate::layer::Colour;
use picture::Sheet;
use plan::{Fate, Plan};
use regions::{Region, Worn};

/// What textures may take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Texels finer than this are not needed, metres.
    pub texel_m: f64,
    /// Of all files together.
    pub bytes: u64,
}

/// Under a picture its colour does not show.
const UNDER: Colour = Colour([255; 3]);

/// Gives the mesh its textures in place of `Mesh::images`. `stock`: of each image the sizes it is there in, the largest
/// first; none where it is missing. `read`: the file of an image in one of them, by their numbers. What is missing, or
/// does not fit at all, is drawn in its colour.
///
/// # Errors
/// `read`'s; `Error::Damaged` for a file that is no picture.
pub fn hang(
    mesh: &mut Mesh,
    stock: &[Vec<Size>],
    limits: Limits,
    read: &mut dyn FnMut(usize, usize) -> Result<Vec<u8>>,
) -> Result<()> {
    let worn: Vec<Worn> = (0..mesh.images.len()).map(|i| Worn::of(mesh, i as u32)).collect();
    let plan = Plan::of(&worn, stock, limits);
    let mut textures = vec![];
    let sheets = sheets(&plan, &worn, stock, read)?;
    let mut numbers = vec![];
    for sheet in sheets {
        numbers.push(textures.len() as u32);
        textures.push(Texture { file: sheet.encoded()?, wrap: Wrap::Clamp });
    }
    let mut texture_of = vec![];
    for (image, fate) in plan.fates.iter().enumerate() {
        texture_of.push(match fate {
            Fate::Lacking => None,
            Fate::Packed { sheet, .. } => Some(numbers[*sheet]),
            Fate::Alone { size } => {
                let wrap = if worn[image].repeats() { Wrap::Repeat } else { Wrap::Clamp };
                textures.push(Texture { file: read(image, *size)?, wrap });
                Some(textures.len() as u32 - 1)
            }
        });
    }
    moved(mesh, &plan, &worn, stock);
    dress(mesh, &texture_of);
    mesh.textures = textures;
    Ok(())
}

/// The pictures, painted: one image after another, so that one alone is in memory beside them.
fn sheets(
    plan: &Plan,
    worn: &[Worn],
    stock: &[Vec<Size>],
    read: &mut dyn FnMut(usize, usize) -> Result<Vec<u8>>,
) -> Result<Vec<Sheet>> {
    let mut sheets: Vec<Sheet> = plan.sheets.iter().map(|s| Sheet::new(s.clear, s.sides)).collect();
    for (image, fate) in plan.fates.iter().enumerate() {
        let Fate::Packed { size, sheet, places } = fate else { continue };
        let picture = picture::decoded(&read(image, *size)?)?;
        for (region, place) in worn[image].regions.iter().zip(places) {
            sheets[*sheet].paint(&picture, region.pixels(&stock[image][*size]), *place);
        }
    }
    Ok(sheets)
}

/// Takes the vertices' places from their images into the pictures.
fn moved(mesh: &mut Mesh, plan: &Plan, worn: &[Worn], stock: &[Vec<Size>]) {
    let old = mesh.uv.clone();
    for (image, fate) in plan.fates.iter().enumerate() {
        let Fate::Packed { size, sheet, places } = fate else { continue };
        let (size, sides) = (&stock[image][*size], plan.sheets[*sheet].sides);
        for group in &worn[image].groups {
            let (region, place) = (&worn[image].regions[group.region], places[group.region]);
            for &vertex in &mesh.triangles[group.material][group.corners.clone()] {
                let Some(&uv) = old.get(vertex as usize) else { continue };
                let [u, v] = in_sheet(region, size, place, sides, uv);
                mesh.uv[vertex as usize] = [u, 1.0 - v];
            }
        }
    }
}

/// A place in an image (right and up) → in a picture, right and down.
fn in_sheet(region: &Region, size: &Size, place: [u32; 2], sides: [u32; 2], uv: [f32; 2]) -> [f32; 2] {
    let [from, to] = region.pixels(size);
    let whole = [size.width, size.height].map(f64::from);
    let at = [f64::from(uv[0]), 1.0 - f64::from(uv[1])];
    [0, 1].map(|k| {
        let inside = (at[k] * whole[k]).clamp(f64::from(from[k]), f64::from(to[k])) - f64::from(from[k]);
        ((f64::from(place[k] + pack::PAD) + inside) / f64::from(sides[k])) as f32
    })
}

/// Brings the faces together that wear the same.
fn dress(mesh: &mut Mesh, texture_of: &[Option<u32>]) {
    let materials = std::mem::take(&mut mesh.materials);
    let triangles = std::mem::take(&mut mesh.triangles);
    let lines = std::mem::take(&mut mesh.lines);
    let worn = std::mem::take(&mut mesh.worn);
    mesh.images.clear();
    for (i, (material, (faces, pieces))) in materials.into_iter().zip(triangles.into_iter().zip(lines)).enumerate() {
        let texture = worn.get(i).copied().flatten().and_then(|image| texture_of[image as usize]);
        let under = Material { colour: if texture.is_some() { UNDER } else { material.colour }, ..material };
        let to = mesh.dressed(under, texture);
        mesh.triangles[to].extend(faces);
        mesh.lines[to].extend(pieces);
    }
}
